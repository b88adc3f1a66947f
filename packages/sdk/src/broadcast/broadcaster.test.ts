import { afterEach, describe, expect, test } from "bun:test";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { type BroadcasterOptions, createBroadcaster } from "./index.ts";

interface Seen {
  method: string;
  path: string;
  authorization: string | null;
  type: string | null;
  body: unknown;
}

const servers: Array<{ stop(force: boolean): Promise<void> }> = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});

type Answer = (request: number, body: string) => Response | Promise<Response>;

/** An HTTP server that answers everything with what `answer` makes; requests count from 0. */
function receiver(answer: Answer, port = 0) {
  const seen: Seen[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    async fetch(request) {
      const text = await request.text();
      seen.push({
        method: request.method,
        path: new URL(request.url).pathname,
        authorization: request.headers.get("authorization"),
        type: request.headers.get("content-type"),
        body: text === "" ? null : JSON.parse(text),
      });
      return answer(seen.length - 1, text);
    },
  });
  servers.push(server);
  const bodies = () => seen.map(({ body }) => body);
  return { url: `http://127.0.0.1:${server.port}/_broadcast`, seen, bodies };
}

const status = (code: number, headers: Record<string, string> = {}) =>
  new Response(null, { status: code, headers });
const created = () => status(201);
const once = (options: BroadcasterOptions) => createBroadcaster({ retryForMs: 0, ...options });

