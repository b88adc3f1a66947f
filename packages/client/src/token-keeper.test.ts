import { describe, expect, test } from "bun:test";
import { createCable, type Transport } from "@anycable/core";
import { createCable as createWebCable } from "@anycable/web";
import { ManualClock } from "../../core/src/testing/manual-clock.ts";
import { keepBy, keepTokenFresh, type TokenKeeping } from "./token-keeper.ts";

type Listener = (payload: never) => void;

/** A server that says what a test says, under AnyCable's own client. */
class ScriptedTransport implements Transport {
  url = "ws://server.test/cable";
  readonly params = new Map<string, string>();
  readonly tokens: (string | undefined)[] = [];
  readonly sent: unknown[] = [];
  opened = 0;
  #listeners: [event: string, run: Listener][] = [];

  async open(): Promise<void> {
    this.opened += 1;
    this.#emit("open");
  }

  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }

  async close(): Promise<void> {}

  setURL(url: string): void {
    this.url = url;
  }

  setParam(name: string, value: string): void {
    this.params.set(name, value);
  }

  setToken(token: string, param?: string): void {
    this.tokens.push(param === "jid" ? token : `${param}:${token}`);
  }

  displayName(): string {
    return "scripted";
  }

  on(event: string, run: Listener): () => void {
    const entry: [string, Listener] = [event, run];
    this.#listeners.push(entry);
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== entry);
    };
  }

  once(event: string, run: Listener): () => void {
    return this.on(event, run);
  }

  says(message: object): void {
    this.#emit("data", JSON.stringify(message));
  }

  breaks(): void {
    this.#emit("close", new Error("gone"));
  }

  #emit(event: string, payload?: unknown): void {
    for (const [name, run] of this.#listeners) if (name === event) run(payload as never); // each listener knows its event
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

const WELCOME = { type: "welcome", sid: "s" };
const EXPIRED = { type: "disconnect", reason: "token_expired", reconnect: false };

/** A cable that is kept fresh with the tokens `t1`, `t2`, ... */
function setUp(more: Partial<TokenKeeping> = {}) {
  const transport = new ScriptedTransport();
  const cable = createCable("", {
    transport,
    protocol: "actioncable-v1-ext-json",
    monitor: false,
    logLevel: "error",
  });
  const renewed: (number | null)[] = [];
  const faults: string[] = [];
  let fetched = 0;
  const clock = new ManualClock();
  const keeper = keepBy((delayMs, run) => clock.after(delayMs, run), cable, {
    fetchToken: async () => {
      fetched += 1;
      return `t${fetched}`;
    },
    onRenewed: (expiresInS) => renewed.push(expiresInS),
    onFailed: ({ message }) => faults.push(message),
    ...more,
  });
  const welcomed = async () => {
    cable.connect().catch(() => {});
    await settle();
    transport.says(WELCOME);
    await settle();
  };
  /** Lets so much time pass, and its consequences happen. */
  const pass = async (ms: number) => {
    clock.advance(ms);
    await settle();
  };
  return { transport, cable, keeper, renewed, faults, fetched: () => fetched, welcomed, pass };
}

describe("a cable whose token is kept fresh", () => {
  test("asks to be told, and shows a token of the application when it connects", async () => {
    const { transport, cable, welcomed } = setUp();
    await welcomed();
    expect(transport.params.get("auth")).toBe("1");
    expect(transport.tokens).toEqual(["t1"]);
    expect(cable.state).toBe("connected");
    expect(transport.sent).toEqual([]);
  });

  test("shows the token that the page has, under the name that the server looks for", async () => {
    const { transport, fetched, welcomed } = setUp({ token: "mine", param: "token" });
    await welcomed();
    expect([transport.tokens, fetched()]).toEqual([["token:mine"], 0]);
  });

  test("sends a fresh one on the connection when the server says that it will expire", async () => {
    const { transport, cable, renewed, welcomed } = setUp();
    await welcomed();
    transport.says({ type: "auth_expiring", expires_in: 60 });
    await settle();
    expect(transport.sent).toEqual([{ command: "auth", token: "t2" }]);
    transport.says({ type: "auth", expires_in: 3540 });
    await settle();
    expect(renewed).toEqual([3540]);
    expect([cable.state, transport.opened]).toEqual(["connected", 1]);
  });

  test("shows the fresh one at its next connect", async () => {
    const { transport, keeper, cable, welcomed } = setUp();
    await welcomed();
    const renewal = keeper.renew();
    await settle();
    transport.says({ type: "auth" });
    expect(await renewal).toBeNull();
    transport.breaks();
    cable.connect().catch(() => {});
    await settle();
    expect(transport.tokens).toEqual(["t1", "t2"]);
  });

  test("keeps one that is had without a connection for the next", async () => {
    const { transport, keeper, welcomed } = setUp();
    expect(await keeper.renew()).toBeNull();
    expect(transport.sent).toEqual([]);
    await welcomed();
    expect(transport.tokens).toEqual(["t1"]);
  });

  test("asks the application once for renewals that are wanted together", async () => {
    const { transport, keeper, fetched, welcomed } = setUp();
    await welcomed();
    const both = Promise.all([keeper.renew(), keeper.renew()]);
    await settle();
    transport.says({ type: "auth", expires_in: 5 });
    expect([await both, fetched()]).toEqual([[5, 5], 2]);
  });

  test("says when the server does not take the fresh one, and goes on with the one it has", async () => {
    const { transport, keeper, cable, welcomed } = setUp();
    await welcomed();
    const renewal = keeper.renew();
    renewal.catch(() => {});
    await settle();
    transport.says({ type: "auth", error: "unauthorized" });
    await expect(renewal).rejects.toThrow("does not take the fresh token: unauthorized");
    expect(cable.state).toBe("connected");
  });

  test("tries again for as long as the token lives, and says so when nothing helps", async () => {
    const { transport, faults, fetched, welcomed, pass } = setUp({
      token: "mine",
      fetchToken: async () => {
        attempts += 1;
        throw new Error("the application is away");
      },
    });
    let attempts = 0;
    await welcomed();
    transport.says({ type: "auth_expiring", expires_in: 60 });
    await settle();
    expect(attempts).toBe(1);
    for (const waitMs of [1000, 2000, 4000, 8000, 16_000]) await pass(waitMs);
    expect([attempts, fetched()]).toEqual([6, 0]);
    expect(faults).toEqual(["the application is away"]);
  });

  test("does not try on behalf of a connection that is over", async () => {
    let attempts = 0;
    const { transport, faults, welcomed, pass } = setUp({
      token: "mine",
      fetchToken: async () => {
        attempts += 1;
        throw new Error("the application is away");
      },
    });
    await welcomed();
    transport.says({ type: "auth_expiring", expires_in: 60 });
    await settle();
    transport.breaks();
    await pass(60_000);
    expect([attempts, faults]).toEqual([1, []]);
  });

  test("gives up an answer that does not come, and one whose connection is gone", async () => {
    const { transport, keeper, welcomed, pass } = setUp();
    await welcomed();
    const words: string[] = [];
    const renew = () => keeper.renew().catch(({ message }) => words.push(message));
    renew();
    await settle();
    await pass(10_000);
    renew();
    await settle();
    transport.breaks();
    await settle();
    expect(words).toEqual([
      "The server has not answered the fresh token.",
      "The connection ended before the fresh token was answered.",
    ]);
  });

  test("counts what the server says about tokens as a sign of life, and passes on all else", async () => {
    const { transport, cable, welcomed } = setUp();
    await welcomed();
    let alive = 0;
    cable.on("keepalive", () => {
      alive += 1;
    });
    transport.says({ type: "auth", expires_in: 5 });
    transport.says({ type: "ping", message: 1 });
    expect(alive).toBe(2);
  });
});

describe("when the token has expired", () => {
  test("the client comes back with a fresh one", async () => {
    const { transport, cable, welcomed } = setUp();
    await welcomed();
    transport.says(EXPIRED);
    expect(cable.state).toBe("closed");
    await settle();
    transport.says(WELCOME);
    expect([transport.tokens, transport.opened, cable.state]).toEqual([["t1", "t2"], 2, "connected"]);
  });

  test("it comes back again and again, but not with two in a row that are expired", async () => {
    const { transport, faults, fetched, welcomed } = setUp();
    await welcomed();
    for (let round = 0; round < 3; round++) {
      transport.says(EXPIRED);
      await settle();
      transport.says(WELCOME);
    }
    expect(fetched()).toBe(4);
    transport.says(EXPIRED);
    await settle();
    transport.says(EXPIRED);
    await settle();
    expect([fetched(), faults.length]).toEqual([5, 1]);
  });

  test("it waits for an application that is away", async () => {
    let attempts = 0;
    const { transport, welcomed, pass } = setUp({
      token: "mine",
      fetchToken: async () => {
        attempts += 1;
        if (attempts < 3) throw new Error("the application is away");
        return "fresh";
      },
    });
    await welcomed();
    transport.says(EXPIRED);
    await settle();
    await pass(1000);
    await pass(2000);
    expect([attempts, transport.tokens]).toEqual([3, ["mine", "fresh"]]);
  });

  test("it stays away when it was told another reason, or was let go", async () => {
    const other = setUp();
    await other.welcomed();
    other.transport.says({ type: "disconnect", reason: "unauthorized", reconnect: false });
    await settle();
    expect(other.fetched()).toBe(1);

    const released = setUp();
    await released.welcomed();
    released.keeper.release();
    released.transport.says(EXPIRED);
    await settle();
    expect(released.fetched()).toBe(1);
  });
});

describe("a token in the first message", () => {
  test("is sent as soon as the connection is open, and is nowhere else", async () => {
    const { transport, cable } = setUp({ carrier: "message" });
    cable.connect().catch(() => {});
    await settle();
    expect(transport.sent).toEqual([{ command: "auth", token: "t1" }]);
    expect([transport.tokens, cable.state]).toEqual([[], "connecting"]);
    transport.says(WELCOME);
    expect(cable.state).toBe("connected");
  });

  test("is the fresh one after the other has expired", async () => {
    const { transport, cable } = setUp({ carrier: "message" });
    cable.connect().catch(() => {});
    await settle();
    transport.says(EXPIRED);
    await settle();
    expect(transport.sent).toEqual([
      { command: "auth", token: "t1" },
      { command: "auth", token: "t2" },
    ]);
  });
});

test("a cable that has connected already is not taken", async () => {
  const { cable, welcomed } = setUp();
  await welcomed();
  expect(() => keepTokenFresh(cable, { fetchToken: async () => "t" })).toThrow("it has connected already");
});

test("what the application sets up before each connect is done first", async () => {
  const transport = new ScriptedTransport();
  const order: string[] = [];
  const cable = createCable("", {
    transport,
    logLevel: "error",
    monitor: false,
    transportConfigurator: async () => {
      order.push("own");
    },
  });
  keepTokenFresh(cable, {
    fetchToken: async () => {
      order.push("token");
      return "t";
    },
  });
  cable.connect().catch(() => {});
  await settle();
  expect(order).toEqual(["own", "token"]);
});

test("the cables of @anycable/web are taken as well", () => {
  const cable = createWebCable("ws://server.test/cable", {
    transport: new ScriptedTransport(),
    logLevel: "error",
  });
  expect(keepTokenFresh(cable, { fetchToken: async () => "t" }).renew).toBeFunction();
});
