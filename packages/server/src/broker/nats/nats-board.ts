import type { Board, BoardNews } from "@hawser/core/broker/board";
import type { Clock } from "@hawser/core/clock";
import { CableError } from "@hawser/core/errors";
import { DueQueue } from "@hawser/core/jwt/revocation/due-queue";
import type { Revocation } from "@hawser/core/jwt/revocation/revocation";
import { readRevocation, revocationText } from "@hawser/core/jwt/revocation/revocation-text";
import { type RingReport, readRingReport, ringReportText } from "@hawser/core/jwt/ring-report";
import { bucketState, dropValue, type PutValue, readPut } from "../../drivers/nats/bucket-reading.ts";
import type { JetStream } from "../../drivers/nats/jet-stream.ts";
import { KeyValues } from "../../drivers/nats/key-values.ts";
import { encodeName } from "../../drivers/nats/names.ts";
import type { NatsLink } from "../../drivers/nats/nats-link.ts";

export interface NatsBoardParts {
  readonly link: NatsLink;
  readonly jetStream: JetStream;
  readonly clock: Clock;
}

const BUCKET = "hawser_revoked";
/** By this subject each server tells its ring, and its id after `GONE` when it ends. */
const RINGS = "__hawser__.rings";
const GONE = "-";

/** A server that does not tell its ring for so long is gone. */
const SHOWN_MS = 15_000;
/** Others who write the same at the same moment. */
const MOST_ATTEMPTS = 20;
/** Ended revocations that are taken out with one look. */
const DROPPED_AT_ONCE = 64;

/** One that stands in the bucket. */
interface Standing extends Pick<PutValue, "key" | "revision"> {
  untilMs: number;
}

/**
 * The board in NATS: revocations are in a bucket, a key each. Rings are told by a subject, every second, so that nothing of them
 * is stored.
 */
export class NatsBoard implements Board {
  readonly #link: NatsLink;
  readonly #jetStream: JetStream;
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #bucket: KeyValues;
  readonly #rings = new Map<string, { readonly ring: RingReport; readonly untilMs: number }>();
  #standing = new DueQueue<Standing>();
  #onUp: () => void = () => {};

  /** @param limit how many revocations there may be. */
  constructor(limit: number, { link, jetStream, clock }: NatsBoardParts) {
    this.#limit = limit;
    this.#link = link;
    this.#jetStream = jetStream;
    this.#clock = clock;
    this.#bucket = new KeyValues(jetStream, clock, { bucket: BUCKET, ttlMs: 0 });
    link.subscribe(RINGS, (text) => this.#heard(text));
    jetStream.whenReady(() => this.#onUp());
  }

  get isUp(): boolean {
    return this.#jetStream.isReady;
  }

  start(onUp: () => void): void {
    this.#onUp = onUp;
    if (this.isUp) onUp();
  }

  async look(own: RingReport, after: number): Promise<BoardNews> {
    this.#heard(ringReportText(own));
    this.#link.publish(RINGS, ringReportText(own));
    // What others have told before is here by then.
    await this.#link.flush();
    const { last } = await bucketState(this.#jetStream, BUCKET);
    if (after === 0) this.#standing = new DueQueue();
    const put = last > after ? await readPut(this.#jetStream, BUCKET, after + 1) : [];
    const revocations = put.flatMap(({ key, text, revision }) => {
      const revocation = readRevocation(text);
      if (revocation === null) return [];
      this.#standing.push({ key, revision, untilMs: revocation.untilMs });
      return [revocation];
    });
    await this.#dropEnded();
    const nowMs = this.#clock.nowMs();
    return {
      rings: this.#ringsNow(),
      revocations: revocations.filter(({ untilMs }) => untilMs > nowMs),
      upTo: put.at(-1)?.revision ?? last,
    };
  }

  async write(revocations: readonly Revocation[]): Promise<boolean> {
    const held = await Promise.all(revocations.map((one) => this.#bucket.look(keyOf(one))));
    const fresh = held.filter((found) => found === null).length;
    if (fresh > 0) {
      const { values } = await bucketState(this.#jetStream, BUCKET);
      if (values + fresh > this.#limit) return false;
    }
    await Promise.all(revocations.map((one) => this.#put(one)));
    return true;
  }

  async stop({ server }: RingReport): Promise<void> {
    this.#onUp = () => {};
    this.#link.unsubscribe(RINGS);
    if (this.#link.publish(RINGS, GONE + server)) await this.#link.flush();
  }

  #heard(text: string): void {
    if (text.startsWith(GONE)) {
      this.#rings.delete(text.slice(GONE.length));
      return;
    }
    const ring = readRingReport(text);
    if (ring === null) return;
    this.#rings.set(ring.server, { ring, untilMs: this.#clock.monotonicMs() + SHOWN_MS });
  }

  #ringsNow(): readonly RingReport[] {
    const nowMs = this.#clock.monotonicMs();
    for (const [server, { untilMs }] of this.#rings) if (untilMs <= nowMs) this.#rings.delete(server);
    return [...this.#rings.values()].map(({ ring }) => ring);
  }

  /** Puts it in the place of the one that is there, of which nothing is lost. */
  async #put(one: Revocation): Promise<void> {
    const key = keyOf(one);
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const held = await this.#bucket.look(key);
      const before = held === null ? null : readRevocation(held.text);
      const text = revocationText(merged(one, before));
      if (text === held?.text) return;
      if ((await this.#bucket.put(key, text, held?.revision ?? 0)) !== null) return;
    }
    throw new CableError(
      "io_failed",
      "write a revocation down in JetStream: others write it all the time; see whether NATS is well",
    );
  }

  async #dropEnded(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    for (let dropped = 0; dropped < DROPPED_AT_ONCE; dropped++) {
      const ended = this.#standing.take(nowMs);
      if (ended === null) return;
      if (ended !== "put off") await dropValue(this.#jetStream, BUCKET, ended);
    }
  }
}

function keyOf({ by, value }: Revocation): string {
  return `${by}.${encodeName(value)}`;
}

function merged(one: Revocation, before: Revocation | null): Revocation {
  if (before === null) return one;
  return {
    ...one,
    untilMs: Math.max(one.untilMs, before.untilMs),
    issuedBeforeS: Math.max(one.issuedBeforeS, before.issuedBeforeS),
  };
}
