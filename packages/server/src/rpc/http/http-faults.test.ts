import { describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import fc from "fast-check";
import { freePort, serveTcp } from "../../../test/support/grpc-servers.ts";
import { serveHttp, WELCOME_REPLY } from "../../../test/support/http-application.ts";
import { connectOnce, messagesAt, told, until, useHttpRig } from "../../../test/support/rpc-rig.ts";

/** What is peculiar to HTTP of what may go wrong; the rest is in `rpc/calls/faults.test.ts`. */

const rig = useHttpRig();

const WELCOME = JSON.stringify(WELCOME_REPLY);
const whole = (body = WELCOME, headers = "") =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;

/** A server that writes these bytes to each request, and then does something with the connection. */
const answering = (bytes: string, then: (socket: Socket) => void = () => {}) =>
  serveTcp((socket) =>
    socket.on("data", () => {
      socket.write(bytes);
      then(socket);
    }),
  );

describe("what is no answer", () => {
  test.each([
    ["garbage", "this is not HTTP at all\r\n\r\n", "no HTTP/1.1: it does not begin like HTTP/1.1"],
    ["HTTP/2", "\x00\x00\x12\x04\x00\x00\x00\x00\x00", "no HTTP/1.1: it does not begin like HTTP/1.1"],
    [
      "half an answer",
      "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{",
      "cut short: the connection ended within the answer",
    ],
  ])("%s is not asked for again", async (_what, bytes, words) => {
    const server = rig.started(await answering(bytes, (socket) => socket.end()));
    const part = rig.backend(server.port);
    expect(told((await connectOnce(part.backend)).fault)).toBe(
      `backend_protocol: the RPC backend at 127.0.0.1:${server.port} gave no whole answer to Connect: ${words}; check what serves rpc_host`,
    );
    expect(server.opened()).toBe(1);
    expect(part.meter.totals).toMatchObject({ calls: 1, errors: 1, retries: 0 });
  });

  test("a reset within the answer is not asked for again, as the application has done its work", async () => {
    const server = rig.started(
      await answering("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", (socket) =>
        setTimeout(() => socket.resetAndDestroy(), 20),
      ),
    );
    const part = rig.backend(server.port);
    expect(told((await connectOnce(part.backend)).fault)).toMatch(/^backend_protocol: .* cut short: /);
    expect(server.opened()).toBe(1);
  });

  test.each([
    ["a reset", (socket: Socket) => void socket.resetAndDestroy()],
    ["an end", (socket: Socket) => void socket.end()],
  ])(
    "%s before the answer is: after 100, 200, 400 ms and so on, until the time is up",
    async (_what, hangUp) => {
      const server = rig.started(await answering("", hangUp));
      const part = rig.backend(server.port, { commandTimeoutMs: 500 });
      expect(told((await connectOnce(part.backend)).fault)).toMatch(
        /^backend_unreachable: cannot reach the RPC backend at 127.0.0.1:\d+ for Connect after \d+ ms and \d attempts: .*(ECONNRESET|the peer closed the connection); check that it runs, and rpc_host$/,
      );
      expect([100, 200, 400].slice(0, server.opened())).toEqual(part.pauses.slice(0, server.opened()));
      expect(part.meter.totals.retries).toBe(server.opened());
    },
  );

  test("a compressed one, which was not asked for", async () => {
    const application = rig.started(
      await serveHttp(() => ({ body: WELCOME, headers: { "Content-Encoding": "gzip" } })),
    );
    expect(told((await connectOnce(rig.backend(application.port).backend)).fault)).toContain(
      "compressed (gzip)",
    );
  });

  test("TLS where none is expected, and none where it is", async () => {
    const application = rig.started(await serveHttp(() => ({ body: WELCOME_REPLY })));
    const part = rig.backend(`https://127.0.0.1:${application.port}`);
    expect(told((await connectOnce(part.backend)).fault)).toMatch(
      /^backend_unreachable: cannot reach the RPC backend at 127.0.0.1:\d+ for Connect: TLS: .*the peer does not speak TLS.*; check its certificate/,
    );
    expect(part.meter.totals.retries).toBe(0);
  });

  test("a name that nobody has", async () => {
    const part = rig.backend("http://no.such.host.invalid/", { commandTimeoutMs: 300 });
    expect(told((await connectOnce(part.backend)).fault)).toMatch(
      /^backend_(unreachable|deadline): .*no\.such\.host\.invalid/,
    );
  });
});

describe("any bytes", () => {
  test("end a call in time, with a reply or a fault of one line, and the next one works", async () => {
    let bytes = "";
    const server = rig.started(
      await serveTcp((socket) =>
        socket.on("data", () => {
          socket.write(bytes, "latin1");
          if (bytes !== whole()) setTimeout(() => socket.destroy(), 10);
        }),
      ),
    );
    const mangled = fc
      .tuple(fc.nat(), fc.stringMatching(/^[\s\S]{0,4}$/))
      .map(
        ([at, put]) => whole().slice(0, at % whole().length) + put + whole().slice((at % whole().length) + 1),
      );
    await fc.assert(
      fc.asyncProperty(fc.oneof(mangled, fc.string({ maxLength: 80 })), async (given) => {
        bytes = given;
        const { backend } = rig.backend(server.port, { commandTimeoutMs: 150 });
        const { reply, fault, elapsedMs } = await connectOnce(backend);
        expect(elapsedMs).toBeLessThan(3000);
        if (reply === null) expect(told(fault)).toMatch(/^backend_\w+: /);
        await backend.close(0);
      }),
      { numRuns: 60 },
    );
    bytes = whole();
    expect((await connectOnce(rig.backend(server.port).backend)).reply?.identifiers).toBe('{"id":1}');
  }, 60_000);
});

describe("connections", () => {
  test("that the application has closed meanwhile cost no call", async () => {
    const application = rig.started(
      await serveHttp(() => ({ body: WELCOME_REPLY, headers: { Connection: "close" } })),
    );
    const part = rig.backend(application.port);
    for (let n = 0; n < 10; n += 1) expect((await connectOnce(part.backend)).fault).toBeNull();
    expect(application.opened()).toBe(10);
    expect(part.meter.totals).toMatchObject({ retries: 0, errors: 0 });
  });

  test("are given up before the application closes them, where it says when", async () => {
    const server = rig.started(await answering(whole(WELCOME, "Keep-Alive: timeout=1\r\n")));
    const part = rig.backend(server.port);
    for (let n = 0; n < 3; n += 1) await connectOnce(part.backend);
    expect(server.opened()).toBe(3);
  });

  test("that bring what nobody asked for are not used again", async () => {
    const server = rig.started(await answering(whole() + whole('{"status":2}')));
    const part = rig.backend(server.port);
    for (let n = 0; n < 3; n += 1) expect((await connectOnce(part.backend)).reply?.status).toBe("success");
    expect(server.opened()).toBe(3);
  });

  test("are as many as there are calls at a time, and all end with the backend", async () => {
    let open = 0;
    const server = rig.started(
      await serveTcp((socket) => {
        open += 1;
        socket.once("close", () => {
          open -= 1;
        });
        socket.on("data", () => setTimeout(() => socket.write(whole()), 5));
      }),
    );
    const part = rig.backend(server.port, { concurrency: 7 });
    await Promise.all(Array.from({ length: 100 }, () => connectOnce(part.backend)));
    expect([server.opened(), open, part.backend.activeConnections()]).toEqual([7, 7, 7]);
    await part.backend.close(0);
    await until(() => open === 0);
  });
});

test("answers that are too large, or break off, say that the application is there", async () => {
  const half = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{";
  const server = rig.started(await answering(half, (socket) => socket.end()));
  const part = rig.backend(server.port);
  for (let n = 0; n < 20; n += 1)
    expect(told((await connectOnce(part.backend)).fault)).toContain("cut short");
  const large = rig.backend(rig.started(await answering(whole())).port, { maxRecvBytes: 10 });
  for (let n = 0; n < 20; n += 1)
    expect(told((await connectOnce(large.backend)).fault)).toContain("too large");
  expect([...messagesAt("warn", part), ...messagesAt("warn", large)]).toEqual([]);
});

describe("an application that is down", () => {
  test("costs the first clients their time, and then nothing until it is back", async () => {
    const port = await freePort();
    const part = rig.backend(port, { commandTimeoutMs: 400 });
    const first = await Promise.all([1, 2, 3, 4].map(() => connectOnce(part.backend)));
    for (const { fault } of first) expect(told(fault)).toMatch(/^backend_unreachable: .*ECONNREFUSED/);
    await until(async () => (await connectOnce(part.backend)).elapsedMs < 100);
    expect(told((await connectOnce(part.backend)).fault)).toMatch(
      /^backend_unreachable: .*: http rpc is temporarily unavailable; the last time: .*ECONNREFUSED/,
    );
    const line = part.log.lines.find(({ message }) => message === "circuit breaker is open");
    expect(line).toMatchObject({ level: "warn", fields: { context: "cb", name: "httrpc" } });

    rig.started(await serveHttp(() => ({ body: WELCOME_REPLY }), { port }));
    await until(async () => (await connectOnce(part.backend)).reply !== null);
    for (let n = 0; n < 10; n += 1) await connectOnce(part.backend);
    expect(messagesAt("info", part)).toEqual(["circuit breaker is closed"]);
  }, 60_000);
});
