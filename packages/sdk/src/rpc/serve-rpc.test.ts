import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChannelCredentials, Client, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import {
  CommandMessage,
  CommandResponse,
  ConnectionRequest,
  ConnectionResponse,
  DisconnectRequest,
  DisconnectResponse,
  type MessageFns,
  Status,
} from "@hawser/proto/gen/rpc";
import { type Cable, createCable, type JsonValue, reject, type ServeRpcOptions, serveRpc } from "./index.ts";

const ENV = { url: "http://cable.test/cable", headers: { cookie: "a=1" }, cstate: {}, istate: {} };
const CHAT = '{"channel":"Chat","room":"lobby"}';

const running: Array<() => Promise<void> | void> = [];
afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop();
});

interface Caller {
  raw(path: string, body: Uint8Array, metadata?: Record<string, string>): Promise<Buffer>;
  connect(metadata?: Record<string, string>): Promise<ConnectionResponse>;
  command(message: Partial<CommandMessage>, metadata?: Record<string, string>): Promise<CommandResponse>;
  disconnect(message: Partial<DisconnectRequest>): Promise<DisconnectResponse>;
}

const META = { sid: "s1", protov: "v1" };

function callerOf(port: number, credentials = ChannelCredentials.createInsecure(), options = {}): Caller {
  const client = new Client(`127.0.0.1:${port}`, credentials, options);
  running.push(() => client.close());
  const raw: Caller["raw"] = (path, body, metadata = META) => {
    const meta = new Metadata();
    for (const [name, value] of Object.entries(metadata)) meta.set(name, value);
    return new Promise((resolve, refuse) => {
      const settle = (error: ServiceError | null, reply?: Buffer) =>
        error === null ? resolve(reply ?? Buffer.alloc(0)) : refuse(error);
      const same = (bytes: Buffer) => bytes;
      client.makeUnaryRequest(
        path,
        same,
        same,
        Buffer.from(body),
        meta,
        { deadline: Date.now() + 5000 },
        settle,
      );
    });
  };
  const call = async <Response>(
    name: string,
    request: Uint8Array,
    response: MessageFns<Response>,
    metadata?: Record<string, string>,
  ) => response.decode(await raw(`/anycable.RPC/${name}`, request, metadata));
  return {
    raw,
    connect: (metadata) =>
      call("Connect", ConnectionRequest.encode({ env: ENV }).finish(), ConnectionResponse, metadata),
    command: (message, metadata) => {
      const whole = {
        command: "subscribe",
        identifier: CHAT,
        connectionIdentifiers: '"ann"',
        data: "",
        env: ENV,
      };
      return call(
        "Command",
        CommandMessage.encode({ ...whole, ...message }).finish(),
        CommandResponse,
        metadata,
      );
    },
    disconnect: (message) => {
      const whole = { identifiers: '"ann"', subscriptions: [CHAT], env: ENV };
      return call(
        "Disconnect",
        DisconnectRequest.encode({ ...whole, ...message }).finish(),
        DisconnectResponse,
      );
    },
  };
}

/**
 * What a promise rejects with. Not `expect(promise).rejects`: that one runs the event loop while it waits, and when the
 * test itself was resumed from inside an HTTP/2 callback, the connection stands still from then on.
 */
function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
}

async function serving(cable: Cable<JsonValue>, options: ServeRpcOptions = {}) {
  const service = await serveRpc(cable, { host: "127.0.0.1", port: 0, ...options });
  running.push(() => service.close());
  return service;
}

const chat = () =>
  createCable({
    connect: (env) => (env.headers.cookie === "a=1" ? { identifiers: { sid: env.sid } } : reject()),
  }).channel("Chat", {
    subscribed(ctx) {
      ctx.streamFrom("lobby");
      ctx.state.set("n", 1);
    },
    actions: {
      claims(ctx) {
        ctx.transmit(ctx.connection.claims);
      },
      async slow(ctx) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        ctx.transmit("done");
      },
    },
  });

