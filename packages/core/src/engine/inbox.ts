import { CableError, messageOf } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { type Command, decodeCommand } from "../protocol/command.ts";
import { PendingCommands } from "../session/pending-commands.ts";
import { isClosed, type Session } from "../session/session.ts";
import { CommandPace } from "./command-pace.ts";
import { execute } from "./commands/execute.ts";
import { CommandFailure, type EngineContext, quoted } from "./context.ts";

export interface InboxOptions {
  /** Commands that may wait while one is being carried out. */
  readonly maxPendingCommands: number;
  /** Bytes of the frames that they came in. */
  readonly maxPendingCommandBytes: number;
  /** What a client may say in a second; 0 for no limit. */
  readonly maxCommandsPerS: number;
  /** Called for every frame that is a command. */
  readonly onCommand: (session: Session) => void;
}

/** What clients say: one command at a time and in order for each, whether the application is asked or not. */
export class Inbox {
  readonly #context: EngineContext;
  readonly #options: InboxOptions;
  readonly #pace: CommandPace | null;
  readonly #tokenPace: CommandPace;
  /** Who waits for a session to have nothing under way; of transports that give the commands themselves. */
  readonly #idlers = new Map<Session, () => void>();

  constructor(context: EngineContext, options: InboxOptions) {
    this.#context = context;
    this.#options = options;
    const { maxCommandsPerS } = options;
    const { maxTokensPerMinute } = LIMITS;
    this.#tokenPace = new CommandPace(context.clock, maxTokensPerMinute / 60, maxTokensPerMinute);
    this.#pace = maxCommandsPerS === 0 ? null : new CommandPace(context.clock, maxCommandsPerS);
  }

  receive(session: Session, text: string, bytes: number): void {
    if (isClosed(session)) return;
    const { counters } = this.#context;
    counters.bytesReceived.value += bytes;
    if (this.#pace?.isTooFast(session)) {
      this.#dropTooFast(session);
      return;
    }
    const command = decodeCommand(text);
    if (command === "ignored") return;
    if (command === "malformed") {
      this.#countBadFrame(session);
      return;
    }
    if (command.command === "auth" && this.#tokenPace.isTooFast(session)) {
      this.#dropForTokens(session);
      return;
    }
    counters.clientMessages.value += 1;
    this.#options.onCommand(session);
    if (session.scope === null || (command.command === "auth" && session.term?.awaited)) {
      this.#run(session, command);
    } else this.#enqueue(session, command, bytes);
  }

  /** Carries out a command that did not come in a frame; for a session that has nothing under way. */
  perform(session: Session, command: Command): void {
    this.#run(session, command);
  }

  /**
   * Resolves once nothing is under way for the session: it was let in or not, its commands were carried out or not, or it
   * has ended. Null when that is so already. To be asked for by one at a time.
   */
  whenIdle(session: Session): Promise<void> | null {
    if (session.scope === null || isClosed(session)) return null;
    return new Promise((resolve) => {
      this.#idlers.set(session, resolve);
    });
  }

  /** The session has ended: nothing is under way any more. */
  ended(session: Session): void {
    this.#pace?.ended(session);
    this.#tokenPace.ended(session);
    if (this.#idlers.size > 0) this.#releaseIdler(session);
  }

  /** Runs the commands that waited, until one of them has to wait for the application itself. */
  resume(session: Session): void {
    while (session.scope === null && session.queue !== null && !isClosed(session)) {
      const next = session.queue.shift();
      if (session.queue.size === 0) session.queue = null;
      if (next !== undefined) this.#run(session, next);
    }
    if (this.#idlers.size > 0 && session.scope === null) this.#releaseIdler(session);
  }

  #releaseIdler(session: Session): void {
    const release = this.#idlers.get(session);
    this.#idlers.delete(session);
    release?.();
  }

  #enqueue(session: Session, command: Command, bytes: number): void {
    session.queue ??= new PendingCommands();
    const { maxPendingCommands: max } = this.#options;
    const early = session.state === "connecting";
    const maxBytes = early ? LIMITS.maxEarlyCommandBytes : this.#options.maxPendingCommandBytes;
    const { size, bytes: held } = session.queue;
    if (size === 0 || (size < max && held + bytes <= maxBytes)) {
      session.queue.push(command, bytes);
      return;
    }
    const message = "client dropped: too many commands wait for the one before them";
    const fields = { sid: session.sid, remote: session.remoteAddress, max, max_bytes: maxBytes };
    this.#context.sampled("info", "too_many_commands", message, fields);
    this.#context.drop(session, "too_many_commands");
  }

  #dropTooFast(session: Session): void {
    const message = "client dropped: it says more in a second than --max_commands_per_second allows";
    const fields = { sid: session.sid, remote: session.remoteAddress, max: this.#options.maxCommandsPerS };
    this.#context.sampled("info", "command_rate", message, fields);
    this.#context.drop(session, "command_rate");
  }

  #dropForTokens(session: Session): void {
    const fields = { sid: session.sid, remote: session.remoteAddress, max: LIMITS.maxTokensPerMinute };
    this.#context.sampled("info", "too_many_tokens", "client dropped: too many tokens in a minute", fields);
    this.#context.drop(session, "too_many_tokens");
  }

  #run(session: Session, command: Command): void {
    try {
      const pending = execute(this.#context, session, command);
      if (pending === undefined) return;
      pending.then(
        () => this.resume(session),
        (thrown: unknown) => {
          session.scope = null;
          this.#fail(session, command, thrown);
          this.resume(session);
        },
      );
    } catch (thrown) {
      this.#fail(session, command, thrown);
    }
  }

  /** A failed command is a line for the operator; a bug also ends the session, and only that. */
  #fail(session: Session, command: Command, thrown: unknown): void {
    const { counters, sampled } = this.#context;
    const code = failureCode(thrown);
    if (code === "canceled") return;
    counters.failedClientMessages.value += 1;
    sampled(code === "bug" ? "error" : "warn", code ?? "command", "failed to handle incoming message", {
      sid: session.sid,
      command: quoted(command.command),
      identifier: quoted(command.identifier),
      code,
      error: messageOf(thrown).slice(0, MAX_ERROR_LENGTH),
    });
    if (code === "bug") this.#context.drop(session, "internal_error");
  }

  /** DEVIATION: D6. The reference stops reading for good; we go on, unless the client keeps at it. */
  #countBadFrame(session: Session): void {
    const { clock, counters, log } = this.#context;
    counters.failedClientMessages.value += 1;
    const nowMs = clock.monotonicMs();
    if (session.badFrames === 0 || nowMs - session.badFramesSinceMs > ONE_MINUTE_MS) {
      session.badFrames = 0;
      session.badFramesSinceMs = nowMs;
    }
    session.badFrames += 1;
    log.debug("malformed frame", { sid: session.sid });
    if (session.badFrames <= LIMITS.maxBadFramesPerMinute) return;
    const fields = { sid: session.sid, remote: session.remoteAddress };
    this.#context.sampled("info", "bad_frames", "client dropped: too many malformed frames", fields);
    this.#context.drop(session, "bad_frames");
  }
}

const ONE_MINUTE_MS = 60_000;

/** Some messages quote what the client sent. */
const MAX_ERROR_LENGTH = 300;

/** Undefined for a command that simply cannot be done; `bug` for what nobody foresaw. */
function failureCode(thrown: unknown): string | undefined {
  if (thrown instanceof CableError) return thrown.code;
  return thrown instanceof CommandFailure ? undefined : "bug";
}
