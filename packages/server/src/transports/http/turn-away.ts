import type { FailedAuths } from "@hawser/core/engine/failed-auths";
import type { LogSampler } from "@hawser/core/log-sampler";
import type { LabelledCells } from "@hawser/core/metrics/registry";

export interface TurnAwayParts {
  readonly failedAuths: FailedAuths;
  readonly refused: LabelledCells<"refused_connections_total">;
  readonly sampled: LogSampler["write"];
}

/** Limits on who may try to open a session, which are looked at before a token is. */
export class TurnAway {
  readonly #parts: TurnAwayParts;

  constructor(parts: TurnAwayParts) {
    this.#parts = parts;
  }

  /**
   * @param address the client's, behind the proxies that are trusted.
   * @param headers what the answer has as well.
   * @returns null for a client that may try.
   */
  answer(address: string, headers: Readonly<Record<string, string>>): Response | null {
    const { failedAuths, refused, sampled } = this.#parts;
    const banMs = failedAuths.banMs(address);
    if (banMs === 0) return null;
    refused.add(["failed_auths"]);
    const message = "connection refused: too many failed authentications from its address";
    sampled("info", "failed_auths", message, { remote: address });
    return refusal(429, "Too Many Requests", Math.ceil(banMs / 1000), headers);
  }
}

function refusal(
  status: number,
  text: string,
  retryAfterS: number,
  headers: Readonly<Record<string, string>>,
): Response {
  return new Response(`${text}\n`, {
    status,
    headers: {
      ...headers,
      "Content-Type": "text/plain; charset=utf-8",
      "Retry-After": String(retryAfterS),
      "X-Content-Type-Options": "nosniff",
    },
  });
}
