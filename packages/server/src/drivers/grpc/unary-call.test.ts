import { describe, expect, test } from "bun:test";
import type { ServerHttp2Stream } from "node:http2";
import { callOf, useChannelRig } from "../../../test/support/grpc-channel-rig.ts";
import { frameOf, serveGrpc, serveHttp2, WELCOME } from "../../../test/support/grpc-servers.ts";
import {
  answerStream,
  DATA,
  END_HEADERS,
  END_STREAM,
  HEADERS,
  literal,
  RST_STREAM,
  STATUS_200,
  serveFrames,
} from "../../../test/support/http2-frames.ts";

const rig = useChannelRig();

test.each([1, 3, 5, 6, 7])("a message that comes in pieces of %i bytes is put together", async (bytes) => {
  const server = rig.started(await serveFrames((stream, write) => answerStream(stream, write, bytes)));
  const reply = await callOf(await rig.connected(server.port));
  expect(Buffer.from(reply as Uint8Array).equals(WELCOME)).toBe(true);
});

test("large requests and replies go through, several at a time", async () => {
  const service = rig.started(
    await serveGrpc((call) => call.bytes, { server: { "grpc.max_receive_message_length": -1 } }),
  );
  const channel = await rig.connected(service.port, { maxRecvBytes: 4_000_000 });
  const sizes = [3_000_000, 70_000, 1, 1_000_000, 262_144];
  const outcomes = await Promise.all(
    sizes.map((size, n) => callOf(channel, { frame: frameOf(Buffer.alloc(size, 97 + n)) })),
  );
  for (const [n, size] of sizes.entries()) {
    expect(Buffer.from(outcomes[n] as Uint8Array).equals(Buffer.alloc(size, 97 + n))).toBe(true);
  }
});

describe("a failure", () => {
  test.each([
    ["16", "who%20are you %E2%82%AC", "UNAUTHENTICATED who are you €"],
    ["2", "100% wrong", "UNKNOWN 100% wrong"],
    ["13", undefined, "INTERNAL "],
  ])("in headers that are trailers at once: %s %p", async (status, message, told) => {
    const server = rig.started(
      await serveHttp2((stream) =>
        stream.respond(
          {
            ":status": 200,
            "content-type": "application/grpc",
            "grpc-status": status,
            ...(message === undefined ? {} : { "grpc-message": message }),
          },
          { endStream: true },
        ),
      ),
    );
    expect(await callOf(await rig.connected(server.port))).toBe(told);
  });

  test.each([
    [8, "CANCELLED Call cancelled by server"],
    [11, "RESOURCE_EXHAUSTED Bandwidth exhausted or memory limit exceeded"],
    [12, "PERMISSION_DENIED Protocol not secure enough"],
    [2, "INTERNAL Received RST_STREAM with code 2"],
    [13, "INTERNAL Received RST_STREAM with code 13"],
  ])("by a reset with code %i", async (code, told) => {
    const server = rig.started(
      await serveFrames((stream, write) => write(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, code]))),
    );
    expect(await callOf(await rig.connected(server.port))).toBe(told);
  });

  test.each([
    [400, "INTERNAL"],
    [401, "UNAUTHENTICATED"],
    [403, "PERMISSION_DENIED"],
    [404, "UNIMPLEMENTED"],
    [429, "UNAVAILABLE"],
    [503, "UNAVAILABLE"],
    [500, "UNKNOWN"],
  ])("by HTTP status %i alone", async (status, name) => {
    const server = rig.started(
      await serveHttp2((stream) => {
        stream.respond({ ":status": status });
        stream.end("<html>a page that would be a message of a gigabyte</html>");
      }),
    );
    const told = `${name} Received HTTP status code ${status}`;
    expect(await callOf(await rig.connected(server.port))).toBe(told);
  });
});

describe("what is no answer", () => {
  const respond = (answer: (stream: ServerHttp2Stream) => void) =>
    serveHttp2((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      answer(stream);
    });

  test.each([
    ["a message shorter than it says", frameOf(WELCOME, 0, 500), / bytes and says that it has 500$/],
    ["two messages", Buffer.concat([frameOf(WELCOME), frameOf(WELCOME)]), / bytes and says that it has /],
    ["a compressed message", frameOf(WELCOME, 1), /the message is compressed, which was not asked for$/],
    ["no message", Buffer.alloc(0), /the status is OK and there is no message$/],
    ["less than the head of a message", Buffer.from([0, 0]), /the status is OK and there is no message$/],
  ])("%s", async (_what, bytes, told) => {
    const server = rig.started(await respond((stream) => stream.end(bytes)));
    const outcome = await callOf(await rig.connected(server.port));
    expect(outcome).toStartWith("INTERNAL ");
    expect(outcome).toMatch(told);
  });

  test("a message that says it is over the limit ends the call at once, and the stream", async () => {
    let reset = 0;
    const server = rig.started(
      await respond((stream) => {
        stream.on("close", () => {
          reset = stream.rstCode;
        });
        stream.write(frameOf(WELCOME, 0, 1_000_001));
      }),
    );
    const channel = await rig.connected(server.port);
    expect(await callOf(channel)).toBe(
      "RESOURCE_EXHAUSTED Received message larger than max (1000001 vs 1000000)",
    );
    await Bun.sleep(50);
    expect(reset).toBe(8);
    expect(channel.state()).toBe("ready");
  });

  test("a stream that ends without a status", async () => {
    const server = rig.started(
      await serveFrames((stream, write) => {
        write(HEADERS, END_HEADERS, stream, STATUS_200);
        write(DATA, END_STREAM, stream, frameOf(WELCOME));
      }),
    );
    expect(await callOf(await rig.connected(server.port))).toBe("UNKNOWN No status information received");
  });

  test("a status that is no number", async () => {
    const server = rig.started(
      await serveFrames((stream, write) => {
        write(HEADERS, END_HEADERS, stream, STATUS_200);
        write(HEADERS, END_HEADERS | END_STREAM, stream, literal("grpc-status", "fine"));
      }),
    );
    expect(await callOf(await rig.connected(server.port))).toBe(
      'UNKNOWN the status "fine" is none of gRPC\'s',
    );
  });
});
