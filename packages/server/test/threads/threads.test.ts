import { afterEach, describe, expect, test } from "bun:test";
import { createBroadcaster } from "@hawser/sdk";
import { CableClient } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { scrape, sumOf } from "../support/scrape.ts";
import { createScratch } from "../support/scratch.ts";
import { goodToken, inSeconds, signToken } from "../support/tokens.ts";
import { until } from "../support/until.ts";

/** A server with two connection threads, and enough clients that both have some: all on one is as likely as 2^-15. */

const SECRET = "a secret of thirty-two characters";
const MANY = 16;
const FLAGS = [
  "--workers=2",
  `--secret=${SECRET}`,
  "--norpc",
  "--public_streams",
  "--streams_whisper",
  "--enforce_jwt",
  "--http_broadcast_port=0",
];

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function start(...flags: string[]): Promise<HawserProcess> {
  const server = await startHawser([...FLAGS, ...flags]);
  cleanups.push(() => server.stop());
  return server;
}

/** To the main port, where connection threads take it for the control thread. */
function publisher({ port }: HawserProcess) {
  return createBroadcaster({ url: `http://127.0.0.1:${port}/_broadcast`, secret: SECRET });
}

const IDENTIFIER = JSON.stringify({ channel: "$pubsub", stream_name: "chat" });

function connect({ port }: HawserProcess, token = goodToken(SECRET)): CableClient {
  const client = new CableClient(`ws://127.0.0.1:${port}/cable?jid=${token}`);
  cleanups.push(() => client.close());
  return client;
}

async function join(server: HawserProcess, token?: string): Promise<CableClient> {
  const client = connect(server, token);
  await client.message(0);
  client.send({ command: "subscribe", identifier: IDENTIFIER });
  await client.message(1);
  return client;
}

const joinMany = (server: HawserProcess, count = MANY) =>
  Promise.all(Array.from({ length: count }, (_, i) => join(server, goodToken(SECRET, `user ${i}`))));

const heard = (client: CableClient) =>
  client.messages.flatMap((text) => {
    const { message } = JSON.parse(text);
    return message === undefined ? [] : [message];
  });

