import { describe, expect, test } from "bun:test";
import { status } from "@grpc/grpc-js";
import { frameOf, serveGrpc, serveHttp2, serveTcp, WELCOME } from "../../../test/support/grpc-servers.ts";
import { connectOnce, told, until, useGrpcRig } from "../../../test/support/rpc-rig.ts";

const rig = useGrpcRig();

const OVERLOADED = { code: status.RESOURCE_EXHAUSTED, details: "No free workers in thread pool" };
const AWAY = { code: status.UNAVAILABLE, details: "warming up" };

describe("a backend that is slow", () => {
  test("is told that a call it has not answered is given up, also when it keeps no time itself", async () => {
    let closed = 0;
    const server = rig.started(await serveHttp2((stream) => stream.on("close", () => (closed += 1))));
    const part = rig.backend(server.port, { commandTimeoutMs: 150 });
    part.backend.start();
    await until(() => part.backend.hasAnswered());
    const call = connectOnce(part.backend);
    await Bun.sleep(50);
    expect(closed).toBe(0);
    expect(told((await call).fault)).toStartWith("backend_deadline: ");
    await until(() => closed === 1);
  });
});

describe("a backend without room", () => {
  test("is asked again after 10, 20 and 40 ms, until it has some", async () => {
    const service = rig.started(await serveGrpc((_call, number) => (number < 3 ? OVERLOADED : WELCOME)));
    const part = rig.backend(service.port);
    part.backend.start();
    await until(() => part.backend.hasAnswered());
    expect((await connectOnce(part.backend)).reply).toEqual({
      status: "success",
      identifiers: '{"id":1}',
      transmissions: ['{"type":"welcome"}'],
      errorMessage: "",
      cstate: { a: "1" },
    });
    expect(part.pauses).toEqual([10, 20, 40]);
    expect(service.calls[3]!.atMs - service.calls[0]!.atMs).toBeGreaterThan(69);
    expect(part.meter.totals).toMatchObject({ calls: 1, retries: 3, errors: 0 });
    const retried = part.log.lines.filter((line) => line.message === "RPC failed");
    expect(retried.length).toBe(3);
    expect(retried[0]).toMatchObject({
      level: "debug",
      fields: { sid: "sid-1", code: "RESOURCE_EXHAUSTED (8)", error: OVERLOADED.details },
    });
  });

  test("fails the call at its deadline, with what it said last", async () => {
    const service = rig.started(await serveGrpc(() => OVERLOADED));
    const part = rig.backend(service.port, { commandTimeoutMs: 250 });
    const { fault, elapsedMs } = await connectOnce(part.backend);
    expect(told(fault)).toMatch(
      /^backend_overloaded: the RPC backend at 127.0.0.1:\d+ has no room for Connect after \d+ ms and \d attempts: No free workers in thread pool; /,
    );
    expect(elapsedMs).toBeWithin(245, 5000);
    expect(part.pauses).toEqual([10, 20, 40, 80, 160].slice(0, service.calls.length));
    expect(part.meter.totals).toMatchObject({ retries: service.calls.length, errors: 1, timeouts: 0 });
  });

  test("starts the pauses anew when it is unavailable in between", async () => {
    const script = [OVERLOADED, OVERLOADED, AWAY, OVERLOADED, WELCOME];
    const service = rig.started(await serveGrpc((_call, number) => script[number] ?? WELCOME));
    const part = rig.backend(service.port);
    expect((await connectOnce(part.backend)).reply?.status).toBe("success");
    expect(part.pauses).toEqual([10, 20, 100, 10]);
  });
});

