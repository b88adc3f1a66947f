import { afterEach, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { createDocumentFetch } from "./document-fetch.ts";

/* Peers that break the rules: written by hand, byte for byte. */

const MAX_BYTES = 4096;
const fetchDocument = createDocumentFetch({ timeoutMs: 5_000, maxBytes: MAX_BYTES });

let peer: Server;
afterEach(() => void peer.close());

async function peerThat(answer: (socket: Socket) => void): Promise<string> {
  peer = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => answer(socket));
  });
  await new Promise<void>((resolve) => void peer.listen(0, "127.0.0.1", resolve));
  const address = peer.address();
  if (address === null || typeof address === "string") throw new Error("the peer has no port");
  return `http://127.0.0.1:${address.port}/keys`;
}

const gzipped = (body: Buffer) => (socket: Socket) => {
  socket.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`);
  socket.write(body);
};

test.each([
  ["cut off", "HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "status"],
  ["no chunks", "HTTP/1.1 503 Oh\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\nab", "status"],
  ["no gzip", "HTTP/1.1 502 Oh\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "status"],
  ["a redirect's, cut off", "HTTP/1.1 302 Oh\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n", "redirect"],
  ["too long, cut off", "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\nab", "too_large"],
])("a body that is not wanted may be broken: %s", async (_what, bytes, failure) => {
  const unhandled: unknown[] = [];
  const note = (thrown: unknown) => void unhandled.push(thrown);
  process.on("unhandledRejection", note);
  try {
    const url = await peerThat((socket) => void socket.end(bytes));
    expect(await fetchDocument(url)).toMatchObject({ ok: false, failure });
    await Bun.sleep(50); // what nobody caught is told of in a later turn
    expect(unhandled).toEqual([]);
  } finally {
    process.off("unhandledRejection", note);
  }
});

test("a compressed document is unpacked", async () => {
  const url = await peerThat(gzipped(gzipSync('{"keys":[]}')));
  expect(await fetchDocument(url)).toMatchObject({ ok: true, text: '{"keys":[]}' });
});

test("a small document that unpacks into a large one is too large", async () => {
  const url = await peerThat(gzipped(gzipSync(Buffer.alloc(MAX_BYTES * 100))));
  expect(await fetchDocument(url)).toMatchObject({ ok: false, failure: "too_large" });
});

test("what only says that it is compressed is a failure like others", async () => {
  const url = await peerThat(gzipped(Buffer.from("plain")));
  expect(await fetchDocument(url)).toMatchObject({ ok: false, failure: "unreachable" });
});
