import { describe, expect, test } from "bun:test";
import { publish } from "../support/cable-client.ts";
import { EventClient } from "../support/event-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { useStarted } from "../support/started.ts";
import { startTcpFront } from "../support/tcp-front.ts";
import { goodToken, inSeconds, signToken } from "../support/tokens.ts";

/** The stock `EventSource` and curl, against the real server; what both servers do alike also against the reference. */

const OPEN = ["--sse", "--norpc", "--noauth", "--public_streams"];
const SECRET = "a secret of the event streams' tests";

const started = useStarted();

async function start(...flags: readonly string[]): Promise<HawserProcess> {
  return started(await startHawser([...OPEN, ...flags]));
}

/** The reference, with the same options. */
async function startReference(...flags: readonly string[]): Promise<HawserProcess> {
  const all = ["--broadcast_adapter=http", ...OPEN, ...flags];
  return started(await startHawser(all, {}, { command: "anycable-go", quiet: true }));
}

const SERVERS = [
  ["this server", start],
  ...(Bun.which("anycable-go") === null ? [] : ([["the reference", startReference]] as const)),
] as const;

function listen(port: number, query: string): EventClient {
  return started(new EventClient(`http://127.0.0.1:${port}/events?${query}`));
}

async function listening(port: number, query: string): Promise<EventClient> {
  const client = listen(port, query);
  await client.until(() => client.of("confirm_subscription").length === 1, "confirmation");
  return client;
}

/** What is published, and what `onmessage` gets; texts that both servers pass on alike. */
const MESSAGES: readonly (readonly [data: string, seen: string])[] = [
  ['{"t":"hi"}', '{"t":"hi"}'],
  ['"text"', "text"],
  ['"  two spaces before"', "  two spaces before"],
  ['""', ""],
  ['"a\\nb\\r\\nc\\rd\\n"', "a\nb\nc\nd\n"],
  [
    '":no comment\\ndata: no field\\nid: 7\\n\\nevent: none"',
    ":no comment\ndata: no field\nid: 7\n\nevent: none",
  ],
  ["[1,2]", "[1,2]"],
  ["not json\n at all", "not json\n at all"],
  ['"чат 😀 \\u0000"', "чат 😀 \0"],
];

describe.each(SERVERS)("an EventSource of %s", (_, startServer) => {
  test("gets every message as it was meant", async () => {
    const server = await startServer();
    const client = await listening(server.port, "stream=news");
    for (const [data] of MESSAGES) await publish(server.broadcastPort, { stream: "news", data });
    await client.until(() => client.messages.length === MESSAGES.length, "last message");
    expect(client.messages).toEqual(MESSAGES.map(([, seen]) => seen));
    expect(client.events.slice(0, 2).map(({ type }) => type)).toEqual(["welcome", "confirm_subscription"]);
  }, 20_000);

  test("comes back by itself after its connection broke, and gets what it missed, once and in order", async () => {
    const server = await startServer("--broker=memory");
    const front = started(await startTcpFront([server.port]));
    const client = await listening(front.port, "stream=news");
    const say = async (from: number, to: number) => {
      for (let n = from; n <= to; n++) {
        await publish(server.broadcastPort, { stream: "news", data: String(n) });
      }
    };
    await say(1, 3);
    await client.until(() => client.messages.length === 3, "first messages");
    front.cut();
    await say(4, 20);
    await client.until(() => client.of("confirm_history").length === 1, "word that this was all");
    await say(21, 23);
    await client.until(() => client.messages.length >= 23, "last message");
    expect(client.messages).toEqual(Array.from({ length: 23 }, (_, n) => String(n + 1)));
    expect(client.opens).toBe(2);
  }, 30_000);

  test("that may not come in gives up", async () => {
    const server = await startServer(`--secret=${SECRET}`, "--enforce_jwt");
    for (const query of ["stream=a", "stream=a&jid=garbage"]) {
      const client = listen(server.port, query);
      await client.until(() => client.closed, "end");
      expect(client.errors).toEqual([401]);
    }
    const client = await listening(server.port, `stream=a&jid=${goodToken(SECRET)}`);
    expect(client.errors).toEqual([]);
  }, 20_000);
});