describe("with two connection threads", () => {
  test("what is published reaches the clients of both, in order and once", async () => {
    const server = await start();
    const clients = await joinMany(server);
    const broadcaster = publisher(server);
    const sent = Array.from({ length: 50 }, (_, n) => n);
    for (const n of sent) await broadcaster.broadcast("chat", n);
    for (const client of clients) {
      await client.until(() => heard(client).length >= sent.length, "every publication", 20_000);
      expect(heard(client)).toEqual(sent);
    }
  });

  test("a whisper reaches the others, whichever thread they are on, and not who sent it", async () => {
    const server = await start();
    const [first, ...others] = await joinMany(server);
    first?.send({ command: "whisper", identifier: IDENTIFIER, data: "psst" });
    for (const client of others)
      await client.until(() => heard(client).includes("psst"), "the whisper", 20_000);
    await publisher(server).broadcast("chat", "after");
    await first?.until(() => heard(first).length > 0, "the publication", 20_000);
    expect(heard(first as CableClient)).toEqual(["after"]);
  });

  test("a remote disconnect finds the sessions of a user on both", async () => {
    const server = await start();
    const of = (user: string, count: number) =>
      Promise.all(Array.from({ length: count }, () => join(server, goodToken(SECRET, user))));
    const [ann, bob] = [await of("ann", MANY), await join(server, goodToken(SECRET, "bob"))];
    await publisher(server).disconnect({ user: "ann" });
    for (const client of ann) expect((await client.closed(20_000)).code).toBe(1000);
    expect(bob.closedWith).toBeNull();
  });

  test("a revocation ends sessions on both and is in force on both", async () => {
    const server = await start();
    const token = signToken(SECRET, { ext: '{"user":"ann"}', exp: inSeconds(3600), jti: "one" });
    const clients = await Promise.all(Array.from({ length: MANY }, () => join(server, token)));
    await publisher(server).revoke({ jti: "one" });
    for (const client of clients) await client.closed(20_000);
    for (let i = 0; i < MANY; i++) expect(await connect(server, token).message(0)).toContain("unauthorized");
  });

  test("an endpoint of the main port answers from whichever thread the request comes to", async () => {
    const server = await start();
    const statuses = async (key: string) => {
      const responses = Array.from({ length: MANY }, () =>
        fetch(`http://127.0.0.1:${server.port}/_broadcast`, {
          ...{ method: "POST", body: "{", keepalive: false, headers: { Authorization: `Bearer ${key}` } },
        }),
      );
      return new Set((await Promise.all(responses)).map(({ status }) => status));
    };
    expect(await statuses("wrong")).toEqual(new Set([401]));
    for (const path of ["/health", "/ready"]) {
      const answers = await Promise.all(
        Array.from({ length: MANY }, () =>
          fetch(`http://127.0.0.1:${server.port}${path}`, { keepalive: false }),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    }
  });

  test("the metrics are those of all threads together, and each thing is counted once", async () => {
    const server = await start("--metrics_http=/metrics");
    const clients = await joinMany(server, MANY - 1);
    clients.push(await join(server, goodToken(SECRET, "user 0")));
    await publisher(server).broadcast("chat", "hi");
    for (const client of clients)
      await client.until(() => heard(client).length > 0, "the publication", 20_000);
    const samples = await scrape(server.port);
    const numberOf = (name: string) => sumOf(samples, `anycable_go_${name}`);
    expect(numberOf("clients_num")).toBe(MANY);
    expect(numberOf("clients_uniq_num")).toBe(MANY - 1);
    expect(numberOf("broadcast_streams_num")).toBe(1);
    expect(numberOf("publications_total")).toBe(1);
    expect(numberOf("broadcast_msg_total")).toBe(1);
    expect(numberOf("client_msg_total")).toBe(MANY);
    // A welcome, a confirmation and the message.
    expect(numberOf("server_msg_total")).toBe(3 * MANY);
    expect(sumOf(samples, "anycable_go_jwt_verifications_total", 'result="accepted"')).toBe(MANY);
    expect(numberOf("jwt_token_remaining_seconds_count")).toBe(MANY);
  });

  test("the admin socket tells of all of them", async () => {
    const scratch = createScratch();
    cleanups.push(() => scratch.remove());
    const unix = `${scratch.path}/admin.sock`;
    const server = await start(`--admin_socket=${unix}`);
    const ask = async (path: string, init: object = {}) =>
      (await fetch(`http://admin${path}`, { unix, ...init })).json();
    expect(await ask("/keys")).toMatchObject({ keys: [{ name: "secret", lastUsed: null }] });
    const token = signToken(SECRET, { ext: '{"user":"ann"}', exp: inSeconds(3600), jti: "one" });
    const clients = await Promise.all(Array.from({ length: MANY }, () => join(server, token)));
    expect(await ask("/keys")).toMatchObject({ keys: [{ lastUsed: expect.stringMatching(/^20/) }] });
    expect(await ask("/revoke", { method: "POST", body: '{"jti":"one"}' })).toMatchObject({ closed: MANY });
    for (const client of clients) await client.closed(20_000);
  });

  test("a client has its session back on whichever thread it comes to, also while its former connection stands", async () => {
    const server = await start("--broker=memory");
    const extended = { protocols: ["actioncable-v1-ext-json"] };
    const url = `ws://127.0.0.1:${server.port}/cable?jid=${goodToken(SECRET)}`;
    const client = new CableClient(url, extended);
    cleanups.push(() => client.close());
    const { sid } = JSON.parse(await client.message(0));
    client.send({ command: "subscribe", identifier: IDENTIFIER });
    await client.message(1);
    const welcomes = Array.from({ length: MANY }, async () => {
      const back = new CableClient(`${url}&sid=${sid}`, extended);
      cleanups.push(() => back.close());
      return JSON.parse(await back.message(0));
    });
    for (const welcome of await Promise.all(welcomes)) {
      expect(welcome).toMatchObject({ restored: true, restored_ids: [IDENTIFIER] });
    }
  });

  test("what was missed is told from one history, and then goes on, on both", async () => {
    const server = await start("--broker=memory");
    const broadcaster = publisher(server);
    for (let n = 0; n < 3; n++) await broadcaster.broadcast("chat", n);
    const clients = await joinMany(server);
    const since = Math.floor(Date.now() / 1000) - 60;
    for (const client of clients)
      client.send({ command: "history", identifier: IDENTIFIER, history: { since } });
    for (let n = 3; n < 6; n++) await broadcaster.broadcast("chat", n);
    for (const client of clients) {
      await client.until(() => heard(client).length >= 6, "all of it", 20_000);
      expect(heard(client)).toEqual([0, 1, 2, 3, 4, 5]);
    }
  });

  test("who is present is one list, in front of the clients of both", async () => {
    const server = await start("--broker=memory", "--streams_presence");
    const clients = await joinMany(server);
    for (const [n, client] of clients.entries())
      client.send({ command: "join", identifier: IDENTIFIER, presence: { id: `user ${n % 4}` } });
    const joined = (client: CableClient) =>
      client.messages.filter((text) => text.includes('"type":"presence"') && text.includes('"join"')).length;
    for (const client of clients) {
      await client.until(() => joined(client) >= 4, "everyone's join", 20_000);
      expect(joined(client)).toBe(4);
      client.send({ command: "presence", identifier: IDENTIFIER });
      await client.until(() => client.messages.at(-1)?.includes('"total":4') ?? false, "the list", 20_000);
    }
  });

  test("--max-conn counts the clients of both", async () => {
    const server = await start("--max-conn=5");
    const clients = Array.from({ length: MANY }, () => connect(server));
    await until(async () => {
      if (clients.some(({ opened, closedWith }) => !opened && closedWith === null))
        throw new Error("some are waiting");
    });
    // When several come together for the last place, all of them may be told that there is none.
    const open = clients.filter(({ opened }) => opened);
    expect(open.length).toBeLessThanOrEqual(5);
    expect(open.length).toBeGreaterThan(0);
  });

  test("a secret that changes in its file is taken by both, and the old one by both for a while", async () => {
    const scratch = createScratch();
    cleanups.push(() => scratch.remove());
    const file = scratch.write("secret", SECRET);
    const server = await startHawser([
      "--workers=2",
      `--secret_file=${file}`,
      "--norpc",
      "--public_streams",
      "--enforce_jwt",
    ]);
    cleanups.push(() => server.stop());
    const next = "another secret of thirty-two bytes";
    scratch.write("secret", next);
    server.signal("SIGHUP");
    await server.waitFor(/keys were reloaded/);
    const answers = async (secret: string) =>
      Promise.all(Array.from({ length: MANY }, () => connect(server, goodToken(secret)).message(0)));
    for (const answer of await answers(next)) expect(answer).toContain("welcome");
    for (const answer of await answers(SECRET)) expect(answer).toContain("welcome");
    for (const answer of await answers("a third secret of thirty-two bytes"))
      expect(answer).toContain("unauthorized");
  });

  test("at the end every client is told", async () => {
    const server = await start();
    const clients = await joinMany(server);
    server.signal("SIGTERM");
    for (const client of clients) {
      await client.closed(20_000);
      expect(client.messages.at(-1)).toContain("server_restart");
    }
    expect(await server.exited).toBe(0);
  });

  test("a port that somebody has is said to be in use", async () => {
    const server = await start();
    const second = await startHawser([...FLAGS, `--port=${server.port}`]).then(
      () => "it started",
      (thrown: unknown) => String(thrown),
    );
    expect(second).toContain("the port is in use");
  });

  test("what they cannot do yet is refused at the start", async () => {
    const refusal = await startHawser([...FLAGS, "--trust_request_id"]).then(
      () => "it started",
      (thrown: unknown) => String(thrown),
    );
    expect(refusal).toContain("--trust_request_id does not go with several threads");
  });
});

test("going down slowly, the threads share the rate", async () => {
  const server = await start("--shutdown_disconnect_rate=8");
  const clients = await joinMany(server);
  const leaving = clients.map(async (client) => {
    expect(await client.closed(20_000)).toEqual({ code: 1001, reason: "Server restart" });
    return performance.now();
  });
  server.signal("SIGTERM");
  const times = await Promise.all(leaving);
  expect(await server.exited).toBe(0);
  // One of two threads has eight or more, and lets four go a second.
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(1000);
}, 30_000);
