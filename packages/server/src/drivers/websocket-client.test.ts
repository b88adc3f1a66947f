import { afterAll, describe, expect, test } from "bun:test";
import { firstMessage } from "./websocket-client.ts";

const server = Bun.serve<{ path: string }>({
  port: 0,
  fetch(request, self) {
    const path = new URL(request.url).pathname;
    if (path === "/full") return new Response("", { status: 503 });
    const headers = { "Sec-WebSocket-Protocol": "actioncable-v1-json" };
    const data = { path: request.headers.get("x-jid") ?? path };
    return self.upgrade(request, { data, headers }) ? undefined : new Response("", { status: 400 });
  },
  websocket: {
    open(socket) {
      if (socket.data.path === "/closing") socket.close(1000, "Auth Failed");
      else if (socket.data.path !== "/silent") socket.send(`hello ${socket.data.path}`);
    },
    message() {},
  },
});
afterAll(() => server.stop(true));

const connect = (path: string, headers = {}, timeoutMs = 10_000) =>
  firstMessage(`ws://127.0.0.1:${server.port}${path}`, {
    headers,
    subprotocol: "actioncable-v1-json",
    timeoutMs,
  });

describe("the first message of a WebSocket server", () => {
  test("is what comes first, to a client with these headers", async () => {
    expect(await connect("/x", { "x-jid": "token" })).toMatchObject({
      outcome: "message",
      text: "hello token",
    });
  });

  test("may be none, and then how it ended is told", async () => {
    expect(await connect("/closing")).toEqual({ outcome: "closed", code: 1000, reason: "Auth Failed" });
    expect(await connect("/silent", {}, 200)).toEqual({
      outcome: "failed",
      why: "it was connected, and nothing came within 200 ms",
    });
  });

  test("is not to be had where there is no such server, and the URL is not repeated", async () => {
    const full = await connect("/full?jid=s3cret");
    expect(full).toEqual({ outcome: "failed", why: "Expected 101 status code: 503" });
    const gone = await firstMessage("ws://127.0.0.1:1/?jid=s3cret", {
      headers: {},
      subprotocol: "x",
      timeoutMs: 10_000,
    });
    expect(gone).toMatchObject({ outcome: "failed" });
    expect(JSON.stringify([full, gone])).not.toContain("s3cret");
  });
});
