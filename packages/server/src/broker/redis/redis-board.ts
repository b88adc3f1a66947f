import type { Board, BoardNews } from "@hawser/core/broker/board";
import type { Clock } from "@hawser/core/clock";
import type { Revocation } from "@hawser/core/jwt/revocation/revocation";
import { readRevocation, revocationText } from "@hawser/core/jwt/revocation/revocation-text";
import { type RingReport, readRingReport, ringReportText } from "@hawser/core/jwt/ring-report";
import { LEAVE, LOOK, WRITE } from "./board-scripts.ts";
import type { BrokerLink } from "./broker-link.ts";
import { BOARD_KEYS } from "./keys.ts";

export const BOARD_SCRIPTS = [LEAVE, LOOK, WRITE];

/** A server that does not show its ring for so long is gone. */
const SHOWN_MS = 15_000;
/** Revocations that are read in one step. */
const READ_AT_ONCE = 1000;

type BoardLink = Pick<BrokerLink, "isUp" | "onUp" | "run">;

/** The board in Redis, which writes and reads each in one step. */
export class RedisBoard implements Board {
  readonly #link: BoardLink;
  readonly #limit: number;
  #onUp: () => void = () => {};

  /** @param limit how many revocations there may be. */
  constructor(limit: number, link: BoardLink, clock: Pick<Clock, "after">) {
    this.#limit = limit;
    this.#link = link;
    // Until everybody has made the connection ready it is nobody's.
    link.onUp(async () => void clock.after(0, () => this.#onUp()));
  }

  get isUp(): boolean {
    return this.#link.isUp;
  }

  start(onUp: () => void): void {
    this.#onUp = onUp;
    if (this.isUp) onUp();
  }

  async look(own: RingReport, after: number): Promise<BoardNews> {
    const revocations: Revocation[] = [];
    for (let from = after; ; ) {
      const args = [own.server, ringReportText(own), SHOWN_MS, from, READ_AT_ONCE];
      const reply = await this.#link.run("read what other servers have written", LOOK, BOARD_KEYS, args);
      const [last, rings, ...entries] = reply as [string, readonly string[], ...string[]]; // as LOOK says
      let place = from;
      for (let at = 0; at + 3 < entries.length; at += 4) {
        const revocation = revocationIn(entries[at] ?? "", Number(entries[at + 2]), Number(entries[at + 3]));
        if (revocation !== null) revocations.push(revocation);
        place = Number(entries[at + 1]);
      }
      if (entries.length < 4 * READ_AT_ONCE) {
        return {
          rings: rings.flatMap((text) => readRingReport(text) ?? []),
          revocations,
          upTo: Number(last),
        };
      }
      from = place;
    }
  }

  async write(revocations: readonly Revocation[]): Promise<boolean> {
    const args = revocations.flatMap((one) => [idOf(one), Math.ceil(one.untilMs), one.issuedBeforeS]);
    const reply = await this.#link.run("write revocations down", WRITE, BOARD_KEYS, [this.#limit, ...args]);
    return reply === 1;
  }

  async stop(own: RingReport): Promise<void> {
    this.#onUp = () => {};
    // Where it cannot be done, its time is over soon.
    if (this.isUp) await this.#link.run("take a ring down", LEAVE, BOARD_KEYS, [own.server]).catch(() => {});
  }
}

/** Its text without its times, which may change. */
function idOf({ by, value }: Revocation): string {
  return revocationText({ by, value, issuedBeforeS: 0, untilMs: 0 });
}

function revocationIn(id: string, untilMs: number, issuedBeforeS: number): Revocation | null {
  const found = readRevocation(id);
  return found === null ? null : { ...found, untilMs, issuedBeforeS };
}
