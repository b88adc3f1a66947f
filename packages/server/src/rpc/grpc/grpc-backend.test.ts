import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { CallScope } from "@hawser/core/rpc/backend";
import {
  CommandMessage,
  CommandResponse,
  ConnectionRequest,
  DisconnectRequest as DisconnectMessage,
  DisconnectResponse,
  Status,
} from "@hawser/proto/gen/rpc";
import { freePort, serveGrpc, WELCOME } from "../../../test/support/grpc-servers.ts";
import {
  COMMAND_REQUEST,
  CONNECT_REQUEST,
  CONNECT_WITH_STATE,
  connectOnce,
  DISCONNECT_REQUEST,
  messagesAt,
  told,
  until,
  useGrpcRig,
  WELCOMED,
  WHOLE_REPLY,
} from "../../../test/support/rpc-rig.ts";

const rig = useGrpcRig();

const DONE = DisconnectResponse.encode({ status: Status.SUCCESS, errorMsg: "" }).finish();

describe("what the application is told, and says", () => {
  test("Connect: the env as it is, the session in the metadata", async () => {
    const service = rig.started(await serveGrpc(() => WELCOME));
    const { backend } = rig.backend(service.port);
    const { reply } = await connectOnce(backend, CONNECT_WITH_STATE);
    expect(reply).toEqual(WELCOMED);
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
      transmissions: ["é\u2028"],
      errorMsg: "e",
      env: { cstate: { c: "" }, istate: { i: "1" } },
      stoppedStreams: ["s"],
      presence: { type: "join", id: "7", info: '{"name":"Ann"}', ttl: 5 },
    };
    const service = rig.started(await serveGrpc(() => CommandResponse.encode(answer).finish()));
    const { backend, meter } = rig.backend(service.port);
    const reply = await backend.command(
      { ...COMMAND_REQUEST, env: { ...COMMAND_REQUEST.env, istate: { room: "1" } } },
      new CallScope(),
    );
    expect(reply).toEqual(WHOLE_REPLY);
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
    expect(await backend.disconnect(DISCONNECT_REQUEST, new CallScope())).toEqual({
      status: "success",
      errorMessage: "",
    });
    expect(DisconnectMessage.decode(service.calls[0]!.bytes)).toMatchObject({
      identifiers: '{"id":1}',
      subscriptions: ['{"channel":"Chat"}'],
      env: { istate: DISCONNECT_REQUEST.env.istate },
    });
    expect(meter.totals.calls).toBe(1);
  });

  test("verified claims travel in the env's headers and in the metadata of every method", async () => {
    const jwtIdentity = Buffer.from('{"ext":"{\\"id\\":1}","exp":1}').toString("base64url");
    const service = rig.started(await serveGrpc((call) => (call.method === "Connect" ? WELCOME : DONE)));
    const { backend } = rig.backend(service.port);
    const scope = new CallScope();
    await backend.connect({ ...CONNECT_REQUEST, jwtIdentity }, scope);
    await backend.command({ ...COMMAND_REQUEST, jwtIdentity }, scope);
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
});

describe("a session that ends", () => {
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
