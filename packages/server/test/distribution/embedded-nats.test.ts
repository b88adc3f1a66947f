import { describe, expect, test } from "bun:test";
import { publish } from "../support/cable-client.ts";
import { freePorts, type HawserProcess, spawnHawser, startHawser } from "../support/hawser-process.ts";
import { HAS_NATS } from "../support/nats-server.ts";
import { createScratch } from "../support/scratch.ts";
import { useStarted } from "../support/started.ts";
import { until } from "../support/until.ts";
import { ClusterClient, message, untilJoined } from "./cluster-client.ts";

const started = useStarted();

async function start(...flags: string[]): Promise<HawserProcess> {
  return started(await startHawser(["--norpc", "--public", "--embed_nats", "--pubsub=nats", ...flags]));
}

const join = async ({ port }: HawserProcess) => started(await ClusterClient.join(port));

const isTaken = async (port: number): Promise<boolean> => {
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } }).catch(() => null);
  socket?.end();
  return socket !== null;
};

describe.skipIf(!HAS_NATS)("a NATS beside the server", () => {
  test("connects servers as a cluster, and goes when they go", async () => {
    const ports = await freePorts(4);
    const [one, two, clusterOne, clusterTwo] = ports as unknown as [number, number, number, number];
    const common = ["--enats_cluster_name=cables", "--broadcast_adapter=http"];
    const a = await start(
      ...[
        ...common,
        `--enats_addr=nats://127.0.0.1:${one}`,
        `--enats_cluster=nats://127.0.0.1:${clusterOne}`,
      ],
    );
    const b = await start(
      ...[
        ...common,
        `--enats_addr=nats://127.0.0.1:${two}`,
        `--enats_cluster=nats://127.0.0.1:${clusterTwo}`,
      ],
      `--enats_cluster_routes=nats://127.0.0.1:${clusterOne}`,
    );
    for (const server of [a, b]) await server.waitFor(/ (re)?connected .*context=pubsub/);
    const both = [await join(a), await join(b)];
    await untilJoined(both, a.broadcastPort);
    await publish(b.broadcastPort, message("through both"));
    for (const client of both) expect(await client.untilHeard(1)).toEqual(["through both"]);
    a.signal("SIGTERM");
    expect(await a.exited).toBe(0);
    expect(await isTaken(one)).toBe(false);
    b.signal("SIGKILL");
    await until(async () => expect(await isTaken(two)).toBe(false));
  }, 60_000);

  test("passes messages on to another cluster by gateways", async () => {
    const ports = await freePorts(4);
    const [one, two, gatewayOne, gatewayTwo] = ports as unknown as [number, number, number, number];
    const east = await start(
      ...["--broadcast_adapter=http", "--enats_cluster_name=east", `--enats_addr=nats://127.0.0.1:${one}`],
      ...[
        `--enats_gateway=nats://127.0.0.1:${gatewayOne}`,
        `--enats_gateway_advertise=127.0.0.1:${gatewayOne}`,
      ],
    );
    const scratch = createScratch();
    const file = scratch.write(
      "gateways.toml",
      `[embedded_nats]\ngateways = ["north:nats://127.0.0.1:1", "east:nats://127.0.0.1:2,nats://127.0.0.1:${gatewayOne}"]\n`,
    );
    const west = await start(
      ...["--broadcast_adapter=http", "--enats_cluster_name=west", `--enats_addr=nats://127.0.0.1:${two}`],
      ...[`--enats_gateway=nats://127.0.0.1:${gatewayTwo}`, `--config-path=${file}`],
    );
    for (const server of [east, west]) await server.waitFor(/ (re)?connected .*context=pubsub/);
    const both = [await join(east), await join(west)];
    for (const server of [east, west]) await untilJoined(both, server.broadcastPort);
    await publish(east.broadcastPort, message("westward"));
    for (const client of both) expect(await client.untilHeard(1)).toEqual(["westward"]);
    await publish(west.broadcastPort, message("eastward"));
    for (const client of both) expect(await client.untilHeard(2)).toEqual(["westward", "eastward"]);
    scratch.remove();
  }, 60_000);

  test("has what the broker keeps in its folder, for the server's next life too", async () => {
    const [port] = await freePorts(1);
    const scratch = createScratch();
    const flags = ["--broker=nats", `--enats_addr=127.0.0.1:${port}`, `--enats_store_dir=${scratch.path}`];
    const life = async () => {
      const server = await start(...flags);
      await server.waitFor(/ connected .*context=pubsub/);
      return server;
    };
    const first = await life();
    await until(async () => {
      expect((await publish(first.broadcastPort, message("kept"))).status).toBe(201);
    });
    first.signal("SIGTERM");
    expect(await first.exited).toBe(0);
    const second = await life();
    const client = started(await ClusterClient.join(second.port, "chat", ["actioncable-v1-ext-json"]));
    client.cable.send({ command: "history", identifier: client.identifier, history: { since: 1 } });
    expect(await client.untilHeard(1)).toEqual(["kept"]);
    scratch.remove();
  }, 60_000);

  test("is started again when it was killed, and takes its settings", async () => {
    const [port] = await freePorts(1);
    const scratch = createScratch();
    const file = scratch.write("nats.toml", "[embedded_nats]\njetstream = true\n");
    const server = await start(
      ...[`--enats_addr=127.0.0.1:${port}`, "--enats_server_name=here", "--enats_max_payload=2048"],
      ...[`--enats_store_dir=${scratch.path}/js`, "--enats_debug", "--enats_trace", "--log_level=debug"],
      `--config-path=${file}`,
    );
    await server.waitFor(/ connected .*context=pubsub/);
    const client = await join(server);
    await untilJoined([client], server.broadcastPort);
    await server.waitFor(/Name: +here.*context=enats service=nats/);
    await server.waitFor(/Store Directory: .*js/);
    const pid = /Starting embedded NATS server: .*pid=(\d+)/.exec(server.output())?.[1];
    process.kill(Number(pid), "SIGKILL");
    await server.waitFor(/embedded NATS server ended; starting it again/);
    await server.waitFor(/ reconnected .*context=pubsub/);
    await publish(server.broadcastPort, message("again"));
    expect(await client.untilHeard(1)).toEqual(["again"]);
    scratch.remove();
  }, 60_000);
});

test("without the program the start ends with a line that says so", async () => {
  const refused = spawnHawser(["--norpc", "--embed_nats", "--port=0"], {
    PATH: (process.env.PATH ?? "")
      .split(":")
      .filter((folder) => Bun.which("nats-server", { PATH: folder }) === null)
      .join(":"),
  });
  expect(await refused.exited).toBe(1);
  expect(refused.stderr()).toContain(
    "there is no nats-server on PATH; install it, or name a NATS with --nats_servers",
  );
}, 30_000);
