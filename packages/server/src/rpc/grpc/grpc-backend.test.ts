import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { CallScope, type CommandRequest, type DisconnectRequest } from "@hawser/core/rpc/backend";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import {
  CommandMessage,
  CommandResponse,
  ConnectionRequest,
  DisconnectRequest as DisconnectMessage,
  DisconnectResponse,
  Status,
} from "@hawser/proto/gen/rpc";
import { freePort, serveGrpc, serveHttp2, WELCOME } from "../../../test/support/grpc-servers.ts";
import {
  CONNECT_REQUEST,
  connectOnce,
  messagesAt,
  told,
  until,
  useGrpcRig,
} from "../../../test/support/rpc-rig.ts";

const rig = useGrpcRig();

const COMMAND: CommandRequest = {
  ...CONNECT_REQUEST,
  command: "message",
  identifier: '{"channel":"Chat"}',
  connectionIdentifiers: '{"id":1}',
  data: '{"action":"say"}',
};

const DONE = DisconnectResponse.encode({ status: Status.SUCCESS, errorMsg: "" }).finish();

describe("what the application is told, and says", () => {
  test("Connect: the env as it is, the session in the metadata", async () => {
    const service = rig.started(await serveGrpc(() => WELCOME));
    const { backend } = rig.backend(service.port);
    const { reply } = await connectOnce(backend, {
      ...CONNECT_REQUEST,
      env: { ...CONNECT_REQUEST.env, cstate: { k: "v" } },
    });
    expect(reply).toEqual({
      status: "success",
      identifiers: '{"id":1}',
      transmissions: ['{"type":"welcome"}'],
      errorMessage: "",
      cstate: { a: "1" },
    });
    const [call] = service.calls;
    expect(call?.method).toBe("Connect");
    expect(ConnectionRequest.decode(call!.bytes)).toEqual({
      env: {
        url: "http://localhost/cable",
        headers: { cookie: "a=b", REMOTE_ADDR: "127.0.0.1" },
        cstate: { k: "v" },
        istate: {},
      },
    });
    expect(call?.metadata.getMap()).toMatchObject({ sid: "sid-1", protov: "v1" });
    expect(call?.metadata.get("user-agent")).toEqual(["hawser"]);
    expect(call?.metadata.get("x-jwt-identity")).toEqual([]);
  });

  test("Command: every field both ways", async () => {
    const answer = {
      status: Status.FAILURE,
      disconnect: true,
      stopStreams: true,
      streams: ["a", "b"],
      transmissions: ["x"],
      errorMsg: "e",
      env: { cstate: { c: "" }, istate: { i: "1" } },
      stoppedStreams: ["s"],
      presence: { type: "join", id: "7", info: '{"name":"Ann"}', ttl: 5 },
    };
    const service = rig.started(await serveGrpc(() => CommandResponse.encode(answer).finish()));
    const { backend, meter } = rig.backend(service.port);
    const reply = await backend.command(
      { ...COMMAND, env: { ...COMMAND.env, istate: { room: "1" } } },
      new CallScope(),
    );
    expect(reply).toEqual({
      status: "failure",
      disconnect: true,
      stopStreams: true,
      streams: ["a", "b"],
      stoppedStreams: ["s"],
      transmissions: ["x"],
      errorMessage: "e",
      cstate: { c: "" },
      istate: { i: "1" },
      presence: { type: "join", id: "7", info: '{"name":"Ann"}' },
    });
    expect(CommandMessage.decode(service.calls[0]!.bytes)).toMatchObject({
      command: "message",
      identifier: '{"channel":"Chat"}',
      connectionIdentifiers: '{"id":1}',
      data: '{"action":"say"}',
      env: { istate: { room: "1" } },
    });
    expect(meter.totals).toMatchObject({ calls: 1, errors: 0 });
  });

  test("Disconnect: the channels and their states", async () => {
    const service = rig.started(await serveGrpc(() => DONE));
    const { backend, meter } = rig.backend(service.port);
    const istate = { '{"channel":"Chat"}': '{"room":"1"}' };
    const request: DisconnectRequest = {
      ...CONNECT_REQUEST,
      env: { ...CONNECT_REQUEST.env, istate },
      identifiers: '{"id":1}',
      subscriptions: ['{"channel":"Chat"}'],
    };
    expect(await backend.disconnect(request, new CallScope())).toEqual({
      status: "success",
      errorMessage: "",
    });
    expect(DisconnectMessage.decode(service.calls[0]!.bytes)).toMatchObject({
      identifiers: '{"id":1}',
      subscriptions: ['{"channel":"Chat"}'],
      env: { istate },
    });
    expect(meter.totals.calls).toBe(1);
  });

  test("verified claims travel in the env's headers and in the metadata of every method", async () => {
    const jwtIdentity = Buffer.from('{"ext":"{\\"id\\":1}","exp":1}').toString("base64url");
    const service = rig.started(await serveGrpc((call) => (call.method === "Connect" ? WELCOME : DONE)));
    const { backend } = rig.backend(service.port);
    const scope = new CallScope();
    await backend.connect({ ...CONNECT_REQUEST, jwtIdentity }, scope);
    await backend.command({ ...COMMAND, jwtIdentity }, scope);
    await backend.disconnect({ ...CONNECT_REQUEST, jwtIdentity, identifiers: "", subscriptions: [] }, scope);
    const envs = [
      ConnectionRequest.decode(service.calls[0]!.bytes).env,
      CommandMessage.decode(service.calls[1]!.bytes).env,
      DisconnectMessage.decode(service.calls[2]!.bytes).env,
    ];
    expect(envs.map((env) => env?.headers["x-jwt-identity"])).toEqual([
      jwtIdentity,
      jwtIdentity,
      jwtIdentity,
    ]);
    for (const call of service.calls) expect(call.metadata.get("x-jwt-identity")).toEqual([jwtIdentity]);
    expect(CONNECT_REQUEST.env.headers).not.toHaveProperty("x-jwt-identity");
  });

  test("a header like that from anywhere else is dropped", async () => {
    const service = rig.started(await serveGrpc(() => WELCOME));
    const { backend } = rig.backend(service.port);
    const headers = { cookie: "a=b", "x-jwt-identity": "forged" };
    await connectOnce(backend, { ...CONNECT_REQUEST, env: { ...CONNECT_REQUEST.env, headers } });
    await connectOnce(backend, {
      ...CONNECT_REQUEST,
      env: { ...CONNECT_REQUEST.env, headers },
      jwtIdentity: "verified",
    });
    const seen = service.calls.map((call) => ConnectionRequest.decode(call.bytes).env?.headers);
    expect(seen).toEqual([{ cookie: "a=b" }, { cookie: "a=b", "x-jwt-identity": "verified" }]);
  });

  test.each([
    ["é ü\n", "%C3%A9 %C3%BC%0A"],
    [" spaced ", "%20spaced%20"],
    ["\ud800 lone", "%EF%BF%BD lone"],
    ["a\r\nx-admin: 1", "a%0D%0Ax-admin: 1"],
    ["日本", "%E6%97%A5%E6%9C%AC"],
  ])(
    "a session id that no header can carry is escaped, with a connection or without: %j",
    async (sid, sent) => {
      const service = rig.started(await serveGrpc(() => WELCOME));
      const { backend } = rig.backend(service.port);
      for (let n = 0; n < 2; n += 1) {
        expect((await connectOnce(backend, { ...CONNECT_REQUEST, sid })).fault).toBeNull();
      }
      expect(service.calls.map((call) => call.metadata.get("sid"))).toEqual([[sent], [sent]]);
      expect(service.calls[1]?.metadata.get("x-admin")).toEqual([]);
    },
  );

  test("a request over the limit for sending is not sent", async () => {
    const service = rig.started(await serveGrpc(() => WELCOME));
    const part = rig.backend(service.port, { maxSendBytes: 50 });
    expect(told((await connectOnce(part.backend)).fault)).toMatch(
      /^backend_failed: the Connect request of \d+ bytes is over rpc_max_call_send_size \(50\); /,
    );
    expect(service.calls.length).toBe(0);
  });
});