/** A broadcaster whose delays pass when the test says so. */
function patient(options: BroadcasterOptions) {
  const clock = new ManualClock();
  const broadcaster = createBroadcaster({ clock, random: { fraction: () => 0.999999 }, ...options });
  /** Waits until it has met with a failure and waits itself. */
  const waiting = async () => {
    while (clock.pendingTimers === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  return { clock, broadcaster, waiting };
}

/** What became of a call: "sent", or the message of the fault. */
const outcomeOf = (sent: Promise<void>): Promise<string> =>
  sent.then(
    () => "sent",
    (thrown: unknown) => String(thrown instanceof Error ? thrown.message : thrown),
  );

describe("what is sent", () => {
  test("the stream, and the data's JSON as text", async () => {
    const { url, seen } = receiver(created);
    await createBroadcaster({ url }).broadcast("chat:1", { text: "hé" });
    expect(seen).toEqual([
      {
        method: "POST",
        path: "/_broadcast",
        authorization: null,
        type: "application/json",
        body: { stream: "chat:1", data: '{"text":"hé"}' },
      },
    ]);
  });

  test("whom to leave out, the type and the transience, by the names of the wire", async () => {
    const { url, bodies } = receiver(created);
    const broadcaster = createBroadcaster({ url });
    await broadcaster.broadcast("s", 1, { excludeSid: "x1", broadcastType: "note", transient: true });
    await broadcaster.broadcast("s", 1, { excludeSid: "x1" });
    expect(bodies()).toEqual([
      {
        stream: "s",
        data: "1",
        meta: { exclude_socket: "x1", broadcast_type: "note", transient: true },
      },
      { stream: "s", data: "1", meta: { exclude_socket: "x1" } },
    ]);
  });

  test("a batch in one request, and nothing for an empty one", async () => {
    const { url, bodies } = receiver(created);
    const broadcaster = createBroadcaster({ url });
    await broadcaster.broadcastBatch([
      { stream: "a", data: 1 },
      { stream: "b", data: [2], excludeSid: "x" },
    ]);
    await broadcaster.broadcastBatch([{ stream: "c", data: 3 }]);
    await broadcaster.broadcastBatch([]);
    expect(bodies()).toEqual([
      [
        { stream: "a", data: "1" },
        { stream: "b", data: "[2]", meta: { exclude_socket: "x" } },
      ],
      { stream: "c", data: "3" },
    ]);
  });

  test("a remote disconnect for exactly the identifiers that were issued", async () => {
    const { url, bodies } = receiver(created);
    const broadcaster = createBroadcaster({ url });
    await broadcaster.disconnect({ user_id: 7 });
    await broadcaster.disconnect('{"user_id": 7}', { reconnect: true });
    expect(bodies()).toEqual([
      { command: "disconnect", payload: { identifier: '{"user_id":7}', reconnect: false } },
      { command: "disconnect", payload: { identifier: '{"user_id": 7}', reconnect: true } },
    ]);
  });

  test("a revocation, with times in seconds, as tokens have them", async () => {
    const { url, bodies } = receiver(created);
    const broadcaster = createBroadcaster({ url });
    await broadcaster.revoke({ jti: "a" }, { expiresAtMs: 1_700_000_000_500 });
    await broadcaster.revoke({ sid: "s" }, { reconnect: true });
    await broadcaster.revoke({ kid: "k" });
    await broadcaster.revoke({ identifiers: { user_id: 7 }, issuedBeforeMs: 1_700_000_000_000 });
    expect(bodies()).toEqual([
      { command: "revoke", payload: { jti: "a", exp: 1_700_000_000.5, reconnect: false } },
      { command: "revoke", payload: { sid: "s", reconnect: true } },
      { command: "revoke", payload: { kid: "k", reconnect: false } },
      {
        command: "revoke",
        payload: { identifiers: '{"user_id":7}', issued_before: 1_700_000_000, reconnect: false },
      },
    ]);
  });

  test("no revocation of nothing", async () => {
    const { url, seen } = receiver(created);
    const { revoke } = createBroadcaster({ url });
    for (const target of [
      {},
      { jti: "" },
      { jti: undefined },
      { user: "ann" },
      { jti: "a", sid: "b" },
      { jti: 7 },
    ]) {
      await expect(revoke(target as never)).rejects.toThrow("exactly one of jti, sid, kid and identifiers");
    }
    await expect(revoke({ identifiers: "a", issuedBeforeMs: Number.NaN })).rejects.toThrow(
      "not a finite number",
    );
    expect(seen).toEqual([]);
  });

  test("the key, or the one that the secret gives", async () => {
    const { url, seen } = receiver(created);
    await createBroadcaster({ url, key: "k" }).broadcast("s", null);
    await createBroadcaster({ url, secret: "qwerty" }).broadcast("s", null);
    await createBroadcaster({ url, key: "k", secret: "qwerty" }).broadcast("s", null);
    expect(seen.map(({ authorization }) => authorization)).toEqual([
      "Bearer k",
      "Bearer 42923a28b760e667fc92f7c6123bb07a282822b329dd2ef48e7aee7830d98485",
      "Bearer k",
    ]);
  });
});

describe("order", () => {
  test("calls of one turn share a request; those made meanwhile share the next", async () => {
    const server = receiver(created);
    const broadcaster = createBroadcaster({ url: server.url });
    const all = [];
    for (let n = 0; n < 3; n++) all.push(broadcaster.broadcast("s", n));
    await all[0];
    all.push(broadcaster.broadcast("s", 3));
    await Promise.all(all);
    const numbers = server
      .bodies()
      .flat()
      .map((body) => Object(body).data);
    expect(numbers).toEqual(["0", "1", "2", "3"]);
    expect(server.seen).toHaveLength(2);
  });

  test("is kept across hundreds of calls, commands and large messages", async () => {
    const server = receiver(created);
    const broadcaster = createBroadcaster({ url: server.url, maxPending: 10_000 });
    for (let n = 0; n < 450; n++) {
      if (n === 120) void broadcaster.disconnect("120");
      else void broadcaster.broadcast("s", n === 200 ? { n, pad: "x".repeat(300_000) } : { n });
    }
    await broadcaster.flush();
    const order = server
      .bodies()
      .flatMap((body) =>
        (Array.isArray(body) ? body : [body]).map((one) =>
          one.command === undefined ? JSON.parse(one.data).n : Number(one.payload.identifier),
        ),
      );
    expect(order).toEqual(Array.from({ length: 450 }, (_, n) => n));
    const batches = server.bodies().filter((body) => Array.isArray(body));
    for (const batch of batches) {
      expect(batch.length).toBeLessThanOrEqual(100);
      expect(batch).not.toContainEqual(expect.objectContaining({ command: "disconnect" }));
    }
    expect(server.seen.length).toBeLessThan(12);
  });
});

describe("when the server is not there for a while", () => {
  test.each([500, 502, 503, 429, 408])(
    "answers of %p are tried again, after longer and longer delays",
    async (code) => {
      const server = receiver((request) => (request < 3 ? status(code) : created()));
      const { clock, broadcaster, waiting } = patient({ url: server.url });
      const sent = broadcaster.broadcast("s", 1);
      for (const [failures, delayMs] of [100, 200, 400].entries()) {
        await waiting();
        clock.advance(delayMs - 1);
        expect(clock.pendingTimers).toBe(1);
        expect(server.seen).toHaveLength(failures + 1);
        clock.advance(1);
        expect(clock.pendingTimers).toBe(0);
      }
      await sent;
      expect(server.bodies()).toEqual(Array(4).fill({ stream: "s", data: "1" }));
    },
  );

  test("delays are cut by chance down to a half, and grow to two seconds at most", async () => {
    const server = receiver(() => status(500));
    const delays: number[] = [];
    const clock = new ManualClock();
    const recording = {
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs: number, run: () => void) => {
        delays.push(delayMs);
        clock.advance(delayMs);
        queueMicrotask(run);
        return () => {};
      },
    };
    const sent = createBroadcaster({ url: server.url, clock: recording, random: { fraction: () => 0 } });
    expect(await outcomeOf(sent.broadcast("s", 1))).toContain("answered 500");
    expect(delays.slice(0, 7)).toEqual([50, 100, 200, 400, 800, 1000, 1000]);
    expect(delays.reduce((sum, delay) => sum + delay)).toBeLessThanOrEqual(10_000);
  });

  test("after a success delays are short again", async () => {
    const server = receiver((request) => (request % 3 === 2 ? created() : status(500)));
    const { clock, broadcaster, waiting } = patient({ url: server.url });
    for (const message of [1, 2]) {
      const sent = broadcaster.broadcast("s", message);
      for (const delayMs of [100, 200]) {
        await waiting();
        clock.advance(delayMs);
        expect(clock.pendingTimers).toBe(0);
      }
      await sent;
    }
  });

  test("Retry-After is heeded", async () => {
    const server = receiver((request) => (request === 0 ? status(503, { "Retry-After": "7" }) : created()));
    const { clock, broadcaster, waiting } = patient({ url: server.url });
    const sent = broadcaster.broadcast("s", 1);
    await waiting();
    clock.advance(6999);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(1);
    await sent;
  });

  test("a server that is down is tried until it is back; everything arrives, in order", async () => {
    const gone = receiver(created);
    await servers.splice(0)[0]?.stop(true);
    const { clock, broadcaster, waiting } = patient({ url: gone.url });
    const sent = [broadcaster.broadcast("s", 0), broadcaster.broadcast("s", 1)];
    await waiting();
    sent.push(broadcaster.broadcast("s", 2));
    const back = receiver(created, Number(new URL(gone.url).port));
    clock.advance(100);
    await Promise.all(sent);
    expect(back.bodies()).toEqual([[0, 1, 2].map((n) => ({ stream: "s", data: String(n) }))]);
  });

  test("after its time a call is given up, and the fault is retryable", async () => {
    const server = receiver(() => status(503));
    const { clock, broadcaster, waiting } = patient({ url: server.url, retryForMs: 250 });
    const sent = outcomeOf(broadcaster.broadcast("chat:1", 1));
    const also = broadcaster.broadcastBatch([
      { stream: "a", data: 1 },
      { stream: "b", data: 2 },
    ]);
    await waiting();
    clock.advance(100);
    expect(await sent).toStartWith("Cannot broadcast to chat:1: ");
    await expect(also).rejects.toMatchObject({
      code: "io_failed",
      retryable: true,
      message: expect.stringContaining("Cannot broadcast to a and 1 more: "),
    });
    expect(server.seen).toHaveLength(2);
    expect(clock.pendingTimers).toBe(0);
  });

  test("what waited behind a call that was given up has its turn", async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const server = receiver(async (request) => {
      if (request > 0) return created();
      await held;
      return status(500);
    });
    const { broadcaster } = patient({ url: server.url, retryForMs: 0 });
    const first = outcomeOf(broadcaster.broadcast("first", 0));
    while (server.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const second = broadcaster.broadcast("second", 1);
    release();
    expect(await first).toContain("answered 500");
    await second;
    expect(server.bodies().at(-1)).toEqual({ stream: "second", data: "1" });
  });

  test("more calls than may wait are rejected at once; the ones before them are not lost", async () => {
    const server = receiver((request) => (request === 0 ? status(500) : created()));
    const { clock, broadcaster, waiting } = patient({ url: server.url, maxPending: 2 });
    const sent = [broadcaster.broadcast("s", 0), broadcaster.broadcast("s", 1)];
    await expect(broadcaster.broadcast("s", 2)).rejects.toMatchObject({
      code: "io_failed",
      retryable: true,
      message: expect.stringContaining("2 calls wait"),
    });
    await waiting();
    clock.advance(100);
    await Promise.all(sent);
    await broadcaster.broadcast("s", 3);
  });

  test("flush waits for what was made, whatever becomes of it, and not for what was not", async () => {
    const server = receiver((request) => (request === 0 ? status(500) : status(422)));
    const { clock, broadcaster, waiting } = patient({ url: server.url });
    await broadcaster.flush();
    const sent = outcomeOf(broadcaster.broadcast("s", 1));
    let flushed = false;
    const flush = broadcaster.flush().then(() => {
      flushed = true;
    });
    await waiting();
    expect(flushed).toBe(false);
    clock.advance(100);
    await flush;
    expect(await sent).toContain("422");
  });
});

describe("when the server refuses", () => {
  test("a revocation for want of room is not tried again, and what is behind it goes out", async () => {
    const server = receiver((request) =>
      request === 0 ? Response.json({ error: "there is no room" }, { status: 507 }) : created(),
    );
    const broadcaster = createBroadcaster({ url: server.url });
    const revoked = broadcaster.revoke({ jti: "secret-id" });
    const sent = broadcaster.broadcast("s", 1);
    await expect(revoked).rejects.toMatchObject({
      ...{ code: "io_failed", retryable: false },
      message: expect.stringMatching(/^Cannot revoke tokens: .* answered 507: there is no room/),
    });
    expect(await outcomeOf(revoked)).not.toContain("secret-id");
    await sent;
    expect(server.seen).toHaveLength(2);
  });

  test("nothing is tried again, and the fault says what to change", async () => {
    const cases: Array<[number, string]> = [
      [301, "redirects"],
      [401, "--broadcast_key"],
      [403, "in front of the server"],
      [404, "/_broadcast"],
      [405, "/_broadcast"],
      [413, "Send less"],
      [418, "cable server"],
      [422, "cannot read"],
    ];
    for (const [code, hint] of cases) {
      const server = receiver(() => status(code, { Location: "/elsewhere" }));
      await expect(
        createBroadcaster({ url: server.url, key: "k3y" }).broadcast("s", 1),
      ).rejects.toMatchObject({
        name: "CableError",
        code: "io_failed",
        retryable: false,
        message: expect.stringMatching(new RegExp(`^Cannot broadcast to s: .* answered ${code}.*${hint}`)),
      });
      expect(server.seen).toHaveLength(1);
    }
  });

  test("the server's own words are passed on, unless they are none or too many", async () => {
    const words = async (body: string) => {
      const { url } = receiver(() => new Response(body, { status: 422 }));
      return outcomeOf(createBroadcaster({ url }).broadcast("s", 1));
    };
    expect(await words('{"error":"\\"stream\\" must be a non-empty string"}')).toContain(
      'answered 422: "stream" must be a non-empty string.',
    );
    expect(await words("<html>")).toContain("answered 422. ");
    expect(await words('{"error":{"a":1}}')).toContain("answered 422. ");
    expect((await words(JSON.stringify({ error: "x".repeat(5000) }))).length).toBeLessThan(400);
  });

  test("one bad message does not take the others of its request with it", async () => {
    const server = receiver((_request, body) => (body.includes("bad") ? status(422) : created()));
    const broadcaster = createBroadcaster({ url: server.url });
    const sent = ["a", "bad", "c"].map((stream) => outcomeOf(broadcaster.broadcast(stream, 1)));
    expect(await Promise.all(sent)).toEqual(["sent", expect.stringContaining("broadcast to bad"), "sent"]);
    expect(server.bodies().flat()).toHaveLength(6);
    await broadcaster.broadcast("d", 1);
  });

  test("a wrong key is not tried message by message", async () => {
    const server = receiver(() => status(401));
    const broadcaster = createBroadcaster({ url: server.url });
    const sent = ["a", "b"].map((stream) => outcomeOf(broadcaster.broadcast(stream, 1)));
    for (const outcome of await Promise.all(sent)) expect(outcome).toContain("answered 401");
    expect(server.seen).toHaveLength(1);
  });

  test("onError is told, and makes it safe not to wait", async () => {
    const { url } = receiver(() => status(401));
    const told: unknown[] = [];
    const broadcaster = createBroadcaster({ url, onError: (error) => told.push(error) });
    void broadcaster.broadcast("s", 1);
    void broadcaster.broadcast("s", undefined);
    void broadcaster.disconnect({ user_id: 7 });
    await broadcaster.flush();
    expect(told.map(String)).toEqual([
      expect.stringContaining("undefined is not JSON"),
      expect.stringContaining("Cannot broadcast to s"),
      expect.stringContaining("Cannot disconnect remote clients"),
    ]);
    expect(told.map(String).join()).not.toContain("user_id");
  });
});

test("a server that is not there, or silent, is a retryable fault; the text holds no key and no query", async () => {
  const gone = receiver(created);
  await servers.splice(0)[0]?.stop(true);
  const failed = await once({ url: `${gone.url}?token=s3cr3t`, key: "k3y" })
    .broadcast("s", 1)
    .catch((thrown: unknown) => thrown);
  expect(failed).toMatchObject({ code: "io_failed", retryable: true });
  expect(String(failed)).toContain(`no answer from ${gone.url}`);
  expect(String(failed)).not.toMatch(/s3cr3t|k3y/);

  const silent = receiver(() => new Promise<Response>(() => {}));
  expect(await outcomeOf(once({ url: silent.url, timeoutMs: 50 }).broadcast("s", 1))).toContain(
    "nothing within 50 ms",
  );
});

test("what cannot be published, and options that cannot be used, are refused", async () => {
  const url = "http://127.0.0.1:1/_broadcast";
  const broadcaster = createBroadcaster({ url });
  await expect(broadcaster.broadcast("s", undefined)).rejects.toThrow("undefined is not JSON");
  await expect(broadcaster.broadcast("", 1)).rejects.toThrow("name is empty");
  for (const bad of ["", "127.0.0.1:8080", "ws://127.0.0.1/_broadcast", "http://u:p@127.0.0.1/_broadcast"]) {
    expect(() => createBroadcaster({ url: bad })).toThrow("not an http(s) URL");
  }
  expect(() => createBroadcaster({ url, secret: "" })).toThrow("its secret is empty");
  for (const [name, value] of [
    ["maxPending", 0],
    ["retryForMs", -1],
    ["timeoutMs", Number.NaN],
  ] as const) {
    expect(() => createBroadcaster({ url, [name]: value })).toThrow(`${name} is ${value}`);
  }
});