describe("an EventSource", () => {
  test("that is told not to come back stays away, with raw as well", async () => {
    const server = await start(`--secret=${SECRET}`, "--enforce_jwt");
    const front = started(await startTcpFront([server.port]));
    const plain = listen(front.port, `stream=a&jid=${goodToken(SECRET)}`);
    const raw = listen(front.port, `stream=a&raw=1&jid=${goodToken(SECRET)}`);
    await plain.until(() => plain.opens === 1 && raw.opens === 1, "beginning");
    const key = new Bun.CryptoHasher("sha256", SECRET).update("broadcast-cable").digest("hex");
    const payload = { identifier: '{"user":"ann"}', reconnect: false };
    const answer = await publish(server.broadcastPort, { command: "disconnect", payload }, key);
    expect(answer.status).toBe(201);
    await plain.until(() => plain.errors.length === 1 && raw.errors.length === 1, "end");
    expect(plain.of("disconnect")).toHaveLength(1);
    expect(raw.events).toEqual([]);
    // The client's own pause before it comes again is three seconds.
    await Bun.sleep(4500);
    expect(front.accepted).toBe(2);
  }, 20_000);

  test("whose token ends is told so and ends with it, where that is asked for", async () => {
    const flags = ["--session_expiry=close", "--session_expiry_jitter=0"];
    const server = await start(`--secret=${SECRET}`, "--enforce_jwt", ...flags);
    const token = signToken(SECRET, { ext: "{}", exp: inSeconds(5) });
    const client = await listening(server.port, `stream=a&jid=${token}`);
    await client.until(() => client.of("disconnect").length === 1, "word of it");
    const said = '{"type":"disconnect","reason":"token_expired","reconnect":false}';
    expect(client.of("disconnect")[0]?.data).toBe(said);
    await client.until(() => client.errors.length === 1, "end");
  }, 20_000);
});

describe("curl", () => {
  const curl = Bun.which("curl") ?? "";

  /** Runs until the server ends the stream; what it wrote. */
  async function run(server: HawserProcess, args: readonly string[]): Promise<string> {
    const child = Bun.spawn([curl, "--silent", "--no-buffer", "--include", ...args], { stdout: "pipe" });
    started({ stop: () => child.kill() });
    const written = new Response(child.stdout).text();
    await server.waitFor(/session established.*transport=sse/);
    await publish(server.broadcastPort, { stream: "news", data: '{"t":"hi"}' });
    server.signal("SIGTERM");
    return written;
  }

  const FAREWELL =
    'event: disconnect\ndata: {"type":"disconnect","reason":"server_restart","reconnect":true}\n\n';

  test.skipIf(curl === "")(
    "reads a stream by GET to its end",
    async () => {
      const server = await start("--debug", "--ping_interval=60");
      const text = await run(server, [`http://127.0.0.1:${server.port}/events?stream=news`]);
      expect(text).toStartWith("HTTP/1.1 200 OK\r\n");
      expect(text).toEndWith(`data: {"t":"hi"}\n\n${FAREWELL}`);
    },
    20_000,
  );

  test.skipIf(curl === "")(
    "reads one by POST over HTTP/1.0, where the end of the connection is that of the stream",
    async () => {
      const server = await start("--debug", "--ping_interval=60");
      const identifier = JSON.stringify({ channel: "$pubsub", stream_name: "news" });
      const body = JSON.stringify({ identifier });
      const url = `http://127.0.0.1:${server.port}/events`;
      const text = await run(server, ["--http1.0", "--data-binary", body, url]);
      const message = `data: {"identifier":${JSON.stringify(identifier)},"message":{"t":"hi"}}\n\n`;
      expect(text).toEndWith(`${message}${FAREWELL}`);
    },
    20_000,
  );
});
