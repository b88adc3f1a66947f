import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { CallScope } from "@hawser/core/rpc/backend";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { freePort, serveTcp } from "../../../test/support/grpc-servers.ts";
import {
  COMMAND_REQUEST,
  CONNECT_REQUEST,
  connectOnce,
  messagesAt,
  told,
  until,
} from "../../../test/support/rpc-rig.ts";
import { useSides } from "../../../test/support/rpc-sides.ts";

/** What networks and applications do to a call, over gRPC and over HTTP alike. */

describe.each(useSides().map((side) => [side.name, side] as const))(
  "over %s",
  (_name, { rig, serve, process: file }) => {
    /** A service in a process of its own, for killing. */
    async function spawnService(port: number) {
      const path = join(import.meta.dir, "../../../test/support", file);
      const child = Bun.spawn([process.execPath, path, `${port}`], { stdout: "pipe", stderr: "inherit" });
      await child.stdout.getReader().read();
      return {
        signal: (signal: NodeJS.Signals) => child.kill(signal),
        async stop() {
          child.kill("SIGKILL");
          await child.exited;
        },
      };
    }

    describe("an application that is slow", () => {
      test("costs a call its deadline, once, and is told that the call is given up", async () => {
        const service = rig.started(await serve(() => "never"));
        const part = rig.backend(service.port, { commandTimeoutMs: 200 });
        const { fault, elapsedMs } = await connectOnce(part.backend);
        expect(told(fault)).toMatch(
          new RegExp(
            `^backend_deadline: the RPC backend at 127.0.0.1:${service.port} did not answer Connect in time after \\d+ ms: no reply; see why it is slow, or raise rpc_command_timeout$`,
          ),
        );
        expect(elapsedMs).toBeWithin(195, 5000);
        expect(part.meter.totals).toMatchObject({ calls: 1, timeouts: 1, errors: 1, retries: 0 });
        await until(() => service.calls[0]?.cancelled === true);
        expect(service.calls.length).toBe(1);
      });

      test("has the shorter time of a single attempt when one is set", async () => {
        const service = rig.started(await serve(() => "never"));
        const part = rig.backend(service.port, { commandTimeoutMs: 20_000, requestTimeoutMs: 100 });
        const { fault, elapsedMs } = await connectOnce(part.backend);
        expect(told(fault)).toStartWith("backend_deadline: ");
        expect(elapsedMs).toBeWithin(95, 5000);
        expect(part.meter.totals).toMatchObject({ timeouts: 1, retries: 0 });
      });

      test("without any limit may take its time", async () => {
        const service = rig.started(await serve(() => Bun.sleep(150).then(() => "welcome")));
        const part = rig.backend(service.port, { commandTimeoutMs: 0 });
        expect((await connectOnce(part.backend)).reply?.status).toBe("success");
      });

      test("because nobody there takes what is sent costs a call its deadline", async () => {
        const mute = rig.started(await serveTcp(() => {}));
        const part = rig.backend(mute.port, { commandTimeoutMs: 150 });
        expect(told((await connectOnce(part.backend)).fault)).toMatch(
          /^backend_deadline: .* did not answer Connect in time after \d+ ms: /,
        );
      });
    });

    describe("an application that says no", () => {
      test("in its reply is no failed call: ERROR is its word", async () => {
        const service = rig.started(await serve(() => "error"));
        const part = rig.backend(service.port);
        expect((await connectOnce(part.backend)).reply).toMatchObject({
          status: "error",
          errorMessage: "no such user",
        });
        expect(part.meter.totals.errors).toBe(0);
        await part.backend.disconnect(
          { ...CONNECT_REQUEST, identifiers: "", subscriptions: [] },
          new CallScope(),
        );
        expect(part.meter.totals.errors).toBe(1);
      });

      test("at length is quoted in part, and never with a token in it", async () => {
        const token = `eyJhbGciOiJIUzI1NiJ9.${"eyJleHQiOiJjYW5hcnkifQ"}.c2lnbmF0dXJlLWNhbmFyeQ`;
        const service = rig.started(await serve(() => ({ no: `cannot read ${token}, ${"x".repeat(5000)}` })));
        const part = rig.backend(service.port);
        const { fault } = await connectOnce(part.backend);
        const text = told(fault) + part.log.text();
        expect(text).toContain("cannot read [redacted]");
        expect(text).not.toContain("canary");
        expect(text).not.toContain("eyJleHQ");
        expect(told(fault).length).toBeLessThan(400);
      });
    });

    describe("an answer over the limit", () => {
      test("names the option, and is not asked for again", async () => {
        const service = rig.started(await serve(() => ({ identifiers: "x".repeat(3000) })));
        const small = rig.backend(service.port, { maxRecvBytes: 2000 });
        expect(told((await connectOnce(small.backend)).fault)).toMatch(
          /^backend_protocol: the reply of the RPC backend at 127.0.0.1:\d+ to Connect is too large: .*2000.*; raise rpc_max_call_recv_size$/,
        );
        expect(service.calls.length).toBe(1);
        expect(small.meter.totals).toMatchObject({ retries: 0, errors: 1 });
        const large = rig.backend(service.port, { maxRecvBytes: 4000 });
        expect((await connectOnce(large.backend)).reply?.identifiers.length).toBe(3000);
      });

      test("has more than 4 MiB unless that is set", async () => {
        const service = rig.started(
          await serve((_call, number) => ({ identifiers: "x".repeat(number === 0 ? 4_000_000 : 4_200_000) })),
        );
        const part = rig.backend(service.port);
        expect((await connectOnce(part.backend)).reply?.identifiers.length).toBe(4_000_000);
        expect(told((await connectOnce(part.backend)).fault)).toContain("4194304");
      });
    });

    test("a request over the limit for sending is not sent", async () => {
      const service = rig.started(await serve(() => "welcome"));
      const part = rig.backend(service.port, { maxSendBytes: 50 });
      expect(told((await connectOnce(part.backend)).fault)).toMatch(
        /^backend_failed: the Connect request of \d+ bytes is over rpc_max_call_send_size \(50\); /,
      );
      expect(service.calls.length).toBe(0);
    });

    describe("slots", () => {
      test("a thousand calls at once all succeed, and never more than the concurrency reach the application", async () => {
        const service = rig.started(await serve(() => Bun.sleep(1).then(() => "welcome")));
        const part = rig.backend(service.port, { concurrency: 28, commandTimeoutMs: 30_000 });
        const outcomes = await Promise.all(Array.from({ length: 1000 }, () => connectOnce(part.backend)));
        expect(outcomes.filter((outcome) => outcome.reply?.status === "success").length).toBe(1000);
        expect(service.peak).toBeLessThanOrEqual(28);
        expect(service.peak).toBeGreaterThan(20);
        expect(part.meter.totals).toEqual({ ...NOTHING, calls: 1000 });
      });

      test("a call that finds none in its time is told so, and is not begun at the last moment", async () => {
        const service = rig.started(await serve((_call, number) => (number === 0 ? "never" : "welcome")));
        const clock = new ManualClock();
        const part = rig.backend(service.port, { concurrency: 1, commandTimeoutMs: 200, clock });
        const first = connectOnce(part.backend);
        const second = connectOnce(part.backend);
        await until(() => service.calls.length === 1);
        clock.advance(1);
        const third = connectOnce(part.backend);
        expect(part.meter.totals.pending).toBe(2);
        clock.advance(199);
        expect(told((await first).fault)).toStartWith("backend_deadline: ");
        expect(told((await second).fault)).toBe(
          "backend_overloaded: no call slot became free for Connect in 200 ms (calls waiting: 1); the RPC backend is slow, or rpc_concurrency is low",
        );
        expect((await third).reply?.status).toBe("success");
        expect(service.calls.length).toBe(2);
        expect(part.meter.totals).toMatchObject({ calls: 2, errors: 2, timeouts: 1, pending: 0 });
        expect(clock.pendingTimers).toBe(0);
      });

      test("a call whose time is up while it waits leaves the queue", async () => {
        const service = rig.started(await serve(() => "never"));
        const clock = new ManualClock();
        const part = rig.backend(service.port, { concurrency: 1, commandTimeoutMs: 200, clock });
        void connectOnce(part.backend);
        const waiting = [1, 2, 3].map(() => connectOnce(part.backend));
        clock.advance(200);
        for (const { fault } of await Promise.all(waiting))
          expect(told(fault)).toStartWith("backend_overloaded: ");
        expect(part.meter.totals).toMatchObject({ calls: 1, errors: 4, pending: 0 });
      });

      test("a concurrency that is not positive is the default, with a warning", async () => {
        const service = rig.started(await serve(() => Bun.sleep(30).then(() => "welcome")));
        const part = rig.backend(service.port, { concurrency: 0 });
        expect(messagesAt("warn", part)).toEqual([
          "RPC concurrency must be positive, reverted to the default value",
        ]);
        await Promise.all(Array.from({ length: 40 }, () => connectOnce(part.backend)));
        expect(service.peak).toBe(28);
      });

      test("thousands that wait for an application that is down fail one after the other without filling the stack", async () => {
        const part = rig.backend(await freePort(), { concurrency: 2, commandTimeoutMs: 5000 });
        const calls = Array.from({ length: 5000 }, () => connectOnce(part.backend));
        for (const { fault } of await Promise.all(calls))
          expect(told(fault)).toMatch(/^backend_(unreachable|overloaded): /);
        expect(part.meter.totals).toMatchObject({ errors: 5000, pending: 0 });
      });
    });

    describe("a session that ends", () => {
      test("before its call has a slot: nothing is sent", async () => {
        const service = rig.started(await serve(() => Bun.sleep(80).then(() => "welcome")));
        const part = rig.backend(service.port, { concurrency: 1 });
        const first = connectOnce(part.backend);
        const scope = new CallScope();
        const waiting = Promise.resolve(part.backend.connect(CONNECT_REQUEST, scope));
        scope.cancel();
        expect(await waiting.catch(told)).toBe("canceled: gave up Connect: its session has ended");
        const ended = new CallScope();
        ended.cancel();
        expect(await Promise.resolve(part.backend.command(COMMAND_REQUEST, ended)).catch(told)).toStartWith(
          "canceled: ",
        );
        await first;
        expect(service.calls.length).toBe(1);
        expect(part.meter.totals).toEqual({ ...NOTHING, calls: 1, canceled: 2 });
      });

      test("while its call is under way: the application is told, and the slot is free", async () => {
        const service = rig.started(await serve(() => "never"));
        const part = rig.backend(service.port, { concurrency: 1, commandTimeoutMs: 20_000 });
        for (const session of [0, 1]) {
          const scope = new CallScope();
          const call = Promise.resolve(part.backend.command(COMMAND_REQUEST, scope));
          await until(() => service.calls.length === session + 1);
          scope.cancel();
          expect(await call.catch(told)).toBe("canceled: gave up Command: its session has ended");
          await until(() => service.calls[session]?.cancelled === true);
        }
        expect(part.meter.totals).toMatchObject({ calls: 2, canceled: 0, errors: 2 });
      });

      test("after its call is answered changes nothing", async () => {
        const service = rig.started(await serve(() => "welcome"));
        const part = rig.backend(service.port);
        const scope = new CallScope();
        await part.backend.connect(CONNECT_REQUEST, scope);
        expect(scope.onCancel).toBeNull();
        scope.cancel();
        expect(part.meter.totals).toMatchObject({ canceled: 0, errors: 0 });
      });
    });

    describe("the end", () => {
      test("waits for the calls under way", async () => {
        const service = rig.started(await serve(() => Bun.sleep(80).then(() => "welcome")));
        const part = rig.backend(service.port);
        const call = connectOnce(part.backend);
        await until(() => service.calls.length === 1);
        await part.backend.close(10_000);
        expect((await call).reply?.status).toBe("success");
        expect(messagesAt("info", part)).toEqual([
          "waiting for active RPC calls to finish",
          "all active RPC calls finished",
        ]);
        expect(part.log.lines[0]?.fields).toMatchObject({ num: 1 });
      });

      test("gives up calls that take longer, and a closed backend takes none", async () => {
        const service = rig.started(await serve(() => "never"));
        const part = rig.backend(service.port);
        const call = connectOnce(part.backend);
        await until(() => service.calls.length === 1);
        await part.backend.close(50);
        expect(told((await call).fault)).toBe(
          "backend_unreachable: gave up Connect: the server is shutting down",
        );
        expect(told((await connectOnce(part.backend)).fault)).toMatch(
          /^backend_unreachable: cannot reach the RPC backend at 127.0.0.1:\d+ for Connect .*the (channel|client) is closed/,
        );
        await until(() => service.calls[0]?.cancelled === true);
      });
    });

    describe("an application that is lost", () => {
      test("killed with calls under way fails them; restarted on its port, it is found again", async () => {
        const port = await freePort();
        const service = await spawnService(port);
        const part = rig.backend(port, { commandTimeoutMs: 1000 });
        expect((await connectOnce(part.backend)).reply?.status).toBe("success");
        const slow = { ...CONNECT_REQUEST, sid: "slow" };
        const calls = [1, 2, 3].map(() => connectOnce(part.backend, slow));
        await Bun.sleep(50);
        await service.stop();
        for (const { fault, elapsedMs } of await Promise.all(calls)) {
          // A process that is being killed may still take the connection and then drop it, or be seen to reset the old one.
          expect(told(fault)).toMatch(
            /^backend_unreachable: .* for Connect after \d+ ms( and \d attempts)?: .*(ECONNREFUSED|ECONNRESET|the peer closed the connection)/,
          );
          expect(elapsedMs).toBeLessThan(6000);
        }
        const again = await spawnService(port);
        rig.started({ stop: () => void again.stop() });
        await until(async () => (await connectOnce(part.backend)).reply !== null);
      });

      test("a call that loses its connection is tried again on the next one", async () => {
        const first = await serve((_call, number) => (number === 0 ? "welcome" : "never"));
        const part = rig.backend(first.port);
        await connectOnce(part.backend);
        const call = connectOnce(part.backend);
        await until(() => first.calls.length === 2);
        first.stop();
        rig.started(await serve(() => "welcome", first.port));
        expect((await call).reply?.identifiers).toBe('{"id":1}');
        expect(part.meter.totals.retries).toBeGreaterThan(0);
      });

      test("frozen, it costs each call its deadline; awake again, it answers", async () => {
        const port = await freePort();
        const service = await spawnService(port);
        rig.started({ stop: () => void service.stop() });
        const part = rig.backend(port, { commandTimeoutMs: 200 });
        await until(async () => (await connectOnce(part.backend)).reply !== null);
        service.signal("SIGSTOP");
        const { fault, elapsedMs } = await connectOnce(part.backend);
        expect(told(fault)).toMatch(
          new RegExp(
            `^backend_deadline: the RPC backend at 127.0.0.1:${port} did not answer Connect in time after \\d+ ms: no reply; `,
          ),
        );
        expect(elapsedMs).toBeWithin(195, 5000);
        service.signal("SIGCONT");
        await until(async () => (await connectOnce(part.backend)).reply !== null);
        expect(messagesAt("warn", part)).toEqual([]);
      });
    });
  },
);

const NOTHING = { calls: 0, retries: 0, errors: 0, timeouts: 0, canceled: 0, pending: 0 };