describe("slots", () => {
  test("a thousand calls at once all succeed, and never more than the concurrency reach the backend", async () => {
    const service = rig.started(await serveGrpc(() => Bun.sleep(1).then(() => WELCOME)));
    const part = rig.backend(service.port, { concurrency: 28, commandTimeoutMs: 10_000 });
    const outcomes = await Promise.all(Array.from({ length: 1000 }, () => connectOnce(part.backend)));
    expect(outcomes.filter((outcome) => outcome.reply?.status === "success").length).toBe(1000);
    expect(service.peak).toBeLessThanOrEqual(28);
    expect(service.peak).toBeGreaterThan(20);
    expect(part.meter.totals).toEqual({
      calls: 1000,
      retries: 0,
      errors: 0,
      timeouts: 0,
      canceled: 0,
      pending: 0,
    });
  });

  test("a call that finds none in its time is told so, and is not begun at the last moment", async () => {
    const service = rig.started(await serveGrpc((_call, number) => (number === 0 ? null : WELCOME)));
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
    const service = rig.started(await serveGrpc(() => null));
    const clock = new ManualClock();
    const part = rig.backend(service.port, {
      concurrency: 1,
      commandTimeoutMs: 200,
      requestTimeoutMs: 0,
      clock,
    });
    void connectOnce(part.backend);
    const waiting = [1, 2, 3].map(() => connectOnce(part.backend));
    clock.advance(200);
    for (const { fault } of await Promise.all(waiting))
      expect(told(fault)).toStartWith("backend_overloaded: ");
    expect(part.meter.totals).toMatchObject({ calls: 1, errors: 4, pending: 0 });
  });

  test("a concurrency that is not positive is the default, with a warning", async () => {
    const service = rig.started(await serveGrpc(() => Bun.sleep(30).then(() => WELCOME)));
    const part = rig.backend(service.port, { concurrency: 0 });
    expect(messagesAt("warn", part)).toEqual([
      "RPC concurrency must be positive, reverted to the default value",
    ]);
    await Promise.all(Array.from({ length: 40 }, () => connectOnce(part.backend)));
    expect(service.peak).toBe(28);
  });

  test("thousands that wait for a backend that is down fail one after the other without filling the stack", async () => {
    const part = rig.backend(await freePort(), { concurrency: 2, commandTimeoutMs: 5000 });
    const calls = Array.from({ length: 5000 }, () => connectOnce(part.backend));
    for (const { fault } of await Promise.all(calls))
      expect(told(fault)).toStartWith("backend_unreachable: ");
    expect(part.meter.totals).toMatchObject({ calls: 5000, errors: 5000, pending: 0 });
  });
});

