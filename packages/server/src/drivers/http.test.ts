import { afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { exchangeRaw, upgradeRequest } from "../../test/support/raw-http.ts";
import { isPortTaken, type Listener, type ListenerOptions, listen, type Route, type Socket } from "./http.ts";

const open: Listener[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.closeNow()));
});

function start(options: Partial<ListenerOptions<string>> = {}): Listener {
  const listener = listen<string>({
    host: "127.0.0.1",
    port: 0,
    hostOption: "--host",
    portOption: "--some_port",
    tls: null,
    routes: [],
    sockets: null,
    onFault: (thrown) => {
      throw thrown;
    },
    ...options,
  });
  open.push(listener);
  return listener;
}

/** Answers with what a route sees of the request. */
const echo: Route<string> = {
  paths: [],
  pattern: () => true,
  handle: ({ pathname, query, peerAddress }) => Response.json({ pathname, query, peer: peerAddress() }),
};

const bodyOf = (answer: Buffer) => JSON.parse(answer.toString().split("\r\n\r\n")[1] ?? "");
const ends = { done: (received: Buffer) => received.includes("}") };

describe("a request as routes see it", () => {
  test.each([
    ["/a/b?x=1&y=%zz", "/a/b", "x=1&y=%zz"],
    ["/a", "/a", ""],
    ["/a?", "/a", ""],
    ["/a?b?c", "/a", "b?c"],
    ["/", "/", ""],
    ["http://other.example/p?q", "/p", "q"],
  ])("has the path and the query of %s", async (target, pathname, query) => {
    const { port } = start({ routes: [echo] });
    const request = `GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`;
    expect(bodyOf(await exchangeRaw(port, request, ends))).toMatchObject({ pathname, query });
  });

  test.each([
    ["/p?q", "/p", "q"],
    ["/p", "/p", ""],
  ])("has them in HTTP/1.0 without a Host too: %s", async (target, pathname, query) => {
    const { port } = start({ routes: [echo] });
    const answer = await exchangeRaw(port, `GET ${target} HTTP/1.0\r\n\r\n`, ends);
    expect(bodyOf(answer)).toMatchObject({ pathname, query });
  });

  test("has the peer's IPv4 address as such on a listener for both families", async () => {
    const { port } = start({ routes: [echo], host: "::" });
    const request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    expect(bodyOf(await exchangeRaw(port, request, ends))).toMatchObject({ peer: "127.0.0.1" });
    expect(await (await fetch(`http://[::1]:${port}/`)).json()).toMatchObject({ peer: "::1" });
  });

  test("goes to the first route that matches, and is not found where none does", async () => {
    const route = (path: string): Route<string> => ({
      paths: [],
      pattern: (pathname) => pathname.startsWith(path),
      handle: () => new Response(path),
    });
    const { port } = start({ routes: [route("/a/b"), route("/a")] });
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return [response.status, await response.text()] as const;
    };
    expect(await get("/a/bc")).toEqual([200, "/a/b"]);
    expect(await get("/ax")).toEqual([200, "/a"]);
    expect(await get("/b")).toEqual([404, "404 page not found\n"]);
  });

  test.each(["throws", "rejects"])(
    "is answered 500 when its route %s, and the fault is told",
    async (how) => {
      const faults: unknown[] = [];
      const failing: Route<string> = {
        paths: [],
        pattern: () => true,
        handle: () => {
          if (how === "throws") throw new Error("a bug");
          return Promise.reject(new Error("a bug"));
        },
      };
      const { port } = start({ routes: [failing], onFault: (thrown) => faults.push(thrown) });
      const response = await fetch(`http://127.0.0.1:${port}/`);
      expect(response.status).toBe(500);
      expect(await response.text()).toBe("Internal Server Error\n");
      expect(faults).toEqual([new Error("a bug")]);
    },
  );
});

