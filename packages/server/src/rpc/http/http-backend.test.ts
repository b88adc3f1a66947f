import { describe, expect, test } from "bun:test";
import { CallScope } from "@hawser/core/rpc/backend";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { RecordingLog } from "@hawser/core/testing/recording-log";
import { serveTcp } from "../../../test/support/grpc-servers.ts";
import { serveHttp, WELCOME_REPLY } from "../../../test/support/http-application.ts";
import {
  COMMAND_REQUEST,
  CONNECT_REQUEST,
  CONNECT_WITH_STATE,
  connectOnce,
  DISCONNECT_REQUEST,
  told,
  until,
  useHttpRig,
  WELCOMED,
  WHOLE_REPLY,
} from "../../../test/support/rpc-rig.ts";
import { SecretCheck } from "../calls/secret-check.ts";

const rig = useHttpRig();

describe("what the application is told, and says", () => {
  test("Connect: the env as it is, the session and the secret in headers", async () => {
    const application = rig.started(await serveHttp(() => ({ body: WELCOME_REPLY })));
    const { backend } = rig.backend(application.port, { secret: () => "s3cret" });
    const { reply } = await connectOnce(backend, CONNECT_WITH_STATE);
    expect(reply).toEqual(WELCOMED);
    const [call] = application.calls;
    expect(call?.path).toBe("/_anycable/connect");
    expect(JSON.parse(call?.body ?? "")).toEqual({
      env: {
        url: "http://localhost/cable",
        headers: { cookie: "a=b", REMOTE_ADDR: "127.0.0.1" },
        cstate: { k: "v" },
      },
    });
    expect(call?.headers).toEqual({
      host: `127.0.0.1:${application.port}`,
      "user-agent": "hawser",
      authorization: "Bearer s3cret",
      "x-anycable-meta-sid": "sid-1",
      "x-anycable-meta-protov": "v1",
      "content-type": "application/json",
      "content-length": `${Buffer.byteLength(call?.body ?? "")}`,
    });
  });

  test("Command: every field both ways", async () => {
    const application = rig.started(
      await serveHttp(() => ({
        body: {
          status: 2,
          disconnect: true,
          stop_streams: true,
          streams: ["a", "b"],
          transmissions: ["é\u2028"],
          error_msg: "e",
          env: { cstate: { c: "" }, istate: { i: "1" } },
          stopped_streams: ["s"],
          presence: { type: "join", id: "7", info: '{"name":"Ann"}', ttl: 5 },
          of_a_later_contract: 1,
        },
      })),
    );
    const { backend, meter } = rig.backend(application.port);
    const reply = await backend.command(
      { ...COMMAND_REQUEST, env: { ...COMMAND_REQUEST.env, istate: { room: "ö" } } },
      new CallScope(),
    );
    expect(reply).toEqual(WHOLE_REPLY);
    const [call] = application.calls;
    expect(call?.path).toBe("/_anycable/command");
    expect(call?.headers.authorization).toBeUndefined();
    expect(JSON.parse(call?.body ?? "")).toEqual({
      command: "message",
      identifier: '{"channel":"Chat"}',
      connection_identifiers: '{"id":1}',
      data: '{"action":"say"}',
      env: { url: "http://localhost/cable", headers: CONNECT_REQUEST.env.headers, istate: { room: "ö" } },
    });
    expect(meter.totals).toMatchObject({ calls: 1, errors: 0 });
  });

  test("Disconnect: the channels and their states", async () => {
    const application = rig.started(await serveHttp(() => ({ body: { status: 1 } })));
    const { backend } = rig.backend(application.port);
    expect(await backend.disconnect(DISCONNECT_REQUEST, new CallScope())).toEqual({
      status: "success",
      errorMessage: "",
    });
    expect(application.calls[0]?.path).toBe("/_anycable/disconnect");
    expect(JSON.parse(application.calls[0]?.body ?? "")).toEqual({
      identifiers: '{"id":1}',
      subscriptions: ['{"channel":"Chat"}'],
      env: {
        url: "http://localhost/cable",
        headers: CONNECT_REQUEST.env.headers,
        istate: DISCONNECT_REQUEST.env.istate,
      },
    });
  });

  test("what is empty is left out, as by protobuf", async () => {
    const application = rig.started(await serveHttp(() => ({ body: {} })));
    const { backend } = rig.backend(application.port);
    const env = { url: "", headers: {}, cstate: {}, istate: {} };
    const scope = new CallScope();
    await backend.command({ ...COMMAND_REQUEST, connectionIdentifiers: "", data: "", env }, scope);
    await backend.disconnect({ ...CONNECT_REQUEST, env, identifiers: "", subscriptions: [] }, scope);
    expect(application.calls.map(({ body }) => body)).toEqual([
      '{"command":"message","identifier":"{\\"channel\\":\\"Chat\\"}","env":{}}',
      '{"env":{}}',
    ]);
  });

  test("verified claims travel in the env's headers and in the metadata; a client's header like that does not", async () => {
    const application = rig.started(await serveHttp(() => ({ body: WELCOME_REPLY })));
    const { backend } = rig.backend(application.port);
    const headers = { cookie: "a=b", "x-jwt-identity": "forged" };
    const request = { ...CONNECT_REQUEST, env: { ...CONNECT_REQUEST.env, headers } };
    await connectOnce(backend, request);
    await connectOnce(backend, { ...request, jwtIdentity: "verified" });
    const seen = application.calls.map(({ body }) => JSON.parse(body).env.headers);
    expect(seen).toEqual([{ cookie: "a=b" }, { cookie: "a=b", "x-jwt-identity": "verified" }]);
    const metadata = application.calls.map(({ headers: all }) => all["x-anycable-meta-x-jwt-identity"]);
    expect(metadata).toEqual([undefined, "verified"]);
  });

  test.each([
    ["é ü\n", "%C3%A9 %C3%BC%0A"],
    ["\ud800 lone", "%EF%BF%BD lone"],
    ["a\r\nx-admin: 1", "a%0D%0Ax-admin: 1"],
  ])("a session id that no header can carry is escaped: %j", async (sid, sent) => {
    const application = rig.started(await serveHttp(() => ({ body: WELCOME_REPLY })));
    const { backend } = rig.backend(application.port);
    expect((await connectOnce(backend, { ...CONNECT_REQUEST, sid })).fault).toBeNull();
    expect(application.calls[0]?.headers).toMatchObject({ "x-anycable-meta-sid": sent });
    expect(application.calls[0]?.headers).not.toHaveProperty("x-admin");
  });

  test("half of a character, which strict parsers refuse, is replaced, and its like in plain text stays", async () => {
    const application = rig.started(await serveHttp(() => ({ body: {} })));
    const { backend } = rig.backend(application.port);
    const data = "\ud83d|\udc00\udc00|😀|\\ud800|\\\\\ud800";
    await backend.command({ ...COMMAND_REQUEST, data }, new CallScope());
    expect(application.calls[0]?.body).not.toMatch(/[^\\](\\\\)*\\ud[89a-f]/);
    expect(JSON.parse(application.calls[0]?.body ?? "").data).toBe(data.toWellFormed());
  });

  test("the URL's own path and query stay, with a slash at its end or without", async () => {
    const application = rig.started(await serveHttp(() => ({ body: WELCOME_REPLY })));
    for (const path of ["", "/", "/api/anycable/", "/a?x=1"]) {
      await connectOnce(rig.backend(`http://127.0.0.1:${application.port}${path}`).backend);
    }
    expect(application.calls.map((call) => call.path)).toEqual([
      "/connect",
      "/connect",
      "/api/anycable/connect",
      "/a/connect?x=1",
    ]);
  });

  test("the secret is the one of the moment", async () => {
    const application = rig.started(await serveHttp(() => ({ body: WELCOME_REPLY })));
    let secret: string | null = "one";
    const { backend } = rig.backend(application.port, { secret: () => secret });
    await connectOnce(backend);
    secret = "two";
    await connectOnce(backend);
    expect(application.calls.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer one",
      "Bearer two",
    ]);
  });

  test("calls one after another share a connection", async () => {
    const application = rig.started(await serveHttp(() => ({ body: WELCOME_REPLY })));
    const { backend } = rig.backend(application.port);
    for (let n = 0; n < 20; n += 1) await connectOnce(backend);
    expect(application.opened()).toBe(1);
  });
});

