import type { DeliverPolicy } from "@nats-io/jetstream";
import { asFault, isUnknownStream, type JetStream, timedOut } from "./jet-stream.ts";

/** A value as it was put into a bucket. */
export interface PutValue {
  readonly key: string;
  readonly text: string;
  readonly revision: number;
}

export interface BucketState {
  /** How many keys there are. */
  readonly values: number;
  /** The last revision that was given out. */
  readonly last: number;
}

const EMPTY: BucketState = { values: 0, last: 0 };
/** Values that are asked for at a time. */
const AT_A_TIME = 1000;
const BATCH_TIMEOUT_MS = 5_000;
/** As the library has it, which is loaded by then. */
const BY_START_SEQUENCE = "by_start_sequence" as DeliverPolicy;

const streamOf = (bucket: string): string => `KV_${bucket}`;
const subjectOf = (bucket: string, key: string): string => `$KV.${bucket}.${key}`;

/** What there is in a bucket; nothing where it was never used. @throws CableError `io_failed` */
export async function bucketState(jetStream: JetStream, bucket: string): Promise<BucketState> {
  try {
    const { state } = await jetStream.manager.streams.info(streamOf(bucket));
    return { values: state.messages, last: state.last_seq };
  } catch (thrown) {
    if (isUnknownStream(thrown)) return EMPTY;
    throw asFault("look at a bucket of JetStream", thrown);
  }
}

/** What was put from a revision on and is still there, in that order. @throws CableError `io_failed` */
export async function readPut(jetStream: JetStream, bucket: string, from: number): Promise<PutValue[]> {
  const found: PutValue[] = [];
  try {
    const stream = streamOf(bucket);
    const next = { seq: from, next_by_subj: subjectOf(bucket, ">") };
    // A reader of what is not there would wait for it.
    const first = await jetStream.message(stream, next);
    if (first === null) return found;
    const { consumers } = jetStream.client;
    const reader = await consumers.get(stream, {
      deliver_policy: BY_START_SEQUENCE,
      opt_start_seq: first.seq,
    });
    const prefix = subjectOf(bucket, "").length;
    for (let left = 1; left > 0; ) {
      left = 0;
      const before = found.length;
      const batch = await reader.fetch({ max_messages: AT_A_TIME, expires: BATCH_TIMEOUT_MS });
      for await (const message of batch) {
        found.push({ key: message.subject.slice(prefix), text: message.string(), revision: message.seq });
        left = message.info.pending;
        if (left === 0) break;
      }
      batch.stop();
      if (found.length === before) throw timedOut("read a bucket of JetStream");
    }
    void reader.delete().catch(() => {});
    return found;
  } catch (thrown) {
    throw asFault("read a bucket of JetStream", thrown);
  }
}

/** Takes a value out without a trace, unless another one was put in its place. @throws CableError `io_failed` */
export async function dropValue(
  jetStream: JetStream,
  bucket: string,
  { key, revision }: Pick<PutValue, "key" | "revision">,
): Promise<void> {
  try {
    const which = { filter: subjectOf(bucket, key), seq: revision + 1 };
    await jetStream.manager.streams.purge(streamOf(bucket), which);
  } catch (thrown) {
    throw asFault("take a value out of a bucket of JetStream", thrown);
  }
}