test("a path is a route's as it is written, not as the runtime normalises it, whatever signs it has", async () => {
  const paths = ["/metrics", "/a:b", "/x%20y", "/deep/er.json"];
  const { port } = start({ routes: [{ ...echo, paths, pattern: null }] });
  const statusOf = async (target: string) => {
    const request = `GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`;
    return Number((await exchangeRaw(port, request)).toString().slice(9, 12));
  };
  for (const target of [
    "/metrics",
    "/metrics?x=/../y",
    "/a:b",
    "/x%20y",
    "/deep/er.json",
    "http://h/metrics",
  ]) {
    expect([target, await statusOf(target)]).toEqual([target, 200]);
  }
  for (const target of [
    "/x/../metrics",
    "/./metrics",
    "/%2e/metrics",
    "/metrics/.",
    "//metrics",
    "/metrics/",
    "/a:c",
    "/metricsx",
  ]) {
    expect([target, await statusOf(target)]).toEqual([target, 404]);
  }
});

test("headers of a token ten times too large reach a route, and larger ones cost no more memory than that", async () => {
  const { port } = start({ routes: [echo] });
  const ask = (bytes: number) =>
    exchangeRaw(port, `GET / HTTP/1.1\r\nHost: h\r\nX-JID: ${"x".repeat(bytes)}\r\n\r\n`, {
      done: (received) => received.includes("\r\n"),
    });
  expect((await ask(100_000)).toString()).toStartWith("HTTP/1.1 200 ");
  expect((await ask(200_000)).toString()).toStartWith("HTTP/1.1 431 ");
});

describe("sockets", () => {
  const upgrading: Route<string> = {
    paths: [],
    pattern: () => true,
    handle: ({ upgrade }) =>
      upgrade("data", { "Sec-WebSocket-Protocol": "" }) ? null : new Response("", { status: 400 }),
  };

  function startSockets(handler: { open?(socket: Socket<string>): void } = {}) {
    const errors: unknown[] = [];
    const opened: Socket<string>[] = [];
    const listener = start({
      routes: [upgrading],
      sockets: {
        handler: {
          open(socket) {
            opened.push(socket);
            handler.open?.(socket);
          },
          message() {},
          pong() {},
          drain() {},
          close() {},
          error: (_socket, thrown) => errors.push(thrown),
        },
        maxMessageBytes: 100,
        maxQueuedBytes: 0,
        compression: false,
        silenceS: 0,
      },
    });
    return { listener, opened, errors };
  }

  test("a publication has its bytes, whether they go out or wait", async () => {
    const { listener } = startSockets({ open: (socket) => void socket.subscribe("t") });
    const client = connect(listener.port, "127.0.0.1");
    client.write(upgradeRequest("/"));
    await new Promise((upgraded) => client.once("data", upgraded));
    client.pause();
    const frame = "é".repeat(50_000);
    for (let i = 0; i < 100; i++) expect(listener.publish("t", frame)).toBe(100_000);
    client.destroy();
  });

  test("an exception in a handler is told with its socket, and the listener goes on", async () => {
    const { listener, errors, opened } = startSockets({
      open: () => {
        throw new Error("a bug");
      },
    });
    await exchangeRaw(listener.port, upgradeRequest("/"), { withinMs: 200 });
    await exchangeRaw(listener.port, upgradeRequest("/"), { withinMs: 200 });
    expect(errors).toEqual([new Error("a bug"), new Error("a bug")]);
    expect(opened).toHaveLength(2);
  });
});

describe("listening", () => {
  test("says which option to change when the port is in use", () => {
    const { port } = start();
    expect(() => start({ port })).toThrow(
      `listen on 127.0.0.1:${port}: the port is in use; stop the other process or choose another with --some_port`,
    );
  });

  test("says which option to change when the address is not one of this machine", () => {
    expect(() => start({ host: "192.0.2.1", hostOption: "--some_host" })).toThrow("--some_host");
  });

  test("writes an IPv6 address in brackets", () => {
    const { port } = start({ host: "::1" });
    expect(() => start({ host: "::1", port })).toThrow(`listen on [::1]:${port}:`);
  });

  test("knows a port that is taken, also by a listener that would share it", async () => {
    const { port } = start();
    expect(await isPortTaken("127.0.0.1", port)).toBe(true);
    await open.pop()?.closeNow();
    expect(await isPortTaken("127.0.0.1", port)).toBe(false);
    expect(await isPortTaken("127.0.0.1", 0)).toBe(false);
  });
});
