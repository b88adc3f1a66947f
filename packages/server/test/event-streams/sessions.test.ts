import { describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { startApplication } from "../support/application.ts";
import { CableClient, publish } from "../support/cable-client.ts";
import { expectClean } from "../support/canary.ts";
import { EventClient } from "../support/event-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { scrape } from "../support/scrape.ts";
import { useStarted } from "../support/started.ts";
import { goodToken } from "../support/tokens.ts";

/** Event streams as sessions of the server: slow readers, presence, the application, many at once. */

const OPEN = ["--sse", "--public_streams", "--metrics_http=/metrics"];
const ALONE = [...OPEN, "--norpc", "--noauth"];
const NEWS = JSON.stringify({ channel: "$pubsub", stream_name: "news" });

const started = useStarted();

async function start(...flags: readonly string[]): Promise<HawserProcess> {
  return started(await startHawser(flags));
}

/** A client by TCP alone, which can stop reading. */
class RawClient {
  received = "";
  closed = false;
  readonly socket: Socket;
  readonly connected: Promise<void>;

  /** @param body a late one is announced and not sent. */
  constructor(port: number, target: string, body: string | { late: string } | null = null) {
    this.socket = connect({ port, host: "127.0.0.1" });
    this.connected = new Promise((resolve) => this.socket.once("connect", () => resolve()));
    started({ stop: () => this.socket.destroy() });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
    });
    this.socket.on("data", (chunk) => {
      this.received += chunk.toString("utf8");
    });
    const whole = typeof body === "object" ? (body?.late ?? null) : body;
    const head =
      whole === null
        ? `GET ${target} HTTP/1.1`
        : `POST ${target} HTTP/1.1\r\nContent-Length: ${whole.length}`;
    this.socket.write(`${head}\r\nHost: x\r\n\r\n${typeof body === "string" ? body : ""}`);
  }

  has(text: string, withinMs?: number): Promise<void> {
    return until(() => this.received.includes(text), `${text} in ${this.received.slice(-300)}`, withinMs);
  }
}

async function until(done: () => boolean | Promise<boolean>, what: string, withinMs = 15_000): Promise<void> {
  for (const endMs = performance.now() + withinMs; !(await done()); await Bun.sleep(10)) {
    if (performance.now() > endMs) throw new Error(`no ${what} within ${withinMs} ms`);
  }
}

const sample = async (server: HawserProcess, name: string) =>
  (await scrape(server.port)).get(`anycable_go_${name}`) ?? Number.NaN;

const untilSample = (server: HawserProcess, name: string, value: number) =>
  until(async () => (await sample(server, name)) === value, `${name} of ${value}`);

/** More than the kernel keeps for a connection. */
async function flood(server: HawserProcess, stream = "news"): Promise<void> {
  const message = { stream, data: JSON.stringify("z".repeat(60_000)) };
  const answer = await publish(
    server.broadcastPort,
    Array.from({ length: 300 }, () => message),
  );
  expect(answer.status).toBe(201);
}

