import type { Clock } from "../clock.ts";
import { CableError, messageOf } from "../errors.ts";
import type { LabelledCells } from "../metrics/registry.ts";
import { type Backend, CallScope, type ConnectReply, type ConnectRequest } from "../rpc/backend.ts";
import type { Session } from "../session/session.ts";
import type { Refusal } from "./admission.ts";
import { type EngineContext, rpcEnv } from "./context.ts";

/** `--rpc_after_jwt=shadow`. */
export interface ShadowConnectsOptions {
  readonly connect: Backend["connect"];
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly sampled: EngineContext["sampled"];
  readonly disagreements: LabelledCells<"auth_disagreements_total">;
  /** Calls that may be under way together. */
  readonly atOnce: number;
}

/** What the token's layer said, for the comparison. `identity` is null for a client that was refused. */
interface Question {
  readonly request: ConnectRequest;
  readonly remote: string;
  readonly identity: string | null;
  readonly reason: string | null;
}

/** What the application said, as the metric's label. */
type Answer = "success" | "other_identifiers" | "failure" | "error" | "unreachable" | "not_asked";

/** Those that wait for their turn hold what is said of a client and nothing else of it. */
const BACKLOG = 4096;

/** Clients with a refused token that are asked about in a second: an old token may be sent again and again. */
const REFUSED_PER_S = 5;

/**
 * Asks the application about clients whose token has decided already, and counts where the two differ. Nothing waits
 * for its answers and nothing of them applies. Only a few calls are under way, so that the slots are the clients' own;
 * what finds no place among those that wait is counted as not asked.
 */
export class ShadowConnects {
  readonly #options: ShadowConnectsOptions;
  readonly #waiting: Question[] = [];
  readonly #underWay = new Set<CallScope>();
  #stopped = false;
  #refusedAsked = 0;
  #refusedSinceMs = Number.NEGATIVE_INFINITY;

  constructor(options: ShadowConnectsOptions) {
    this.#options = options;
  }

  /** The client was let in with these identifiers. */
  accepted(session: Session, identity: string): void {
    this.#ask(session, session.jwtIdentity, identity, null);
  }

  /**
   * The client's token was refused. Asked about only where one of this server's keys made it, and seldom: strangers can
   * make tokens without end, and none of them may become a call.
   */
  refused(session: Session, { reason, keyName }: Refusal): void {
    if (keyName === null || reason === "key_revoked" || !this.#mayAskOfRefused()) return;
    this.#ask(session, null, null, reason);
  }

  /** The server goes: no more is asked, and no answer waited for. */
  stop(): void {
    this.#stopped = true;
    this.#waiting.length = 0;
    for (const scope of [...this.#underWay]) scope.cancel();
  }

  #mayAskOfRefused(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#refusedSinceMs >= 1000) {
      this.#refusedSinceMs = nowMs;
      this.#refusedAsked = 0;
    }
    this.#refusedAsked += 1;
    return this.#refusedAsked <= REFUSED_PER_S;
  }

  #ask(session: Session, jwtIdentity: string | null, identity: string | null, reason: string | null): void {
    if (this.#stopped) return;
    const request = { sid: session.sid, env: rpcEnv(session, {}), jwtIdentity };
    const question = { request, remote: session.remoteAddress, identity, reason };
    if (this.#underWay.size < this.#options.atOnce) void this.#call(question);
    else if (this.#waiting.length < BACKLOG) this.#waiting.push(question);
    else this.#note(question, "not_asked", "too many clients wait to be asked about");
  }

  async #call(question: Question): Promise<void> {
    const scope = new CallScope();
    this.#underWay.add(scope);
    try {
      const reply = await this.#options.connect(question.request, scope);
      if (!this.#stopped) this.#compare(question, reply);
    } catch (fault) {
      if (!this.#stopped) this.#note(question, "unreachable", told(fault));
    }
    this.#underWay.delete(scope);
    const next = this.#waiting.shift();
    if (next !== undefined) void this.#call(next);
  }

  #compare(question: Question, reply: ConnectReply): void {
    const { identity } = question;
    const { status, identifiers, errorMessage } = reply;
    if (status === "error") this.#note(question, "error", errorMessage);
    else if ((status === "success") !== (identity !== null)) this.#note(question, status, errorMessage);
    else if (status === "success" && identifiers !== "" && identifiers !== identity) {
      this.#note(question, "other_identifiers", "the application gives the client other identifiers");
    }
  }

  #note({ request, remote, identity, reason }: Question, rpc: Answer, detail: string): void {
    const jwt = identity === null ? "refused" : "accepted";
    this.#options.disagreements.add([jwt, rpc]);
    this.#options.sampled("warn", `${jwt}_${rpc}`, "token and application disagree", {
      jwt,
      rpc,
      reason: reason ?? undefined,
      sid: request.sid,
      remote,
      detail: detail === "" ? undefined : detail,
    });
  }
}

function told(fault: unknown): string {
  return fault instanceof CableError ? `${fault.code}: ${fault.message}` : `bug: ${messageOf(fault)}`;
}
