import { describe, expect, test } from "bun:test";
import type { ServerHttp2Stream } from "node:http2";
import fc from "fast-check";
import { frameOf, serveHttp2, serveTcp, WELCOME } from "../../../test/support/grpc-servers.ts";
import { connectOnce, told, useGrpcRig } from "../../../test/support/rpc-rig.ts";

/** Whatever sits where the application should: every call ends in time, with a reply or one line, and the next one works. */

const rig = useGrpcRig();
/** Short, as what may pass is tried again until then. */
const TIMEOUT_MS = 200;

/** Header text as HTTP/2 allows it. */
const text = fc.stringMatching(/^[ -~]{0,30}$/).map((any) => any.trim());
const grpcStatus = fc.oneof(fc.constantFrom("0", "1", "2", "14", "16", "17", "-1", "00", "1e1", ""), text);
const message = fc.oneof(text, fc.constantFrom("%", "%zz", "%E2%82", "%00", "%0a%0d", "a%2"));

interface Answer {
  readonly httpStatus: number;
  readonly type: string;
  readonly body: Uint8Array;
  readonly pieces: number;
  readonly status: string;
  readonly message: string;
  readonly ending: "trailers" | "end" | "reset" | "headers alone";
}

const body = fc.oneof(
  fc.constant(frameOf(WELCOME)),
  fc
    .tuple(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 255 }), fc.nat())
    .map(([bytes, flags, length]) => frameOf(bytes, flags, length)),
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(Buffer.concat([frameOf(WELCOME), frameOf(WELCOME)])),
);

const answer: fc.Arbitrary<Answer> = fc.record({
  httpStatus: fc.oneof(fc.constant(200), fc.constantFrom(204, 302, 404, 429, 500, 503)),
  type: fc.constantFrom("application/grpc", "application/grpc+proto", "text/html", ""),
  body,
  pieces: fc.integer({ min: 1, max: 5 }),
  status: grpcStatus,
  message,
  ending: fc.constantFrom<Answer["ending"][]>("trailers", "end", "reset", "headers alone") as fc.Arbitrary<
    Answer["ending"]
  >,
});

function play(
  stream: ServerHttp2Stream,
  { httpStatus, type, body: bytes, pieces, status, message: said, ending }: Answer,
): void {
  const head = { ":status": httpStatus, "content-type": type };
  const end = { "grpc-status": status, "grpc-message": said };
  if (ending === "headers alone") {
    stream.respond({ ...head, ...end }, { endStream: true });
    return;
  }
  stream.respond(head, { waitForTrailers: ending === "trailers" });
  stream.on("wantTrailers", () => stream.sendTrailers(end));
  const size = Math.ceil(bytes.length / pieces);
  for (let piece = 0; piece < pieces; piece++) stream.write(bytes.subarray(piece * size, (piece + 1) * size));
  if (ending === "reset") stream.close(8);
  else stream.end();
}

describe("any answer of HTTP/2", () => {
  test("ends a call in time, with a reply or a fault of one line", async () => {
    let next: Answer | null = null;
    const server = rig.started(
      await serveHttp2((stream) => {
        if (next !== null) play(stream, next);
        else {
          stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
          stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
          stream.end(frameOf(WELCOME));
        }
      }),
    );
    const { backend } = rig.backend(server.port, { commandTimeoutMs: TIMEOUT_MS });
    await fc.assert(
      fc.asyncProperty(answer, async (given) => {
        next = given;
        const { reply, fault, elapsedMs } = await connectOnce(backend);
        expect(elapsedMs).toBeLessThan(TIMEOUT_MS + 3000);
        if (reply === null) expect(told(fault)).toMatch(/^backend_\w+: /);
      }),
      { numRuns: 60 },
    );
    next = null;
    const patient = rig.backend(server.port).backend;
    expect((await connectOnce(patient)).reply?.identifiers).toBe('{"id":1}');
  }, 60_000);
});

describe("any bytes", () => {
  test("end a call in time, with a fault of one line", async () => {
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    let bytes = Buffer.alloc(0);
    const server = rig.started(
      await serveTcp((socket) => {
        socket.write(bytes);
        setTimeout(() => socket.destroy(), 20);
      }),
    );
    const noise = fc
      .tuple(fc.boolean(), fc.uint8Array({ maxLength: 200 }))
      .map(([polite, any]) => Buffer.concat([polite ? settings : Buffer.alloc(0), any]));
    await fc.assert(
      fc.asyncProperty(noise, async (given) => {
        bytes = given;
        const { backend } = rig.backend(server.port, { commandTimeoutMs: 150 });
        const { reply, fault, elapsedMs } = await connectOnce(backend);
        expect(reply).toBeNull();
        expect(told(fault)).toMatch(/^backend_\w+: /);
        expect(elapsedMs).toBeLessThan(3000);
        await backend.close(0);
      }),
      { numRuns: 15 },
    );
  }, 60_000);
});