describe("a client that stops reading", () => {
  test("is told too_slow behind what waits, counted and ended; the others go on", async () => {
    const server = await start(...ALONE, "--ws_max_pending_size=100000", "--ping_interval=0");
    const slow = new RawClient(server.port, "/events?stream=news");
    await slow.has("confirm_subscription");
    const other = new RawClient(server.port, "/events?stream=calm");
    await other.has("confirm_subscription");
    slow.socket.pause();
    await flood(server);
    await untilSample(server, "disconnected_slow_clients_total", 1);
    slow.socket.resume();
    await slow.has('event: disconnect\ndata: {"type":"disconnect","reason":"too_slow","reconnect":true}\n\n');
    await slow.has("\r\n0\r\n\r\n");
    await untilSample(server, "sse_clients_num", 1);
    await publish(server.broadcastPort, { stream: "calm", data: "1" });
    await other.has("data: 1\n\n");
  }, 30_000);

  test("and does not wake is cut, with nothing of it left", async () => {
    const server = await start(...ALONE, "--ws_max_pending_size=100000", "--ping_interval=0");
    const slow = new RawClient(server.port, "/events?stream=news");
    await slow.has("confirm_subscription");
    slow.socket.pause();
    await flood(server);
    await untilSample(server, "sse_clients_num", 0);
    await untilSample(server, "broadcast_streams_num", 0);
    await Bun.sleep(5000); // what it is given to read the rest
    slow.socket.resume();
    await until(() => slow.closed, "end");
    expect(slow.received).not.toContain("too_slow");
  }, 30_000);

  test("is cut when its socket takes nothing for the write timeout", async () => {
    const flags = ["--ws_max_pending_size=0", "--ws_write_timeout=1", "--ping_interval=0"];
    const server = await start(...ALONE, ...flags);
    const slow = new RawClient(server.port, "/events?stream=news");
    await slow.has("confirm_subscription");
    slow.socket.pause();
    await flood(server);
    await untilSample(server, "timeout_server_msg_total", 1);
    await untilSample(server, "sse_clients_num", 0);
    slow.socket.resume();
    await until(() => slow.closed, "end");
    // It is gone from its topic too: nothing more is sent to it, and nothing fails.
    await publish(server.broadcastPort, { stream: "news", data: "1" });
    expect(await sample(server, "broadcast_streams_num")).toBe(0);
  }, 30_000);

  test("gets everything late where there is no limit", async () => {
    const flags = ["--ws_max_pending_size=0", "--ws_write_timeout=0", "--ping_interval=0"];
    const server = await start(...ALONE, ...flags);
    const late = new RawClient(server.port, "/events?stream=news");
    await late.has("confirm_subscription");
    late.socket.pause();
    await flood(server);
    await publish(server.broadcastPort, { stream: "news", data: '"the last one"' });
    await Bun.sleep(300);
    late.socket.resume();
    await late.has("data: the last one\n\n");
    expect(late.received.match(/z{60000}/g)).toHaveLength(300);
  }, 30_000);
});

describe("a client that missed much", () => {
  test("of several channels gets all of it, though more than may wait for a slow one", async () => {
    const server = await start(...ALONE, "--broker=memory", "--ping_interval=0");
    const streams = ["one", "two", "three"];
    for (const stream of streams) {
      const batch = Array.from({ length: 30 }, (_, n) => ({
        stream,
        data: JSON.stringify(`<${stream} ${n}>${"z".repeat(40_000)}`),
      }));
      await publish(server.broadcastPort, batch);
    }
    const lines = streams.map((name) => {
      const identifier = JSON.stringify({ channel: "$pubsub", stream_name: name });
      return JSON.stringify({ identifier, history: { since: 1 } });
    });
    const client = new RawClient(server.port, "/events", lines.join("\n"));
    await client.has("<three 29>");
    expect(client.received).toStartWith("HTTP/1.1 200 OK");
    const numbers = [...client.received.matchAll(/<(\w+ \d+)>/g)].map(([, number]) => number);
    expect(numbers).toEqual(streams.flatMap((name) => Array.from({ length: 30 }, (_, n) => `${name} ${n}`)));
  }, 30_000);
});

