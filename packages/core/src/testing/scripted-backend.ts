import type {
  Backend,
  CallScope,
  CommandReply,
  CommandRequest,
  ConnectReply,
  ConnectRequest,
  DisconnectReply,
  DisconnectRequest,
} from "../rpc/backend.ts";

interface Pending<T> {
  readonly request: ConnectRequest;
  readonly scope: CallScope;
  readonly resolve: (reply: T) => void;
  readonly reject: (fault: unknown) => void;
}

/** An application whose answers a test gives one by one. */
export class ScriptedBackend implements Backend {
  readonly kind = "grpc";
  readonly connects: (Pending<ConnectReply> & { readonly request: ConnectRequest })[] = [];
  readonly commands: (Pending<CommandReply> & { readonly request: CommandRequest })[] = [];
  readonly disconnects: DisconnectRequest[] = [];

  connect(request: ConnectRequest, scope: CallScope): Promise<ConnectReply> {
    return new Promise((resolve, reject) => this.connects.push({ request, scope, resolve, reject }));
  }

  command(request: CommandRequest, scope: CallScope): Promise<CommandReply> {
    return new Promise((resolve, reject) => this.commands.push({ request, scope, resolve, reject }));
  }

  disconnect(request: DisconnectRequest): DisconnectReply {
    this.disconnects.push(request);
    return { status: "success", errorMessage: "" };
  }
}

/** A reply to Connect with these differences from an empty success. */
export function connectReply(differences: Partial<ConnectReply> = {}): ConnectReply {
  return {
    status: "success",
    identifiers: "",
    transmissions: [],
    errorMessage: "",
    cstate: {},
    ...differences,
  };
}

/** A reply to a command with these differences from an empty success. */
export function commandReply(differences: Partial<CommandReply> = {}): CommandReply {
  return {
    status: "success",
    disconnect: false,
    stopStreams: false,
    streams: [],
    stoppedStreams: [],
    transmissions: [],
    errorMessage: "",
    cstate: {},
    istate: {},
    presence: null,
    ...differences,
  };
}
