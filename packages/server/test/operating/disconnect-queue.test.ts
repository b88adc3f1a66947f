import { afterEach, describe, expect, test } from "bun:test";
import { type Application, type ApplicationOptions, startApplication } from "../support/application.ts";
import { CableClient } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { linesAbout, parseTextLog } from "../support/log-lines.ts";
import { scrape } from "../support/scrape.ts";
import { goodToken } from "../support/tokens.ts";

let server: HawserProcess | null = null;
let application: Application | null = null;
afterEach(async () => {
  await server?.stop();
  application?.stop();
  server = null;
  application = null;
});

async function start(
  options: ApplicationOptions,
  ...flags: readonly string[]
): Promise<{ hawser: HawserProcess; app: Application }> {
  application = await startApplication(options);
  server = await startHawser([`--rpc_host=127.0.0.1:${application.port}`, "--ping_interval=0", ...flags]);
  return { hawser: server, app: application };
}

async function connected(hawser: HawserProcess, count: number, query = ""): Promise<CableClient[]> {
  const clients = Array.from(
    { length: count },
    () => new CableClient(`ws://127.0.0.1:${hawser.port}/cable${query}`),
  );
  await Promise.all(clients.map((client) => client.message(0)));
  return clients;
}

async function until(done: () => boolean, what: string, withinMs = 5000): Promise<void> {
  const untilMs = Date.now() + withinMs;
  while (!done()) {
    if (Date.now() > untilMs) throw new Error(`no ${what} within ${withinMs} ms`);
    await Bun.sleep(10);
  }
}

describe("the application hears of clients that leave", () => {
  test("with the identifiers, the channels and the state that it gave", async () => {
    const { hawser, app } = await start({
      connect: () => ({
        identifiers: '{"user":"ann"}',
        env: { cstate: { tenant: "7" }, istate: {} },
      }),
      command: ({ identifier }) => ({
        env: { cstate: {}, istate: { room: "1" } },
        transmissions: [JSON.stringify({ type: "confirm_subscription", identifier })],
      }),
    });
    const [client] = await connected(hawser, 1);
    const identifier = '{"channel":"Chat"}';
    client?.send({ command: "subscribe", identifier });
    await client?.message(1);
    client?.close();
    await until(() => app.callsOf("Disconnect").length === 1, "Disconnect");
    const request = app.callsOf("Disconnect")[0]?.request;
    expect(request?.identifiers).toBe('{"user":"ann"}');
    expect(request?.subscriptions).toEqual([identifier]);
    expect(request?.env?.cstate).toEqual({ tenant: "7" });
    expect(request?.env?.istate).toEqual({ [identifier]: '{"room":"1"}' });
    expect(request?.env?.url).toBe(`http://127.0.0.1:${hawser.port}/cable`);
  });

  test("so many a second and no faster, and the gauge shows who waits", async () => {
    const clients = 10;
    const { hawser, app } = await start({}, "--disconnect_rate=10", "--metrics_http=/metrics");
    for (const client of await connected(hawser, clients)) client.terminate();
    await until(() => app.callsOf("Disconnect").length >= 2, "second Disconnect");
    const waiting = (await scrape(hawser.port)).get("anycable_go_disconnect_queue_size");
    expect(waiting).toBeGreaterThan(3);
    expect(waiting).toBeLessThan(clients);
    await until(() => app.callsOf("Disconnect").length === clients, "last Disconnect");
    const times = app.callsOf("Disconnect").map(({ atMs }) => atMs);
    const spreadMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
    expect(spreadMs).toBeGreaterThan(((clients - 1) * 1000) / 10 - 250);
    expect(new Set(app.callsOf("Disconnect").map(({ request }) => request.env?.url)).size).toBe(1);
    expect((await scrape(hawser.port)).get("anycable_go_disconnect_queue_size")).toBe(0);
  }, 15_000);

  test("all of them at shutdown, whatever the rate, before the process ends", async () => {
    const clients = 25;
    const { hawser, app } = await start({}, "--disconnect_rate=1");
    await connected(hawser, clients);
    hawser.signal("SIGTERM");
    expect(await hawser.exited).toBe(0);
    expect(app.callsOf("Disconnect")).toHaveLength(clients);
    const lines = parseTextLog(hawser.output());
    expect(linesAbout(lines, /^invoking remaining disconnects$/)).toHaveLength(1);
    expect(linesAbout(lines, /^disconnected sessions$/)).toHaveLength(1);
  }, 15_000);

  test("also of those who waited in the queue when the signal came", async () => {
    const { hawser, app } = await start({}, "--disconnect_rate=1");
    for (const client of await connected(hawser, 8)) client.terminate();
    await connected(hawser, 2);
    await until(() => app.callsOf("Disconnect").length >= 1, "first Disconnect");
    hawser.signal("SIGTERM");
    expect(await hawser.exited).toBe(0);
    expect(app.callsOf("Disconnect")).toHaveLength(10);
  }, 15_000);

  test("as far as --shutdown_timeout allows, and what was left out is said", async () => {
    const { hawser } = await start(
      { disconnectDelayMs: 60_000 },
      ...["--shutdown_timeout=1", "--rpc_command_timeout=60000"],
    );
    await connected(hawser, 3);
    hawser.signal("SIGTERM");
    const startedMs = performance.now();
    expect(await hawser.exited).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(3000);
    expect(hawser.output()).toMatch(/WRN had no time to finish Disconnect calls/);
  }, 15_000);

  test("a backend that is down costs a warning, not the shutdown", async () => {
    const { hawser, app } = await start({}, "--rpc_command_timeout=400");
    await connected(hawser, 3);
    app.stop();
    hawser.signal("SIGTERM");
    expect(await hawser.exited).toBe(0);
    expect(hawser.output()).toMatch(/WRN controller disconnect failed .*code=backend_unreachable/);
  }, 15_000);
});

describe("--disconnect_mode", () => {
  const SECRET = "s3cret";
  const leave = async (hawser: HawserProcess, query: string) => {
    const [client] = await connected(hawser, 1, query);
    client?.close();
    await client?.closed();
    hawser.signal("SIGTERM");
    expect(await hawser.exited).toBe(0);
  };
  const byToken = () => `?jid=${goodToken(SECRET)}`;

  test("auto leaves out clients whom the application never heard of", async () => {
    const { hawser, app } = await start({}, `--jwt_secret=${SECRET}`);
    await leave(hawser, byToken());
    expect(app.calls).toEqual([]);
  });

  test("always tells of those too", async () => {
    const { hawser, app } = await start({}, `--jwt_secret=${SECRET}`, "--disconnect_mode=always");
    await leave(hawser, byToken());
    expect(app.callsOf("Disconnect")[0]?.request.identifiers).toBe('{"user":"ann"}');
  });

  test("never tells of nobody", async () => {
    const { hawser, app } = await start({}, "--disconnect_mode=never");
    await leave(hawser, "");
    expect(app.callsOf("Connect")).toHaveLength(1);
    expect(app.callsOf("Disconnect")).toEqual([]);
  });
});
