import { expect, spyOn, test } from "bun:test";
import { connect } from "node:net";
import { serveTcp } from "../../../test/support/grpc-servers.ts";
import { until } from "../../../test/support/rpc-rig.ts";
import { BatchedSocket } from "./batched-socket.ts";

async function pair() {
  let received = "";
  let ended = false;
  const server = await serveTcp((socket) => {
    socket.on("data", (bytes) => {
      received += bytes;
    });
    socket.on("end", () => {
      ended = true;
    });
    socket.write("hello");
  });
  const socket = connect(server.port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  const writes = spyOn(socket, "write");
  const batched = new BatchedSocket(socket);
  return { server, writes, batched, received: () => received, ended: () => ended };
}

test("what is written in one turn goes out in one write, in its order", async () => {
  const { server, writes, batched, received } = await pair();
  for (let turn = 0; turn < 3; turn += 1) {
    for (const letter of "abcd") batched.write(Buffer.from(letter));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => received().length === 12);
  expect(received()).toBe("abcdabcdabcd");
  expect(writes).toHaveBeenCalledTimes(3);
  batched.destroy();
  server.stop();
});

test("what comes in is handed on, and the end waits for what was written", async () => {
  const { server, batched, received, ended } = await pair();
  let heard = "";
  batched.on("data", (bytes) => {
    heard += bytes;
  });
  await until(() => heard === "hello");
  batched.write(Buffer.from("last words"));
  batched.end();
  await until(ended);
  expect(received()).toBe("last words");
  server.stop();
});

test("more than it queues makes the writer wait for the socket", async () => {
  const { server, batched, received } = await pair();
  const piece = Buffer.alloc(100_000, "x");
  expect([1, 2, 3].map(() => batched.write(piece))).toEqual([true, true, false]);
  await new Promise((resolve) => batched.once("drain", resolve));
  await until(() => received().length === 300_000);
  batched.destroy();
  server.stop();
});

test.each(["end", "destroy"] as const)("a socket that the peer %ss closes it", async (how) => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const server = await serveTcp((socket) => void socket[how]());
  const socket = connect(server.port, "127.0.0.1");
  const batched = new BatchedSocket(socket);
  batched.on("error", () => {});
  batched.on("close", () => resolve());
  batched.resume();
  await closed;
  expect(batched.destroyed).toBe(true);
  server.stop();
});
