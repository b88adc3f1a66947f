import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { publish } from "../support/cable-client.ts";
import { EventClient } from "../support/event-client.ts";
import { freePorts, type HawserProcess, spawnHawser } from "../support/hawser-process.ts";
import { HAS_NGINX, type Nginx, startNginx } from "../support/nginx.ts";
import { exchangeRaw, upgradeRequest } from "../support/raw-http.ts";
import { HAS_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";
import { scrape } from "../support/scrape.ts";
import { createScratch } from "../support/scratch.ts";
import { goodToken } from "../support/tokens.ts";
import { until } from "../support/until.ts";
import { ClusterClient, message, untilJoined } from "./cluster-client.ts";

/** deploy/compose.yaml as processes: its nginx with the same configuration, its servers with the same environment. */

const DEPLOY = resolve(import.meta.dir, "../../../../deploy");
const SECRET = "the secret of the servers behind nginx in tests";
const KEY = createHmac("sha256", SECRET).update("broadcast-cable").digest("hex");
const NODES = ["hawser-1", "hawser-2"] as const;

interface Node extends HawserProcess {
  readonly name: string;
}

const scratch = createScratch();
const clients: { close(): void }[] = [];
let redis: RedisServer;
let nginx: Nginx;
let nodes: Node[] = [];

const runs = HAS_NGINX && HAS_REDIS;

beforeAll(async () => {
  if (!runs) return;
  redis = await startRedis({ folder: scratch.path });
  const ports = await freePorts(2);
  nodes = await Promise.all(NODES.map((name, index) => start(name, ports[index] ?? 0)));
  const servers = Object.fromEntries(nodes.map(({ name, port }) => [`${name}:8080`, port]));
  nginx = await startNginx(join(DEPLOY, "nginx/hawser.conf"), scratch.path, servers);
}, 60_000);
afterAll(async () => {
  for (const client of clients) client.close();
  await nginx?.stop();
  await Promise.all(nodes.map((node) => node.stop()));
  await redis?.kill();
  scratch.remove();
});

/** What the compose file gives a server, with the addresses and the file that are here. */
async function environmentOf(name: string): Promise<Record<string, string>> {
  const compose = Bun.YAML.parse(await Bun.file(join(DEPLOY, "compose.yaml")).text()) as {
    services: Record<string, { environment: Record<string, string> }>; // its shape, which the test relies on
  };
  const environment = compose.services[name]?.environment ?? {};
  const here: Record<string, string> = {
    ANYCABLE_SECRET_FILE: scratch.write("secret", `${SECRET}\n`),
    ANYCABLE_REDIS_URL: redis.url,
    ANYCABLE_TRUSTED_PROXIES: "127.0.0.1",
  };
  expect(Object.keys(environment)).toEqual(expect.arrayContaining(Object.keys(here)));
  return { ...environment, ...here };
}

/** As the container runs it, with streams that anybody may follow and metrics to look at. */
async function start(name: string, port: number, ...more: string[]): Promise<Node> {
  const flags = ["--host=127.0.0.1", `--port=${port}`, "--public_streams", "--metrics_http=/metrics"];
  const server = spawnHawser([...flags, ...more], await environmentOf(name), port, port);
  await server.waitFor(/Handle health requests at/);
  await server.waitFor(/ connected .*context=pubsub/);
  return { ...server, name };
}

const joinSite = () => joinAt(nginx.port);

async function joinAt(port: number): Promise<ClusterClient> {
  const client = await ClusterClient.join(port, "chat", [], `?jid=${goodToken(SECRET)}`);
  clients.push(client);
  return client;
}

const clientsOf = async ({ port }: Node) => (await scrape(port)).get("anycable_go_clients_num") ?? 0;

/** Over the main port, as the compose file has it. */
const tell = (node: Node | undefined, data: unknown) => publish(node?.port ?? 0, message(data), KEY);

describe.skipIf(!runs)("two servers behind nginx", () => {
  test("take the clients in turn, and all of them hear what comes to either", async () => {
    const all = [await joinSite(), await joinSite(), await joinSite(), await joinSite()];
    for (const node of nodes) expect(await clientsOf(node)).toBe(2);
    await untilJoined(all, nodes[0]?.port ?? 0, "chat", KEY);
    expect((await tell(nodes[0], "by one")).status).toBe(201);
    for (const client of all) expect(await client.untilHeard(1)).toEqual(["by one"]);
    expect((await tell(nodes[1], "by the other")).status).toBe(201);
    for (const client of all) expect(await client.untilHeard(2)).toEqual(["by one", "by the other"]);
    for (const client of all) client.close();
  }, 60_000);

  test("restart one at a time: the other's clients do not notice, and those of the one come back", async () => {
    await until(async () => {
      for (const node of nodes) expect(await clientsOf(node)).toBe(0);
    });
    const pair = [await joinSite(), await joinSite()];
    await untilJoined(pair, nodes[0]?.port ?? 0, "chat", KEY);
    const [first, second] = nodes as [Node, Node];
    second.signal("SIGTERM");
    expect(await second.exited).toBe(0);
    await until(() => expect(pair.filter(({ cable }) => cable.closedWith !== null)).toHaveLength(1));
    const stays = pair.find(({ cable }) => cable.closedWith === null) as ClusterClient; // one of two was closed
    const told = pair.find((client) => client !== stays)?.cable.messages.at(-1) ?? "";
    expect(JSON.parse(told)).toMatchObject({ type: "disconnect", reason: "server_restart", reconnect: true });

    // nginx has nobody else to ask.
    const back = await joinSite();
    expect(await clientsOf(first)).toBe(2);
    await untilJoined([back], first.port, "chat", KEY);
    await tell(first, "meanwhile");
    for (const client of [stays, back]) expect(await client.untilHeard(1)).toEqual(["meanwhile"]);

    nodes = [first, await start(second.name, second.port)];
    const others: ClusterClient[] = [];
    await until(async () => {
      others.push(await joinSite());
      expect(await clientsOf(nodes[1] as Node)).toBeGreaterThan(0);
    });
    await untilJoined(others, second.port, "chat", KEY);
    await tell(nodes[1], "again");
    for (const client of [stays, back]) expect((await client.untilHeard(2)).slice(1)).toEqual(["again"]);
    expect(stays.cable.closedWith).toBeNull();
    for (const client of [stays, back, ...others]) client.close();
  }, 90_000);

  test("send events as they come", async () => {
    const source = new EventClient(
      `http://127.0.0.1:${nginx.port}/events?stream=news&jid=${goodToken(SECRET)}`,
    );
    clients.push({ close: () => source.stop() });
    await source.until(() => source.of("confirm_subscription").length === 1, "confirmation");
    await until(async () => {
      await publish(nodes[0]?.port ?? 0, message("an event", "news"), KEY);
      await source.until(() => source.messages.length > 0, "event", 200);
    });
    expect(source.messages[0]).toBe("an event");
    source.stop();
  }, 60_000);

  // Only Linux has the whole of 127.0.0.0/8 on its loopback.
  test.skipIf(process.platform !== "linux")(
    "know a client by what nginx says of it, not by what it says itself",
    async () => {
      const claims = { "X-Forwarded-For": "203.0.113.9" };
      const request = upgradeRequest("/cable?jid=bad", claims);
      const answer = await exchangeRaw(nginx.port, request, { from: "127.0.0.3", withinMs: 500 });
      expect(answer.toString()).toContain("unauthorized");
      const logged = () => nodes.map((node) => node.output()).join("");
      await until(() => expect(logged()).toMatch(/ remote=127\.0\.0\.3\b/));
      expect(logged()).not.toContain("203.0.113.9");
    },
    60_000,
  );

  test("answer that they are full by themselves, and take the next as soon as one has left", async () => {
    const ports = await freePorts(2);
    const full = await Promise.all(
      NODES.map((name, index) => start(name, ports[index] ?? 0, "--max-conn=1")),
    );
    const folder = dirname(scratch.write("full/empty", ""));
    const servers = Object.fromEntries(full.map(({ name, port }) => [`${name}:8080`, port]));
    const proxy = await startNginx(join(DEPLOY, "nginx/hawser.conf"), folder, servers);
    try {
      const query = `?jid=${goodToken(SECRET)}`;
      const [one] = [await joinAt(proxy.port), await joinAt(proxy.port)];
      const answer = async () => {
        const done = (received: Buffer) => received.includes("\r\n\r\n");
        const bytes = await exchangeRaw(proxy.port, upgradeRequest(`/cable${query}`), { done });
        return bytes.toString().split("\r\n")[0];
      };
      for (let n = 0; n < 5; n++) expect(await answer()).toStartWith("HTTP/1.1 503 ");
      one.close();
      await until(async () => expect(await answer()).toStartWith("HTTP/1.1 101 "));
    } finally {
      await proxy.stop();
      await Promise.all(full.map((node) => node.stop()));
    }
  }, 60_000);

  test("are all that nginx lets anybody at, and no token is in its log", async () => {
    for (const path of ["/", "/_broadcast", "/metrics", "/health", "/ready"]) {
      const method = path === "/_broadcast" ? "POST" : "GET";
      const url = `http://127.0.0.1:${nginx.port}${path}`;
      expect((await fetch(url, { method, headers: { Authorization: `Bearer ${KEY}` } })).status).toBe(404);
    }
    await until(() => expect(nginx.logged()).toContain('"GET /cable" 101'));
    expect(nginx.logged()).not.toMatch(/jid|eyJ/);
  });
});
