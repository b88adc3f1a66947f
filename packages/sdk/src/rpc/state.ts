import type { JsonValue } from "@hawser/core/wire/strict-json";
import { jsonOf, valueOrText } from "../json.ts";

/**
 * Values by key that the cable server keeps for the application between calls, for a connection or for one of its
 * subscriptions. They travel with every call, so keep them small.
 */
export interface State {
  /** The value, or undefined when there is none. */
  get(key: string): JsonValue | undefined;
  /** @throws Error for an empty key, and for keys that start with `$`, which mean something to the server. */
  set(key: string, value: JsonValue): void;
  /** Forgets the key; harmless when it is not there. */
  delete(key: string): void;
}

/** State key of the wire: the stream that whispers of a subscription go to. Its value is no JSON. */
const WHISPER_STREAM = "$w";

/** The same for presence. */
const PRESENCE_STREAM = "$p";

/** The same, with what was changed during this call. */
export class TrackedState implements State {
  readonly #texts: Map<string, string>;
  readonly #delta = new Map<string, string>();

  /** @param texts as they came from the server: JSON texts, unless something other than this SDK wrote them. */
  constructor(texts: Readonly<Record<string, string>>) {
    this.#texts = new Map(Object.entries(texts));
  }

  get(key: string): JsonValue | undefined {
    const text = this.#texts.get(key);
    return text === undefined ? undefined : valueOrText(text);
  }

  set(key: string, value: JsonValue): void {
    if (key === "" || key.startsWith("$")) {
      throw new Error(
        `Cannot keep state under ${JSON.stringify(key)}: such keys are the server's. Use another name.`,
      );
    }
    this.#put(key, jsonOf(value, `keep state under ${JSON.stringify(key)}`));
  }

  delete(key: string): void {
    // To the server an empty text means: forget the key. JSON is never empty, so no value looks like it.
    if (this.#texts.has(key)) this.#put(key, "");
  }

  /** Lets the client whisper on `stream` from now on. */
  startWhisper(stream: string): void {
    this.#put(WHISPER_STREAM, stream);
  }

  /** Ends that for `stream`, or for whichever it is. */
  stopWhisper(stream: string | null): void {
    const current = this.#texts.get(WHISPER_STREAM);
    if (current !== undefined && (stream === null || stream === current)) this.#put(WHISPER_STREAM, "");
  }

  /** From now on the client's presence is about `stream`. */
  startPresence(stream: string): void {
    this.#put(PRESENCE_STREAM, stream);
  }

  /** What the server has to change: key -> text, "" for a key to forget. */
  delta(): Record<string, string> {
    return Object.fromEntries(this.#delta);
  }

  #put(key: string, text: string): void {
    this.#delta.set(key, text);
    if (text === "") this.#texts.delete(key);
    else this.#texts.set(key, text);
  }
}