describe("the comparison of secrets", () => {
  test("fingerprints go out with every call, and an answer is heard", async () => {
    const log = new RecordingLog();
    const secrets = new SecretCheck(log);
    secrets.use({ active: ["aaaaaaaa"], former: [] });
    const header = "X-AnyCable-Meta-X-AnyCable-Secret-FP";
    const application = rig.started(
      await serveHttp(() => ({ body: WELCOME_REPLY, headers: { [header]: "12345678" } })),
    );
    const { backend } = rig.backend(application.port, { secrets });
    for (let n = 0; n < 2; n += 1) await connectOnce(backend);
    expect(application.calls.map(({ headers }) => headers[header.toLowerCase()])).toEqual([
      "aaaaaaaa",
      "aaaaaaaa",
    ]);
    expect(log.lines.map(({ level, fields }) => [level, fields?.app_fp])).toEqual([["warn", "12345678"]]);
  });
});

describe("the start", () => {
  test("asks for the endpoint, which is no call, until anything answers", async () => {
    const application = rig.started(await serveHttp(() => ({ body: WELCOME_REPLY })));
    const part = rig.backend(application.port);
    expect(part.backend.hasAnswered()).toBe(false);
    part.backend.start();
    await until(() => part.backend.hasAnswered());
    expect(application.calls).toEqual([]);
    expect(part.log.lines.map(({ message }) => message)).toEqual([
      `RPC controller initialized: http://127.0.0.1:${application.port}/_anycable (concurrency: 28, impl: http, enable_tls: false, proto_versions: v1, proxy_headers: cookie, proxy_cookies: <all>)`,
    ]);
  });

  test("asks again when nothing came of it, or nothing comes at all", async () => {
    const clock = new ManualClock();
    let asked = 0;
    const server = rig.started(
      await serveTcp((socket) =>
        socket.on("data", () => {
          asked += 1;
          if (asked === 1) socket.destroy();
          if (asked === 3) socket.write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        }),
      ),
    );
    const { backend } = rig.backend(server.port, { clock });
    backend.start();
    await until(() => asked === 1 && clock.pendingTimers === 1);
    // What has become of the first is seen a little later; until then its own time is running.
    for (let n = 0; n < 6 && asked === 1; n += 1) {
      clock.advance(1000);
      await Bun.sleep(20);
    }
    await until(() => asked === 2);
    expect(backend.hasAnswered()).toBe(false);
    clock.advance(5000);
    await until(() => backend.hasAnswered());
    expect([asked, clock.pendingTimers]).toEqual([3, 0]);
  });
});