describe("an event stream begins though more was missed than fits before it:", () => {
  const MESSAGES = 210;
  const LONG = ["--broker=memory", "--history_limit=1000", "--ping_interval=0"];
  const lineFor = (name: string) =>
    JSON.stringify({
      identifier: JSON.stringify({ channel: "$pubsub", stream_name: name }),
      history: { since: 1 },
    });

  /** 8.4 MB. */
  async function fill(server: HawserProcess, stream = "long"): Promise<void> {
    for (let batch = 0; batch < MESSAGES / 30; batch++) {
      const messages = Array.from({ length: 30 }, (_, n) => ({
        stream,
        data: JSON.stringify(`<${batch * 30 + n}>${"z".repeat(40_000)}`),
      }));
      await publish(server.broadcastPort, messages);
    }
  }

  const numbersIn = ({ received }: RawClient) =>
    [...received.matchAll(/<(\d+)>/g)].map(([, number]) => Number(number));
  const ALL = Array.from({ length: MESSAGES }, (_, n) => n);

  test("of a public stream", async () => {
    const server = await start(...ALONE, ...LONG);
    await fill(server);
    const client = new RawClient(server.port, "/events?stream=long&history_since=1");
    await client.has("confirm_history", 30_000);
    expect(client.received).toStartWith("HTTP/1.1 200 OK");
    expect(numbersIn(client)).toEqual(ALL);
  }, 60_000);

  test("of a channel of the application", async () => {
    const application = await startApplication({ command: () => ({ streams: ["long"] }) });
    started(application);
    const server = await start("--public", "--sse", ...LONG, `--rpc_host=127.0.0.1:${application.port}`);
    await fill(server);
    const client = new RawClient(server.port, "/events?channel=Chat&history_since=1");
    await client.has("confirm_history", 30_000);
    expect(client.received).toStartWith("HTTP/1.1 200 OK");
    expect(numbersIn(client)).toEqual(ALL);
    await publish(server.broadcastPort, { stream: "long", data: '"live"' });
    await client.has("data: live\n");
  }, 60_000);

  test("of several channels, of which one that is not to be had is told as an event", async () => {
    const server = await start(...ALONE, ...LONG);
    for (const stream of ["long", "longer"]) await fill(server, stream);
    const lines = [lineFor("long"), lineFor("longer"), '{"identifier":"none"}', lineFor("calm")];
    const client = new RawClient(server.port, "/events", lines.join("\n"));
    const told = () => client.received.match(/^event: confirm_history$/gm) ?? [];
    await until(() => told().length === 3, "confirm_history of all", 30_000);
    expect(client.received).toStartWith("HTTP/1.1 200 OK");
    expect(numbersIn(client)).toEqual([...ALL, ...ALL]);
    expect(client.received.match(/^event: \w+$/gm)).toEqual([
      "event: welcome",
      ...["confirm_subscription", "confirm_history"].map((type) => `event: ${type}`),
      ...["confirm_subscription", "confirm_history"].map((type) => `event: ${type}`),
      "event: reject_subscription",
      ...["confirm_subscription", "confirm_history"].map((type) => `event: ${type}`),
    ]);
  }, 60_000);
});

describe("presence", () => {
  test("of an event stream begins with its subscription, is told to all, and ends some time after it", async () => {
    const server = await start(...ALONE, "--broker=memory", "--presence_ttl=1");
    const member = started(new EventClient(`http://127.0.0.1:${server.port}/events?stream=news`));
    await member.until(() => member.of("confirm_subscription").length === 1, "confirmation");
    const line = { identifier: NEWS, presence: { id: "7", info: { name: "Ann" } } };
    const joined = new RawClient(server.port, "/events", JSON.stringify(line));
    await joined.has("event: presence");
    await member.until(() => member.of("presence").length === 1, "join");
    expect(JSON.parse(member.of("presence")[0]?.data ?? "").message).toEqual({
      type: "join",
      id: "7",
      info: { name: "Ann" },
    });
    joined.socket.destroy();
    await member.until(() => member.of("presence").length === 2, "leave");
    expect(JSON.parse(member.of("presence")[1]?.data ?? "").message).toEqual({ type: "leave", id: "7" });
  }, 30_000);
});

describe("the application", () => {
  test("hears of a client that left while it was being asked, and nothing of the client stays", async () => {
    let answer = () => {};
    const application = await startApplication({
      command: () => new Promise((resolve) => (answer = () => resolve({ streams: ["s"] }))),
    });
    started(application);
    const server = await start(...OPEN, `--rpc_host=127.0.0.1:${application.port}`);
    const client = new RawClient(server.port, "/events?channel=Chat");
    await until(() => application.callsOf("Command").length === 1, "Command");
    client.socket.destroy();
    await until(() => client.closed, "close");
    answer();
    await until(() => application.callsOf("Disconnect").length === 1, "Disconnect");
    expect(application.callsOf("Disconnect")[0]?.request.subscriptions).toEqual(['{"channel":"Chat"}']);
    await untilSample(server, "clients_num", 0);
    expect(await sample(server, "broadcast_streams_num")).toBe(0);
    expect(await sample(server, "sse_clients_num")).toBe(0);
  }, 30_000);

  test("that is not there has clients answered 400, and its streams never begin", async () => {
    const server = await start(...OPEN, "--rpc_host=127.0.0.1:1", "--rpc_command_timeout=300");
    const response = await fetch(`http://127.0.0.1:${server.port}/events?channel=Chat`);
    expect(response.status).toBe(400);
    expect(await response.text()).toBe("");
    expect(await sample(server, "sse_clients_num")).toBe(0);
  }, 30_000);
});