describe("a session that ends", () => {
  test("before its call has a slot: nothing is sent", async () => {
    const service = rig.started(await serveGrpc(() => Bun.sleep(80).then(() => WELCOME)));
    const part = rig.backend(service.port, { concurrency: 1 });
    const first = connectOnce(part.backend);
    const scope = new CallScope();
    const waiting = Promise.resolve(part.backend.connect(CONNECT_REQUEST, scope));
    scope.cancel();
    expect(await waiting.catch(told)).toBe("canceled: gave up Connect: its session has ended");
    const ended = new CallScope();
    ended.cancel();
    expect(await Promise.resolve(part.backend.command(COMMAND, ended)).catch(told)).toStartWith("canceled: ");
    await first;
    expect(service.calls.length).toBe(1);
    expect(part.meter.totals).toEqual({
      calls: 1,
      retries: 0,
      errors: 0,
      timeouts: 0,
      canceled: 2,
      pending: 0,
    });
  });

  test("while its call is under way: the backend is told, and the slot is free", async () => {
    let closed = 0;
    const server = rig.started(await serveHttp2((stream) => stream.on("close", () => (closed += 1))));
    const part = rig.backend(server.port, { concurrency: 1, commandTimeoutMs: 20_000 });
    for (const sessions of [1, 2]) {
      const scope = new CallScope();
      const call = Promise.resolve(part.backend.command(COMMAND, scope));
      await until(() => part.backend.activeConnections() === 1);
      await Bun.sleep(30);
      scope.cancel();
      expect(await call.catch(told)).toBe("canceled: gave up Command: its session has ended");
      await until(() => closed === sessions);
    }
    expect(part.meter.totals).toMatchObject({ calls: 2, canceled: 0, errors: 2 });
  });

  test("between two attempts: there is no further one", async () => {
    const full = { code: status.UNAVAILABLE, details: "warming up" };
    const service = rig.started(await serveGrpc(() => full));
    const part = rig.backend(service.port);
    const scope = new CallScope();
    const call = Promise.resolve(part.backend.connect(CONNECT_REQUEST, scope));
    await until(() => part.pauses.length === 1);
    scope.cancel();
    expect(await call.catch(told)).toStartWith("canceled: ");
    await Bun.sleep(130);
    expect(service.calls.length).toBe(1);
  });

  test("after its call is answered changes nothing", async () => {
    const service = rig.started(await serveGrpc(() => WELCOME));
    const part = rig.backend(service.port);
    const scope = new CallScope();
    await part.backend.connect(CONNECT_REQUEST, scope);
    expect(scope.onCancel).toBeNull();
    scope.cancel();
    expect(part.meter.totals).toMatchObject({ canceled: 0, errors: 0 });
  });
});

