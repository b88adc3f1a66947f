import type { AcceptRate } from "@hawser/core/engine/accept-rate";
import type { FailedAuths } from "@hawser/core/engine/failed-auths";
import type { LogSampler } from "@hawser/core/log-sampler";
import type { LabelledCells } from "@hawser/core/metrics/registry";
import type { Random } from "@hawser/core/random";
import { comeAgain } from "./come-again.ts";

export interface TurnAwayParts {
  /** Null where addresses are not limited. */
  readonly failedAuths: FailedAuths | null;
  /** Null where any number may come at once. */
  readonly acceptRate: AcceptRate | null;
  readonly refused: LabelledCells<"refused_connections_total">;
  readonly sampled: LogSampler["write"];
  readonly random: Random;
}

/** Who comes too early comes again within this time, each at another. */
const SPREAD_S = 10;

/** Limits on who may try to open a session, which are looked at before a token is. */
export class TurnAway {
  readonly #parts: TurnAwayParts;

  constructor(parts: TurnAwayParts) {
    this.#parts = parts;
  }

  /**
   * @param address the client's, behind the proxies that are trusted.
   * @param resumes whether it has a session to resume.
   * @param headers what the answer has as well.
   * @returns null for a client that may try.
   */
  answer(address: string, resumes: boolean, headers: Readonly<Record<string, string>>): Response | null {
    const { failedAuths, acceptRate, refused, random, sampled } = this.#parts;
    const banMs = failedAuths === null ? 0 : failedAuths.banMs(address);
    if (banMs > 0) {
      refused.add(["failed_auths"]);
      const message = "connection refused: too many failed authentications from its address";
      sampled("info", "failed_auths", message, { remote: address });
      return comeAgain(429, Math.ceil(banMs / 1000), headers);
    }
    if (acceptRate === null || acceptRate.take(resumes)) return null;
    refused.add(["accept_rate"]);
    const message = "connection refused: more clients come at once than --accept_rate lets in";
    sampled("info", "accept_rate", message, { remote: address });
    return comeAgain(503, 1 + Math.floor(random.fraction() * SPREAD_S), headers);
  }
}
