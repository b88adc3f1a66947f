import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { freePort, serveGrpc, serveTcp, WELCOME } from "../../../test/support/grpc-servers.ts";
import {
  CONNECT_REQUEST,
  connectOnce,
  messagesAt,
  told,
  until,
  useGrpcRig,
} from "../../../test/support/rpc-rig.ts";
import type { RemoteBackend } from "../calls/remote-backend.ts";

const rig = useGrpcRig();

const LOST = "connection is lost, trying to reconnect immediately";
const RESTORED = "connection is restored";

/** A service in a process of its own, for killing. */
async function spawnService(port: number) {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../../../test/support/grpc-service.ts"), `${port}`],
    {
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  const output = child.stdout.getReader();
  await output.read();
  return {
    signal: (name: NodeJS.Signals) => child.kill(name),
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Resolves once a call succeeds, tried over and over. */
function untilBack(backend: RemoteBackend): Promise<void> {
  return until(async () => (await connectOnce(backend)).reply !== null);
}

describe("a backend that is down", () => {
  test.each([
    ["when nothing was tried before", false],
    ["when the server has known since its start", true],
  ])(
    "costs the first client two attempts in 300 ms and the next nothing, and is found again: %s",
    async (_when, started) => {
      const port = await freePort();
      const part = rig.backend(port);
      if (started) {
        part.backend.start();
        await Bun.sleep(50);
      }
      const first = await connectOnce(part.backend);
      expect(told(first.fault)).toMatch(
        new RegExp(
          `^backend_unreachable: cannot reach the RPC backend at 127.0.0.1:${port} for Connect after \\d+ ms and 2 attempts: .*ECONNREFUSED.*; check that it runs, and rpc_host$`,
        ),
      );
      expect(part.pauses).toEqual([100, 200]);
      expect(first.elapsedMs).toBeWithin(290, 5000);
      expect(messagesAt("warn", part)).toEqual([LOST]);
      expect(part.log.lines.find((line) => line.message === LOST)?.fields).toMatchObject({
        context: "rpc",
        impl: "grpc",
        address: `127.0.0.1:${port}`,
        error: expect.stringContaining("ECONNREFUSED"),
      });
      expect(part.meter.totals).toEqual({
        calls: 1,
        retries: 2,
        errors: 1,
        timeouts: 0,
        canceled: 0,
        pending: 0,
      });

      const second = await connectOnce(part.backend);
      expect(told(second.fault)).toContain("ECONNREFUSED");
      expect(part.pauses).toEqual([100, 200]);
      expect(part.backend.hasAnswered()).toBe(false);

      rig.started(await serveGrpc(() => WELCOME, { address: `127.0.0.1:${port}` }));
      await untilBack(part.backend);
      expect(messagesAt("warn", part)).toEqual([LOST]);
      expect(part.log.lines.at(-1)).toMatchObject({
        level: "info",
        message: RESTORED,
        fields: { impl: "grpc" },
      });
      expect(part.backend.hasAnswered()).toBe(true);
    },
  );

  test("killed with calls under way, it fails them; restarted on its port, it is found again", async () => {
    const port = await freePort();
    const service = await spawnService(port);
    const part = rig.backend(port);
    expect((await connectOnce(part.backend)).reply?.status).toBe("success");
    expect(part.backend.activeConnections()).toBe(1);

    const slow = { ...CONNECT_REQUEST, sid: "slow" };
    const calls = [1, 2, 3].map(() => connectOnce(part.backend, slow));
    await Bun.sleep(50);
    await service.stop();
    for (const { fault, elapsedMs } of await Promise.all(calls)) {
      // A process that is being killed may still take the connection and then drop it, or be seen to reset the old one.
      expect(told(fault)).toMatch(
        /^backend_unreachable: .* for Connect after \d+ ms( and \d attempts)?: .*(ECONNREFUSED|ECONNRESET|the peer closed the connection)/,
      );
      expect(elapsedMs).toBeLessThan(5000);
    }
    expect(messagesAt("warn", part)).toEqual([LOST]);
    expect(part.backend.activeConnections()).toBe(0);

    const again = await spawnService(port);
    rig.started({ stop: () => void again.stop() });
    await untilBack(part.backend);
    expect(messagesAt("info", part)).toEqual([RESTORED]);
    expect(part.backend.activeConnections()).toBe(1);
  });
});

describe("several hosts", () => {
  test("calls go to each in turn; one that dies costs no call, and gets its share when it is back", async () => {
    const first = await serveGrpc(() => WELCOME);
    const second = rig.started(await serveGrpc(() => WELCOME));
    const part = rig.backend(`grpc-list://127.0.0.1:${first.port},127.0.0.1:${second.port}`);
    await until(async () => {
      await connectOnce(part.backend);
      return part.backend.activeConnections() === 2;
    });
    const before = [first.calls.length, second.calls.length];
    for (let n = 0; n < 10; n += 1) await connectOnce(part.backend);
    expect([first.calls.length - before[0]!, second.calls.length - before[1]!]).toEqual([5, 5]);

    first.stop();
    for (let n = 0; n < 10; n += 1) expect((await connectOnce(part.backend)).fault).toBeNull();
    expect(part.backend.activeConnections()).toBe(1);

    const again = rig.started(await serveGrpc(() => WELCOME, { address: `127.0.0.1:${first.port}` }));
    await until(async () => {
      expect((await connectOnce(part.backend)).fault).toBeNull();
      return again.calls.length > 0;
    });
    expect(part.meter.totals.errors).toBe(0);
    expect(messagesAt("warn", part)).toEqual([]);
  });

  test("the failure names the host when all are down", async () => {
    const ports = [await freePort(), await freePort()];
    const part = rig.backend(`ipv4:127.0.0.1:${ports[0]},127.0.0.1:${ports[1]}`);
    expect(told((await connectOnce(part.backend)).fault)).toMatch(
      new RegExp(
        `^backend_unreachable: cannot reach the RPC backend at 127.0.0.1:(${ports[0]}|${ports[1]}) .*ECONNREFUSED`,
      ),
    );
  });
});

test("a server that retires its connections, as Ruby's does every five minutes, loses no call", async () => {
  const service = rig.started(
    await serveGrpc(() => WELCOME, {
      server: { "grpc.max_connection_age_ms": 150, "grpc.max_connection_age_grace_ms": 300 },
    }),
  );
  const part = rig.backend(service.port);
  const eightConnectionsMs = performance.now() + 1200;
  let calls = 0;
  while (performance.now() < eightConnectionsMs || calls < 200) {
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => connectOnce(part.backend)));
    for (const { fault } of outcomes) expect(told(fault)).toBe("not a CableError: null");
    calls += outcomes.length;
  }
  expect(messagesAt("warn", part)).toEqual([]);
});

test("a peer that takes connections and says nothing costs a call its deadline, and says that there was no connection", async () => {
  const mute = rig.started(await serveTcp(() => {}));
  const part = rig.backend(mute.port, { commandTimeoutMs: 150 });
  expect(told((await connectOnce(part.backend)).fault)).toMatch(
    /^backend_deadline: .* did not answer Connect in time after \d+ ms: no connection was established; /,
  );
});
