import { describe, expect, test } from "bun:test";
import type { History } from "../broker/history.ts";
import type { Publication } from "../protocol/publication.ts";
import { settle } from "../testing/engine-rig.ts";
import { OrderedAppends } from "./ordered-appends.ts";

/** A history that hands on by itself, when a test says so. */
class HandingHistory implements History {
  readonly heard: string[];
  readonly #waiting: { readonly message: string; readonly end: (fault?: Error) => void }[] = [];

  constructor(heard: string[]) {
    this.heard = heard;
  }

  get waiting(): string[] {
    return this.#waiting.map(({ message }) => message);
  }

  readonly publish = ({ message }: Publication): Promise<void> =>
    new Promise((resolve, reject) => {
      const end = (fault?: Error) => {
        if (fault !== undefined) return reject(fault);
        this.heard.push(message);
        resolve();
      };
      this.#waiting.push({ message, end });
    });

  async go(fault?: Error): Promise<void> {
    this.#waiting.shift()?.end(fault);
    await settle();
  }

  append(): never {
    throw new Error("it was asked to append what it was to publish");
  }

  after(): never {
    throw new Error("nobody asks");
  }

  since(): never {
    throw new Error("nobody asks");
  }

  head(): never {
    throw new Error("nobody asks");
  }

  size() {
    return { streams: 0, messages: 0 };
  }
}

const publication = (message: string, transient = false, stream = "chat"): Publication => ({
  ...{ stream, message, transient },
  ...{ excludeSid: null, broadcastType: null, position: null },
});

function setUp() {
  const heard: string[] = [];
  const history = new HandingHistory(heard);
  const appends = new OrderedAppends(history, ({ message }) => heard.push(message));
  return { heard, history, appends };
}

describe("with a history that hands on by itself", () => {
  test("it is given each publication at once, and what it has not handed on is told to nobody", async () => {
    const { heard, history, appends } = setUp();
    const done = [appends.publish(publication("1")), appends.publish(publication("2"))];
    expect(history.waiting).toEqual(["1", "2"]);
    expect(heard).toEqual([]);
    for (const _ of done) await history.go();
    await Promise.all(done);
    expect(heard).toEqual(["1", "2"]);
    expect(appends.settled("chat")).toBeNull();
  });

  test("a whisper waits for what came before it, and what comes after it waits for the whisper", async () => {
    const { heard, history, appends } = setUp();
    void appends.publish(publication("1"));
    void appends.publish(publication("w", true));
    void appends.publish(publication("2"));
    void appends.publish(publication("elsewhere", true, "other"));
    expect(heard).toEqual(["elsewhere"]);
    expect(history.waiting).toEqual(["1"]);
    await history.go();
    await settle();
    expect(heard).toEqual(["elsewhere", "1", "w"]);
    expect(history.waiting).toEqual(["2"]);
    // The whisper has gone: nothing waits for it any more.
    void appends.publish(publication("3"));
    expect(history.waiting).toEqual(["2", "3"]);
  });

  test("a publication that could not be kept goes to nobody, its publisher hears so, and the next one goes its way", async () => {
    const { heard, history, appends } = setUp();
    const [first, second] = [appends.publish(publication("1")), appends.publish(publication("2"))];
    void appends.publish(publication("w", true));
    const failed = Promise.resolve(first).catch((thrown: Error) => thrown.message);
    await history.go(new Error("no room"));
    await history.go();
    expect(await failed).toBe("no room");
    await second;
    await settle();
    expect(heard).toEqual(["2", "w"]);
    expect(appends.settled("chat")).toBeNull();
  });

  test("a whisper alone goes in the same tick", () => {
    const { heard, appends } = setUp();
    expect(appends.publish(publication("w", true))).toBeUndefined();
    expect(heard).toEqual(["w"]);
  });
});
