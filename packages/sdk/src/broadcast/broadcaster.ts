import { CableError, messageOf } from "@hawser/core/errors";
import { deriveKey } from "@hawser/core/signed/derive";
import { hmacSha256Hex } from "../drivers/crypto.ts";
import { postJson } from "../drivers/http.ts";
import { jsonOf } from "../json.ts";

export interface BroadcasterOptions {
  /** Where the server takes publications: `http://127.0.0.1:8080/_broadcast`. */
  readonly url: string;
  /** The server's `--broadcast_key`. */
  readonly key?: string;
  /** The server's `--secret`, to derive the key from when it has none of its own. */
  readonly secret?: string;
  /** How long to wait for an answer; 5000 ms unless given. */
  readonly timeoutMs?: number;
}

export interface Broadcaster {
  /**
   * Sends `data` (anything that has JSON) to everyone who streams from `stream`. Resolves once the server has it.
   *
   * Rejects with CableError `io_failed` when the server cannot be reached or answers with anything but 2xx; it is
   * retryable when the same call may succeed later. Rejects with an Error when `data` has no JSON.
   */
  broadcast(stream: string, data: unknown): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 5000;

/** @throws CableError `config_invalid` when `url` is not an http(s) URL. */
export function createBroadcaster(options: BroadcasterOptions): Broadcaster {
  const { url, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const place = placeOf(url);
  const key =
    options.key ??
    (options.secret === undefined ? undefined : deriveKey(options.secret, "broadcast", hmacSha256Hex));
  const headers: Record<string, string> = key === undefined ? {} : { Authorization: `Bearer ${key}` };
  return {
    async broadcast(stream, data) {
      const body = JSON.stringify({ stream, data: jsonOf(data, "broadcast") });
      const { status } = await postJson(url, body, headers, timeoutMs).catch((cause: unknown) => {
        throw new CableError(
          "io_failed",
          `Cannot broadcast to ${stream}: no answer from ${place}: ${messageOf(cause)}. Is the server running there?`,
          { cause, retryable: true },
        );
      });
      if (status >= 200 && status < 300) return;
      throw new CableError(
        "io_failed",
        `Cannot broadcast to ${stream}: ${place} answered ${status}${hintFor(status)}.`,
        { retryable: status >= 500 || status === 429 },
      );
    },
  };
}

function hintFor(status: number): string {
  switch (status) {
    case 401:
      return ". Give the server's broadcast key, or its secret";
    case 404:
      return ". Does the URL end in the server's broadcast path, /_broadcast?";
    case 422:
      return ": it could not read the publication";
    default:
      return "";
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