describe("an application that says no", () => {
  test.each([
    [
      401,
      "",
      /^backend_failed: the RPC backend at 127.0.0.1:\d+ refused Connect: http returned 401; give both/,
    ],
    [
      400,
      "what?",
      /^backend_failed: the RPC backend at 127.0.0.1:\d+ answered Connect with HTTP 400: what\?$/,
    ],
    [422, "x".repeat(500), /answered Connect with HTTP 422: x{100}\.\.\.$/],
    [404, "", /answered Connect with HTTP 404: no reason given; check the path of rpc_host$/],
    [500, "boom\nat line 3", /answered Connect with HTTP 500: boom at line 3$/],
    [503, "later", /answered Connect with HTTP 503: later$/],
    [201, "{}", /answered Connect with HTTP 201: \{\}$/],
    [204, "", /answered Connect with HTTP 204: no reason given$/],
  ])("with %i is not asked again", async (status, body, line) => {
    const application = rig.started(await serveHttp(() => ({ status, body })));
    const part = rig.backend(application.port);
    expect(told((await connectOnce(part.backend)).fault)).toMatch(line);
    expect(application.calls.length).toBe(1);
    expect(part.meter.totals).toMatchObject({ calls: 1, errors: 1, retries: 0 });
  });

  test.each([307, 308])("with %i at its own place is followed, with the call as it was", async (status) => {
    const application = rig.started(
      await serveHttp(({ path }) =>
        path.endsWith("/") ? { body: WELCOME_REPLY } : { status, headers: { Location: `${path}/` } },
      ),
    );
    const part = rig.backend(application.port, { secret: () => "s" });
    expect((await connectOnce(part.backend)).reply?.status).toBe("success");
    const [first, second] = application.calls;
    expect(second).toMatchObject({ path: "/_anycable/connect/", body: first?.body });
    expect(second?.headers.authorization).toBe("Bearer s");
    expect(part.meter.totals).toMatchObject({ calls: 1, errors: 0, retries: 0 });
  });

  test.each([
    ["somewhere else", 308, "http://127.0.0.2:9/connect"],
    ["with another method", 301, "/login"],
    ["nowhere", 307, "http://["],
  ])(
    "by a redirect %s is told where it leads, and nobody gets the secret",
    async (_what, status, location) => {
      const application = rig.started(await serveHttp(() => ({ status, headers: { Location: location } })));
      const part = rig.backend(application.port, { secret: () => "s" });
      expect(told((await connectOnce(part.backend)).fault)).toBe(
        `backend_failed: the RPC backend at 127.0.0.1:${application.port} answered Connect with HTTP ${status}: it leads to ${location}; give the final URL in rpc_host`,
      );
      expect(application.calls.length).toBe(1);
    },
  );

  test("by redirects that never end", async () => {
    const application = rig.started(
      await serveHttp(() => ({ status: 308, headers: { Location: "/again" } })),
    );
    const { backend } = rig.backend(application.port);
    expect(told((await connectOnce(backend)).fault)).toContain("HTTP 308");
    expect(application.calls.length).toBe(4);
  });

  test.each([
    ["no JSON", "<html>Welcome!</html>"],
    ["an array", "[1]"],
    ["a status by name, which the reference does not read either", { status: "SUCCESS" }],
    ["transmissions that are objects", { status: 1, transmissions: [{ type: "welcome" }] }],
    ["state that is no text", { status: 1, env: { cstate: { a: 1 } } }],
    ["identifiers that are an object", { status: 1, identifiers: { id: 1 } }],
  ])("with 200 and %s is no reply", async (_what, body) => {
    const application = rig.started(await serveHttp(() => ({ body })));
    const part = rig.backend(application.port);
    expect(told((await connectOnce(part.backend)).fault)).toMatch(
      /^backend_protocol: the RPC backend at 127.0.0.1:\d+ answered Connect with \d+ characters that are no reply: .*; check that it serves AnyCable's RPC over HTTP$/,
    );
    expect(part.meter.totals).toMatchObject({ calls: 1, errors: 1, retries: 0 });
  });
});