describe("start and stop", () => {
  test("the line at start", () => {
    const part = rig.backend("grpc.test:50051", {
      enableTls: true,
      concurrency: 5,
      proxyHeaders: ["cookie", "origin"],
    });
    part.backend.start();
    expect(part.log.lines[0]).toEqual({
      level: "info",
      message:
        "RPC controller initialized: grpc.test:50051 (concurrency: 5, impl: grpc, enable_tls: true, proto_versions: v1, proxy_headers: cookie,origin, proxy_cookies: <all>)",
      fields: { context: "rpc" },
    });
    const bare = rig.backend("127.0.0.1:1", { proxyHeaders: [], proxyCookies: ["a", "b"] });
    bare.backend.start();
    expect(bare.log.lines[0]?.message).toEndWith(
      "enable_tls: false, proto_versions: v1, proxy_headers: <none>, proxy_cookies: a,b)",
    );
  });

  test("it connects by itself, also to a service that comes up later, and is then known to have answered", async () => {
    const port = await freePort();
    const part = rig.backend(port);
    part.backend.start();
    await Bun.sleep(30);
    expect(part.backend.hasAnswered()).toBe(false);
    expect(part.backend.activeConnections()).toBe(0);
    rig.started(await serveGrpc(() => WELCOME, { address: `127.0.0.1:${port}` }));
    await until(() => part.backend.hasAnswered());
    expect(part.backend.activeConnections()).toBe(1);
    expect(messagesAt("warn", part)).toEqual([]);
  });

  test("closing waits for the calls under way", async () => {
    const service = rig.started(await serveGrpc(() => Bun.sleep(80).then(() => WELCOME)));
    const part = rig.backend(service.port);
    const call = connectOnce(part.backend);
    await until(() => service.calls.length === 1);
    await part.backend.close(1000);
    expect((await call).reply?.status).toBe("success");
    expect(messagesAt("info", part)).toEqual([
      "waiting for active RPC calls to finish",
      "all active RPC calls finished",
    ]);
    expect(part.log.lines[0]?.fields).toMatchObject({ num: 1 });
  });

  test("closing gives up calls that take longer, and a closed backend takes none", async () => {
    const service = rig.started(await serveGrpc(() => null));
    const part = rig.backend(service.port);
    const call = connectOnce(part.backend);
    await until(() => service.calls.length === 1);
    await part.backend.close(50);
    expect(told((await call).fault)).toBe(
      "backend_unreachable: gave up Connect: the server is shutting down",
    );
    expect(told((await connectOnce(part.backend)).fault)).toMatch(
      /^backend_unreachable: cannot reach the RPC backend at 127.0.0.1:\d+ for Connect .*the channel is closed/,
    );
    await until(() => service.calls[0]?.cancelled === true);
  });
});

describe("targets", () => {
  test.each([
    ["grpc://127.0.0.1:PORT"],
    ["localhost:PORT"],
    ["dns:///localhost:PORT"],
    ["ipv4:127.0.0.1:PORT"],
    ["passthrough:///127.0.0.1:PORT"],
    ["grpc-list://127.0.0.1:PORT"],
  ])("%s", async (host) => {
    const service = rig.started(await serveGrpc(() => WELCOME));
    const part = rig.backend(host.replace("PORT", `${service.port}`));
    expect(told((await connectOnce(part.backend)).fault)).toBe("not a CableError: null");
  });

  test("a Unix socket", async () => {
    const path = join(tmpdir(), `hawser-${process.pid}.sock`);
    const service = rig.started(await serveGrpc(() => WELCOME, { address: `unix:${path}` }));
    const part = rig.backend(`unix://${path}`);
    expect((await connectOnce(part.backend)).reply?.status).toBe("success");
    expect((await connectOnce(part.backend)).reply?.status).toBe("success");
    expect(service.calls.length).toBe(2);
    rmSync(path, { force: true });
  });
});
