import type { Clock } from "@hawser/core/clock";
import { CableError } from "@hawser/core/errors";
import type { Random } from "@hawser/core/random";
import { deriveKey } from "@hawser/core/signed/derive";
import { systemClock } from "../drivers/clock.ts";
import { hmacSha256Hex } from "../drivers/crypto.ts";
import { postJson } from "../drivers/http.ts";
import { systemRandom } from "../drivers/random.ts";
import {
  type BroadcastMessage,
  type BroadcastOptions,
  disconnectJson,
  messageJson,
  type RemoteDisconnectOptions,
  type RevocationTarget,
  type RevokeOptions,
  revocationJson,
} from "./publication.ts";
import { type Outgoing, SendQueue } from "./send-queue.ts";

/** What a broadcaster needs to know; `url` is all that it must. */
export interface BroadcasterOptions {
  /** Where the server takes publications: `http://127.0.0.1:8080/_broadcast`. */
  readonly url: string;
  /** The server's `--broadcast_key`. */
  readonly key?: string | undefined;
  /** The server's `--secret`, to derive the key from when it has none of its own. */
  readonly secret?: string | undefined;
  /** How long to wait for an answer; 5000 ms unless given. */
  readonly timeoutMs?: number;
  /**
   * How long a call is tried again when the server cannot be reached, answers 5xx, or asks for patience (429), counted
   * from when it was made; 10000 ms unless given, 0 for one attempt alone.
   */
  readonly retryForMs?: number;
  /** How many calls may wait for the server; 1000 unless given. What is too much is rejected at once. */
  readonly maxPending?: number;
  /** Told of every call that was given up. With it a promise that nobody awaits is no unhandled rejection. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Where the time comes from; for tests. */
  readonly clock?: Pick<Clock, "monotonicMs" | "after">;
  /** Where the chance in delays comes from; for tests. */
  readonly random?: Pick<Random, "fraction">;
}

/**
 * Publishes through the server's HTTP endpoint, in the order of the calls. A call resolves once the server has it, and
 * rejects with CableError `io_failed` once it is given up: at once when the server refuses it (`retryable` is false then,
 * and the message says what to change), after `retryForMs` of attempts otherwise. It rejects with an Error when what is
 * published has no JSON.
 *
 * A connection that breaks before the answer leaves open whether the server had the message; it is sent again then, so
 * clients may get it twice.
 */
export interface Broadcaster {
  /** Sends `data` (anything that has JSON) to everyone who follows `stream`. */
  broadcast(stream: string, data: unknown, options?: BroadcastOptions): Promise<void>;
  /** The same for several messages in one request, which the server takes as a whole or not at all. None is no request. */
  broadcastBatch(messages: readonly BroadcastMessage[]): Promise<void>;
  /** Ends every connection whose identifiers are these: exactly the text that its token was issued with. */
  disconnect(identifiers: object | string, options?: RemoteDisconnectOptions): Promise<void>;
  /**
   * Takes tokens back: the server refuses them from now on, and ends every connection that they opened. It rejects, and nothing
   * is done, when the server has no room for another revocation (`--revocations_limit`).
   */
  revoke(target: RevocationTarget, options?: RevokeOptions): Promise<void>;
  /** Resolves when every call made so far has been taken or given up; before the process ends, for instance. */
  flush(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 5000;
const DEFAULT_RETRY_FOR_MS = 10_000;
const DEFAULT_MAX_PENDING = 1000;

/**
 * Makes a broadcaster. It opens no connection before it is used.
 *
 * @throws CableError `config_invalid` when `url` is not an http(s) URL, `secret` is empty, or a number cannot be one.
 */
export function createBroadcaster(options: BroadcasterOptions): Broadcaster {
  const { url, timeoutMs = DEFAULT_TIMEOUT_MS, retryForMs = DEFAULT_RETRY_FOR_MS, onError } = options;
  const { maxPending = DEFAULT_MAX_PENDING, clock = systemClock, random = systemRandom } = options;
  const place = placeOf(url);
  checkNumbers({ timeoutMs, retryForMs, maxPending });
  const key = keyOf(options);
  const headers: Record<string, string> = key === null ? {} : { Authorization: `Bearer ${key}` };
  const queue = new SendQueue(
    { place, maxPending, retryForMs, maxWaitMs: retryForMs + 2 * timeoutMs },
    { post: (body) => postJson(url, body, headers, timeoutMs), clock, random },
  );
  const send = async (outgoing: () => Outgoing): Promise<void> => queue.push(outgoing());
  const watched = (sent: Promise<void>): Promise<void> => {
    if (onError !== undefined) sent.catch(onError);
    return sent;
  };
  return {
    broadcast: (stream, data, more) => watched(send(() => messagesOf([{ ...more, stream, data }]))),
    broadcastBatch: (messages) =>
      messages.length === 0 ? Promise.resolve() : watched(send(() => messagesOf(messages))),
    disconnect: (identifiers, more = {}) =>
      watched(send(() => commandOf("disconnect remote clients", disconnectJson(identifiers, more)))),
    revoke: (target, more = {}) =>
      watched(send(() => commandOf("revoke tokens", revocationJson(target, more)))),
    flush: () => queue.flush(),
  };
}

function messagesOf(messages: readonly BroadcastMessage[]): Outgoing {
  const [first] = messages;
  const others = messages.length === 1 ? "" : ` and ${messages.length - 1} more`;
  return {
    kind: "messages",
    texts: messages.map(messageJson),
    purpose: `broadcast to ${first?.stream}${others}`,
  };
}

/** Whom it is about stays out of error texts: identifiers are personal. */
function commandOf(purpose: string, text: string): Outgoing {
  return { kind: "command", texts: [text], purpose };
}

function keyOf({ key, secret }: BroadcasterOptions): string | null {
  if (key !== undefined) return key;
  if (secret === undefined) return null;
  if (secret !== "") return deriveKey(secret, "broadcast", hmacSha256Hex);
  throw new CableError(
    "config_invalid",
    "Cannot make a broadcaster: its secret is empty. Give the server's --secret, or leave it out if the server has none.",
  );
}

function checkNumbers(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (Number.isFinite(value) && value >= (name === "retryForMs" ? 0 : 1)) continue;
    throw new CableError(
      "config_invalid",
      `Cannot make a broadcaster: ${name} is ${value}. Give a positive number.`,
    );
  }
}

/** The URL as error texts show it: without its query. */
function placeOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== "") {
    throw new CableError(
      "config_invalid",
      "Cannot make a broadcaster: its url is not an http(s) URL without credentials. Give one like " +
        "http://127.0.0.1:8080/_broadcast, and the key as `key` or `secret`.",
    );
  }
  return `${parsed.origin}${parsed.pathname}`;
}
