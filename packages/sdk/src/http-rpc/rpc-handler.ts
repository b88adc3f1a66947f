import { messageOf } from "@hawser/core/errors";
import type { JsonObject } from "@hawser/core/wire/strict-json";
import { objectIn } from "../json.ts";
import type { RpcHandlers, RpcName } from "../rpc/cable.ts";
import { checkedCalls } from "../rpc/checked-calls.ts";
import type { CallMetadata } from "../rpc/connection.ts";
import { createSecretComparison, type SecretNotice, writeNotice } from "../rpc/secret-comparison.ts";
import type { VerifyTokensOptions } from "../rpc/token-check.ts";
import type { RequestHandler } from "../tokens/token-endpoint.ts";
import { createBearerCheck } from "./bearer-check.ts";
import {
  commandMessageOf,
  connectionRequestOf,
  disconnectRequestOf,
  jsonOfCommand,
  jsonOfConnection,
  jsonOfDisconnect,
} from "./json-messages.ts";
import { readText } from "./request-body.ts";

/** Who may call, and what is checked. `secret`, `key` or `open` has to be there. */
export interface RpcHandlerOptions {
  /**
   * The server's `--secret`: the key that it presents is derived from it. Its fingerprint is compared with the server's at
   * every call, and when they differ both sides say so.
   */
  readonly secret?: string | undefined;
  /** The server's `--http_rpc_secret`, when it has one; no key is derived from `secret` then. */
  readonly key?: string | undefined;
  /** Other values of `secret` whose keys are taken: the next one, and the former one, during a rotation. */
  readonly furtherSecrets?: readonly string[] | undefined;
  /** The same for `key`. */
  readonly furtherKeys?: readonly string[] | undefined;
  /** Answer whoever calls: only where nobody but the server can reach it. */
  readonly open?: boolean | undefined;
  /**
   * Verify the client's token here as well, with `secret` and the server's own code, as `serveRpc` does. For tokens by
   * HMAC.
   */
  readonly verifyTokens?: boolean | VerifyTokensOptions;
  /** Larger requests are answered 413; 4 MiB unless given. */
  readonly maxBodyBytes?: number;
  /** Told of what came of the comparison, and of tokens that are refused here; a line on standard error unless given. */
  readonly onNotice?: (notice: SecretNotice) => void;
}

const DEFAULT_MAX_BODY_BYTES = 4 * 1024 * 1024;
/** Before each name of metadata, both ways. */
const METADATA_PREFIX = "x-anycable-meta-";
const FINGERPRINT_HEADER = `${METADATA_PREFIX}x-anycable-secret-fp`;

/**
 * Serves an application by HTTP: a handler for every path that ends in `/connect`, `/command` or `/disconnect`. The
 * server's `--rpc_host` is the URL in front of those. `nodeListener` puts it behind Express and `node:http`.
 *
 * @throws CableError `config_invalid` when it is not said who may call, or tokens are to be verified without the secret.
 */
export function createRpcHandler(cable: RpcHandlers, options: RpcHandlerOptions): RequestHandler {
  const { secret, maxBodyBytes = DEFAULT_MAX_BODY_BYTES, onNotice = writeNotice } = options;
  const isServer = createBearerCheck(options);
  const secrets = secret === undefined ? null : createSecretComparison(secret, onNotice);
  const handlers = checkedCalls(cable, options, onNotice);
  return async (request) => {
    const call = callNamed(handlers, request.url);
    if (call === null)
      return refused(404, "no such call: the path has to end in /connect, /command or /disconnect");
    if (request.method !== "POST") return refused(405, "use POST", { Allow: "POST" });
    if (!isServer(request.headers.get("authorization"))) return refused(401, WRONG_KEY);
    const headers: Record<string, string> = {};
    if (secrets !== null)
      headers[FINGERPRINT_HEADER] = secrets.answerTo(request.headers.get(FINGERPRINT_HEADER));
    const text = await readText(request, maxBodyBytes);
    if (text === null) return refused(413, `the request has more than ${maxBodyBytes} bytes`, headers);
    const message = objectIn(text);
    if (message === null)
      return refused(422, text === "" ? EMPTY_BODY : "the body is not a JSON object", headers);
    return answer(call, message, metadataIn(request.headers), headers);
  };
}

const WRONG_KEY =
  "not the key of this application: give the server the same secret, or the key of this handler as http_rpc_secret";
const EMPTY_BODY = "the body is empty; if something in front has read it, put this handler before that";

/** One of the three, from JSON to JSON. Reading throws for what is no such message. */
type Call = (message: JsonObject) => (metadata: CallMetadata) => Promise<object>;

function callNamed(handlers: RpcHandlers, url: string): Call | null {
  const name = /\/(connect|command|disconnect)\/?$/.exec(new URL(url).pathname)?.[1];
  switch (name as RpcName | undefined) {
    case "connect":
      return (message) => {
        const request = connectionRequestOf(message);
        return async (metadata) => jsonOfConnection(await handlers.connect(request, metadata));
      };
    case "command":
      return (message) => {
        const request = commandMessageOf(message);
        return async (metadata) => jsonOfCommand(await handlers.command(request, metadata));
      };
    case "disconnect":
      return (message) => {
        const request = disconnectRequestOf(message);
        return async (metadata) => jsonOfDisconnect(await handlers.disconnect(request, metadata));
      };
    default:
      return null;
  }
}

async function answer(
  call: Call,
  message: JsonObject,
  metadata: CallMetadata,
  headers: Record<string, string>,
): Promise<Response> {
  let run: ReturnType<Call>;
  try {
    run = call(message);
  } catch (thrown) {
    return refused(422, messageOf(thrown), headers);
  }
  try {
    return respond(200, await run(metadata), headers);
  } catch (thrown) {
    // Those of `createCable` do not throw.
    return refused(500, messageOf(thrown), headers);
  }
}

function metadataIn(headers: Headers): CallMetadata {
  const value = (name: string) => headers.get(METADATA_PREFIX + name);
  return {
    sid: value("sid") ?? "",
    protocolVersions: (value("protov") ?? "").split(",").map((version) => version.trim()),
    jwtIdentity: value("x-jwt-identity"),
  };
}

function refused(status: number, error: string, headers: Record<string, string> = {}): Response {
  return respond(status, { error }, headers);
}

function respond(status: number, body: object, headers: Record<string, string>): Response {
  const all = { "Content-Type": "application/json", "Cache-Control": "no-store", ...headers };
  return new Response(JSON.stringify(body), { status, headers: all });
}