describe("a backend that says no", () => {
  test.each([
    [status.UNAUTHENTICATED, "who are you", "UNAUTHENTICATED (16): who are you"],
    [status.INVALID_ARGUMENT, "", "INVALID_ARGUMENT (3): no reason given"],
    [status.UNKNOWN, "boom\nat line 3", "UNKNOWN (2): boom at line 3"],
    [status.CANCELLED, "not now", "CANCELLED (1): not now"],
    [99, "from the future", "status 99: from the future"],
  ])("with status %i is not asked again", async (code, details, text) => {
    const service = rig.started(await serveGrpc(() => ({ code, details })));
    const part = rig.backend(service.port);
    const { fault } = await connectOnce(part.backend);
    expect(told(fault)).toBe(
      `backend_failed: the RPC backend at 127.0.0.1:${service.port} answered Connect with ${text}`,
    );
    expect(service.calls.length).toBe(1);
    expect(part.meter.totals).toMatchObject({ calls: 1, errors: 1, retries: 0 });
  });
});

describe("what is no gRPC reply", () => {
  test.each([
    ["garbage", "this is not HTTP/2 at all, sorry about that\r\n\r\n", "the peer does not speak HTTP/2"],
    ["HTTP/1.1", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "the peer does not speak HTTP/2"],
    ["nothing, and goodbye", "", "the peer closed the connection; does it expect TLS?"],
  ])("%s on the port is a backend that cannot be reached", async (_what, bytes, hint) => {
    const server = rig.started(await serveTcp((socket) => socket.end(bytes)));
    const part = rig.backend(server.port);
    const { fault, elapsedMs } = await connectOnce(part.backend);
    expect(told(fault)).toMatch(
      new RegExp(
        `^backend_unreachable: cannot reach the RPC backend at 127.0.0.1:${server.port} for Connect .*`,
      ),
    );
    expect(told(fault)).toContain(`(${hint})`);
    expect(elapsedMs).toBeLessThan(5000);
    expect(part.backend.hasAnswered()).toBe(false);
  });

  test("a web server that speaks HTTP/2", async () => {
    const server = rig.started(
      await serveHttp2((stream) => {
        stream.respond({ ":status": 404, "content-type": "text/html" });
        stream.end("<html>no such page</html>");
      }),
    );
    const part = rig.backend(server.port);
    expect(told((await connectOnce(part.backend)).fault)).toBe(
      `backend_protocol: the RPC backend at 127.0.0.1:${server.port} gave no gRPC answer to Connect: Received HTTP status code 404; check that a gRPC service answers there`,
    );
  });

  test.each([
    ["a stream that ends without a status", (stream) => stream.end(frameOf(WELCOME))],
    ["a stream that is reset", (stream) => stream.close(2)],
    [
      "half a frame, then a reset",
      (stream) => {
        stream.write(frameOf(WELCOME, 0, 5000));
        setTimeout(() => stream.close(1), 20);
      },
    ],
    ["a compressed message", (stream) => finish(stream, frameOf(WELCOME, 1), "0")],
    ["a status without a message", (stream) => finish(stream, Buffer.alloc(0), "0")],
  ] as [string, (stream: import("node:http2").ServerHttp2Stream) => void][])("%s", async (_what, answer) => {
    const server = rig.started(
      await serveHttp2((stream) => {
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        answer(stream);
      }),
    );
    const part = rig.backend(server.port);
    await connectOnce(part.backend);
    const { fault, elapsedMs } = await connectOnce(part.backend);
    expect(told(fault)).toMatch(
      /^backend_protocol: the RPC backend at 127.0.0.1:\d+ gave no gRPC answer to Connect: /,
    );
    expect(elapsedMs).toBeLessThan(5000);
    expect(part.meter.totals).toMatchObject({ errors: 2, retries: 0 });
  });

  test("a message that does not decode", async () => {
    const service = rig.started(await serveGrpc(() => Buffer.from([0x12, 0xff, 0xff, 0xff, 0x7f, 1, 2])));
    const part = rig.backend(service.port);
    expect(told((await connectOnce(part.backend)).fault)).toMatch(
      /^backend_protocol: the RPC backend at 127.0.0.1:\d+ answered Connect with 7 bytes that are no reply: .*; check that it serves the same rpc.proto$/,
    );
    expect(part.meter.totals.errors).toBe(1);
  });
});

function finish(stream: import("node:http2").ServerHttp2Stream, bytes: Buffer, grpcStatus: string): void {
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": grpcStatus }));
  stream.end(bytes);
}