describe("over gRPC", () => {
  test("the three calls arrive and their replies go back, with the session of the metadata", async () => {
    const { port } = await serving(chat());
    const caller = callerOf(port);
    expect(await caller.connect()).toEqual({
      status: Status.SUCCESS,
      identifiers: '{"sid":"s1"}',
      transmissions: ['{"type":"welcome","sid":"s1"}'],
      errorMsg: "",
      env: { cstate: {}, istate: {} },
    });
    expect(await caller.command({})).toEqual({
      status: Status.SUCCESS,
      disconnect: false,
      stopStreams: false,
      streams: ["lobby"],
      transmissions: [`{"identifier":${JSON.stringify(CHAT)},"type":"confirm_subscription"}`],
      errorMsg: "",
      env: { cstate: {}, istate: { n: "1" } },
      stoppedStreams: [],
      presence: undefined,
    });
    expect(await caller.disconnect({})).toEqual({ status: Status.SUCCESS, errorMsg: "" });
  });

  test("claims travel in the metadata", async () => {
    const { port } = await serving(chat());
    const claims = { ext: '"ann"', sub: "Änn", exp: 4102444800 };
    const identity = Buffer.from(JSON.stringify(claims)).toString("base64url");
    const ask = { command: "message", data: '{"action":"claims"}' };
    const [frame] = (await callerOf(port).command(ask, { ...META, "x-jwt-identity": identity }))
      .transmissions;
    expect(JSON.parse(frame ?? "").message).toEqual(claims);
    const [bare] = (await callerOf(port).command(ask)).transmissions;
    expect(JSON.parse(bare ?? "").message).toBeNull();
  });

  test("protov may be a list, and must have v1 in it", async () => {
    const caller = callerOf((await serving(chat())).port);
    expect((await caller.connect({ sid: "s1", protov: "v0, v1" })).status).toBe(Status.SUCCESS);
    for (const metadata of [{ sid: "s1" }, { sid: "s1", protov: "v2" }, { sid: "s1", protov: "" }]) {
      expect(await caller.connect(metadata)).toMatchObject({
        status: Status.ERROR,
        errorMsg: expect.stringContaining("protov"),
      });
    }
  });

  test("bytes that are no message fail that call alone", async () => {
    const caller = callerOf((await serving(chat())).port);
    const garbage = Buffer.from("ffffffff", "hex");
    expect(await failureOf(caller.raw("/anycable.RPC/Command", garbage))).toMatchObject({
      code: status.INTERNAL,
    });
    expect(await failureOf(caller.raw("/anycable.RPC/Nope", garbage))).toMatchObject({
      code: status.UNIMPLEMENTED,
    });
    expect((await caller.connect()).status).toBe(Status.SUCCESS);
  });

  test("an application whose own error handler throws still answers", async () => {
    const cable = createCable({
      connect() {
        throw new Error("first");
      },
      onError() {
        throw new Error("second");
      },
    });
    expect(await failureOf(callerOf((await serving(cable)).port).connect())).toMatchObject({
      code: status.INTERNAL,
      details: "second",
    });
  });

  test("health is SERVING for the service and for the whole, and unknown for others", async () => {
    const caller = callerOf((await serving(chat())).port);
    const check = (service: string) => {
      const name = Buffer.from(service);
      const body = service === "" ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
      return caller.raw("/grpc.health.v1.Health/Check", body, {});
    };
    expect((await check("")).toString("hex")).toBe("0801");
    expect((await check("anycable.RPC")).toString("hex")).toBe("0801");
    expect(await failureOf(check("other"))).toMatchObject({ code: status.NOT_FOUND });
    expect(
      await failureOf(caller.raw("/grpc.health.v1.Health/Check", Buffer.from("0a05", "hex"))),
    ).toMatchObject({
      code: status.NOT_FOUND,
    });
  });
});

describe("starting and stopping", () => {
  test("close lets a call under way end, and then nothing answers", async () => {
    const service = await serving(chat());
    const caller = callerOf(service.port);
    const slow = caller.command({ command: "message", data: '{"action":"slow"}' });
    await caller.connect();
    await Promise.all([service.close(), service.close()]);
    expect((await slow).transmissions).toHaveLength(1);
    expect(await failureOf(callerOf(service.port).connect())).toMatchObject({ code: status.UNAVAILABLE });
  });

  test("close does not wait for an idle client", async () => {
    const service = await serving(chat());
    await callerOf(service.port).connect();
    const before = performance.now();
    await service.close();
    expect(performance.now() - before).toBeLessThan(1000);
  });

  test("a port in use is named", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    running.push(() => new Promise<void>((resolve) => void taken.close(() => resolve())));
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    expect(await failureOf(serveRpc(createCable({}), { port }))).toMatchObject({
      name: "CableError",
      code: "io_failed",
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });
});

describe("TLS", () => {
  let cert = "";
  let key = "";
  const openssl = Bun.which("openssl");

  beforeAll(() => {
    if (openssl === null) return;
    const folder = mkdtempSync(join(tmpdir(), "hawser-sdk-"));
    const made = Bun.spawnSync(
      // biome-ignore format: one option a line says less
      [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=rpc.test", "-addext", "subjectAltName=DNS:rpc.test"],
      { cwd: folder, stderr: "pipe" },
    );
    if (made.exitCode !== 0) throw new Error(made.stderr.toString());
    cert = readFileSync(join(folder, "cert.pem"), "utf8");
    key = readFileSync(join(folder, "key.pem"), "utf8");
    rmSync(folder, { recursive: true });
  });

  test.skipIf(openssl === null)("serves those who trust the certificate, and only over TLS", async () => {
    const { port } = await serving(chat(), { tls: { cert, key } });
    const name = { "grpc.ssl_target_name_override": "rpc.test" };
    const trusting = callerOf(port, ChannelCredentials.createSsl(Buffer.from(cert)), name);
    expect((await trusting.connect()).status).toBe(Status.SUCCESS);
    const distrusting = callerOf(port, ChannelCredentials.createSsl(), name);
    expect(await failureOf(distrusting.connect())).toMatchObject({ code: status.UNAVAILABLE });
    expect(await failureOf(callerOf(port).connect())).toMatchObject({ code: status.UNAVAILABLE });
  });

  test("a certificate that is none is an error at the start", async () => {
    expect(
      await failureOf(serveRpc(createCable({}), { port: 0, tls: { cert: "x", key: "y" } })),
    ).toMatchObject({
      code: "io_failed",
    });
  });
});
