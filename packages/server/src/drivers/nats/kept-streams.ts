import type { StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { asFault, isUnknownStream, type JetStream } from "./jet-stream.ts";

/** How much of a stream JetStream keeps. */
export interface KeptSettings {
  readonly limit: number;
  readonly ttlMs: number;
}

/** A stream of JetStream to be. */
export interface NewKeptStream extends KeptSettings {
  readonly name: string;
  readonly subject: string;
  /** Where what was stored goes to, in its order. It tells one life of a stream from another. */
  readonly handsOnTo: string;
}

/** A stream of JetStream as it is. Nothing is kept of it where `first` is behind `last`. */
export interface KeptStream extends KeptSettings {
  readonly handsOnTo: string;
  readonly replicas: number;
  readonly first: number;
  /** 0 before the first message. */
  readonly last: number;
  /** By the clock of NATS: when the last message came, or the stream was made. */
  readonly lastAtMs: number;
}

export interface StoredMessage {
  readonly sequence: number;
  readonly text: string;
  readonly atMs: number;
}

/** Messages that are asked for at a time. */
const AT_A_TIME = 256;
const NANOS_PER_MS = 1_000_000;
const SHORT_WINDOW_MS = 1_000;

/** The stream; null where there is none. @throws CableError `io_failed` */
export async function findKept(jetStream: JetStream, name: string): Promise<KeptStream | null> {
  try {
    return keptStream(await jetStream.manager.streams.info(name));
  } catch (thrown) {
    if (isUnknownStream(thrown)) return null;
    throw asFault("look for a stream of JetStream", thrown);
  }
}

/**
 * Finds the stream or makes it; where somebody else makes it at the same time, the one that came first stays. One that
 * is there takes the settings over.
 *
 * @throws CableError `io_failed`
 */
export async function openKept(jetStream: JetStream, wanted: NewKeptStream): Promise<KeptStream> {
  const found = await findKept(jetStream, wanted.name);
  if (found !== null) return withSettings(jetStream, found, wanted);
  try {
    return keptStream(await jetStream.manager.streams.add(configurationOf(jetStream, wanted)));
  } catch (thrown) {
    const other = await findKept(jetStream, wanted.name);
    if (other === null) throw asFault("make a stream of JetStream", thrown);
    return withSettings(jetStream, other, wanted);
  }
}

async function withSettings(
  jetStream: JetStream,
  found: KeptStream,
  wanted: NewKeptStream,
): Promise<KeptStream> {
  const { limit, ttlMs, replicas } = found;
  if (limit === wanted.limit && ttlMs === wanted.ttlMs && replicas === jetStream.replicas) return found;
  try {
    const changed = { ...limitsOf(wanted), ...placesOf(jetStream) };
    return keptStream(await jetStream.manager.streams.update(wanted.name, changed));
  } catch (thrown) {
    throw asFault("change the limits of a stream of JetStream", thrown);
  }
}

/** Messages from `from` to `to`, by `read`, which has null for one that is gone. */
export async function readKept(
  read: (sequence: number) => Promise<StoredMessage | null>,
  from: number,
  to: number,
): Promise<StoredMessage[]> {
  const found: StoredMessage[] = [];
  for (let next = from; next <= to; next += AT_A_TIME) {
    const size = Math.min(AT_A_TIME, to - next + 1);
    const some = await Promise.all(Array.from({ length: size }, (_, at) => read(next + at)));
    for (const message of some) if (message !== null) found.push(message);
  }
  return found;
}

/** Null when it is gone. @throws CableError `io_failed` */
export async function readOne(
  jetStream: JetStream,
  name: string,
  sequence: number,
): Promise<StoredMessage | null> {
  try {
    const message = await jetStream.message(name, { seq: sequence });
    if (message === null) return null;
    return { sequence, text: message.string(), atMs: message.time.getTime() };
  } catch (thrown) {
    throw asFault("read a message from JetStream", thrown);
  }
}

/** Deletes a stream, if it is there. @throws CableError `io_failed` */
export async function deleteKept(jetStream: JetStream, name: string): Promise<void> {
  try {
    await jetStream.manager.streams.delete(name);
  } catch (thrown) {
    if (!isUnknownStream(thrown)) throw asFault("delete a stream of JetStream", thrown);
  }
}

/** Deletes the streams by these subjects that had no message for so long. @throws CableError `io_failed` */
export async function deleteIdleKept(
  jetStream: JetStream,
  subjects: string,
  idleMs: number,
  nowMs: number,
): Promise<number> {
  let deleted = 0;
  try {
    const { streams } = jetStream.manager;
    for await (const info of streams.list(subjects)) {
      if (keptStream(info).lastAtMs + idleMs > nowMs) continue;
      if (await streams.delete(info.config.name)) deleted += 1;
    }
    return deleted;
  } catch (thrown) {
    if (isUnknownStream(thrown)) return deleted;
    throw asFault("delete streams of JetStream that nobody uses", thrown);
  }
}

type Configuration = Partial<StreamConfig> & { readonly name: string };

function configurationOf(jetStream: JetStream, wanted: NewKeptStream): Configuration {
  const { name, subject, handsOnTo } = wanted;
  return {
    name,
    subjects: [subject],
    republish: { src: subject, dest: handsOnTo },
    ...limitsOf(wanted),
    ...placesOf(jetStream),
  };
}

function limitsOf({ limit, ttlMs }: KeptSettings) {
  return {
    max_msgs: limit,
    max_age: ttlMs * NANOS_PER_MS,
    // No message of ours comes twice, and the window may not be longer than the age.
    duplicate_window: Math.min(ttlMs, SHORT_WINDOW_MS) * NANOS_PER_MS,
  };
}

function placesOf({ replicas }: JetStream) {
  return { num_replicas: replicas, allow_direct: replicas === 1 };
}

function keptStream({ config, state, created }: StreamInfo): KeptStream {
  return {
    limit: config.max_msgs,
    ttlMs: config.max_age / NANOS_PER_MS,
    handsOnTo: config.republish?.dest ?? "",
    replicas: config.num_replicas,
    first: Math.max(1, state.first_seq),
    last: state.last_seq,
    lastAtMs: Math.max(Date.parse(state.last_ts), Date.parse(created)),
  };
}