describe("many event streams", () => {
  test("that come and go leave nothing, and those that stay hear everything in order", async () => {
    const server = await start(...ALONE);
    const staying = Array.from({ length: 20 }, () => new RawClient(server.port, "/events?stream=news&raw=1"));
    await untilSample(server, "sse_clients_num", 20);
    let published = 0;
    for (let round = 0; round < 10; round++) {
      const passing = Array.from(
        { length: 30 },
        (_, n) => new RawClient(server.port, `/events?stream=${n % 2 === 0 ? "news" : `own-${n}`}`),
      );
      if (round % 2 === 0) await untilSample(server, "sse_clients_num", 50);
      for (let n = 0; n < 5; n++) {
        published += 1;
        await publish(server.broadcastPort, { stream: "news", data: `"<${published}>"` });
      }
      for (const { socket } of passing) socket.destroy();
      await untilSample(server, "sse_clients_num", 20);
    }
    for (const client of staying) {
      await client.has(`<${published}>`);
      const numbers = [...client.received.matchAll(/data: <(\d+)>\n\n/g)].map(([, n]) => Number(n));
      expect(numbers).toEqual(Array.from({ length: published }, (_, n) => n + 1));
    }
    for (const { socket } of staying) socket.destroy();
    await untilSample(server, "clients_num", 0);
    await untilSample(server, "broadcast_streams_num", 0);
  }, 60_000);
});

test("posted streams whose bodies come late find no more room than there is", async () => {
  const server = await start(...ALONE, "--max-conn=1");
  const body = JSON.stringify({ command: "subscribe", identifier: NEWS });
  const clients = Array.from({ length: 3 }, () => new RawClient(server.port, "/events", { late: body }));
  // Their heads have been read once a later request is answered.
  await Promise.all(clients.map(({ connected }) => connected));
  for (let round = 0; round < 3; round++) await scrape(server.port);
  for (const { socket } of clients) socket.write(body);
  for (const client of clients) await client.has("\r\n\r\n");
  const statuses = clients.map(({ received }) => received.slice(9, 12)).sort();
  expect(statuses).toEqual(["200", "503", "503"]);
  expect(await sample(server, "clients_num")).toBe(1);
}, 20_000);

test("a token in the query of a stream reaches no log and no metric", async () => {
  const secret = "canary-of-event-streams-8c1";
  const token = goodToken(secret);
  const flags = [`--secret=${secret}`, "--enforce_jwt", "--debug", "--norpc"];
  const server = await start(...OPEN, ...flags);
  for (const query of [
    `stream=a&jid=${token}`,
    `jid=${token}`,
    `stream=a&jid=${token}x`,
    `channel=x&jid=${token}`,
  ]) {
    const client = new RawClient(server.port, `/events?${query}`);
    await client.has("\r\n\r\n");
  }
  const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  expectClean("the log", server.output(), [token, secret]);
  expectClean("the metrics", metrics, [token, secret]);
}, 20_000);

test("a WebSocket and an event stream of one identity both end by a remote disconnect", async () => {
  const secret = "a secret of both";
  const server = await start(...OPEN, `--secret=${secret}`, "--norpc");
  const token = goodToken(secret);
  const socket = new CableClient(`ws://127.0.0.1:${server.port}/cable?jid=${token}`);
  await socket.message(0);
  const stream = new RawClient(server.port, `/events?stream=a&jid=${token}`);
  await stream.has("confirm_subscription");
  const key = new Bun.CryptoHasher("sha256", secret).update("broadcast-cable").digest("hex");
  const payload = { identifier: '{"user":"ann"}', reconnect: true };
  await publish(server.broadcastPort, { command: "disconnect", payload }, key);
  expect((await socket.closed()).reason).toBe("Closed remotely");
  await stream.has('data: {"type":"disconnect","reason":"remote","reconnect":true}\n\n');
  await stream.has("\r\n0\r\n\r\n");
}, 20_000);
