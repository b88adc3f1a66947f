import { describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import { deriveKey } from "@hawser/core/signed/derive";
import { hmacSha256Hex } from "../drivers/crypto.ts";
import { createTokens } from "../tokens/index.ts";
import {
  type CableError,
  createCable,
  createRpcHandler,
  nodeListener,
  type RequestHandler,
  type RpcHandlerOptions,
  reject,
  type SecretNotice,
} from "./index.ts";

const SECRET = "of the application";
const KEY = deriveKey(SECRET, "rpc", hmacSha256Hex);
const CHAT = '{"channel":"Chat","room":"lobby"}';
const ENV = { url: "http://cable.test/cable", headers: { cookie: "a=1" }, cstate: {}, istate: {} };

const chat = () =>
  createCable({
    connect: (env) => (env.headers.cookie === "a=1" ? { identifiers: { sid: env.sid } } : reject()),
  }).channel("Chat", {
    subscribed(ctx) {
      ctx.streamFrom("lobby");
      ctx.state.set("n", 1);
    },
    actions: {
      count(ctx) {
        ctx.state.set("n", Number(ctx.state.get("n")) + 1);
        ctx.transmit({ n: ctx.state.get("n"), claims: ctx.connection.claims });
      },
      fail() {
        throw new Error("no luck");
      },
    },
  });

const handlerOf = (options: RpcHandlerOptions = { secret: SECRET, onNotice: () => {} }) =>
  createRpcHandler(chat(), options);

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

const requestOf = ({ path = "/api/cable/connect", method = "POST", key = KEY, body, headers = {} }: Asked) =>
  new Request(`http://app.test${path}`, {
    method,
    headers: {
      "X-AnyCable-Meta-Sid": "s1",
      "X-AnyCable-Meta-Protov": "v1",
      ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
      ...headers,
    },
    ...(method === "GET"
      ? {}
      : { body: typeof body === "string" ? body : JSON.stringify(body ?? { env: ENV }) }),
  });

async function ask(handler: RequestHandler, asked: Asked = {}) {
  const response = await handler(requestOf(asked));
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
}

describe("the three calls", () => {
  test("Connect", async () => {
    const { status, headers, body } = await ask(handlerOf());
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json");
    expect(body).toEqual({
      status: 1,
      identifiers: '{"sid":"s1"}',
      transmissions: ['{"type":"welcome","sid":"s1"}'],
      error_msg: "",
      env: { cstate: {}, istate: {} },
    });
    const refused = await ask(handlerOf(), { body: { env: { ...ENV, headers: {} } } });
    expect(refused).toMatchObject({ status: 200, body: { status: 2, identifiers: "" } });
  });

  test("Command, with the state that comes and goes", async () => {
    const command = { command: "subscribe", identifier: CHAT, connection_identifiers: '"ann"', env: ENV };
    const path = "/api/cable/command";
    expect((await ask(handlerOf(), { path, body: command })).body).toEqual({
      status: 1,
      disconnect: false,
      stop_streams: false,
      streams: ["lobby"],
      stopped_streams: [],
      transmissions: [JSON.stringify({ identifier: CHAT, type: "confirm_subscription" })],
      error_msg: "",
      env: { cstate: {}, istate: { n: "1" } },
    });
    const action = {
      ...command,
      command: "message",
      data: '{"action":"count"}',
      env: { ...ENV, istate: { n: "4" } },
    };
    const claims = Buffer.from('{"ext":"x"}').toString("base64url");
    const headers = { "X-AnyCable-Meta-X-JWT-Identity": claims };
    expect((await ask(handlerOf(), { path, body: action, headers })).body).toMatchObject({
      status: 1,
      transmissions: [JSON.stringify({ identifier: CHAT, message: { n: 5, claims: { ext: "x" } } })],
      env: { istate: { n: "5" } },
    });
    const failing = { ...action, data: '{"action":"fail"}' };
    expect(await ask(handlerOf(), { path, body: failing })).toMatchObject({
      status: 200,
      body: { status: 0, error_msg: "no luck" },
    });
  });

  test("Disconnect, of which empty members may be left out", async () => {
    const gone: unknown[] = [];
    const cable = createCable({ disconnected: ({ identifiersText }) => void gone.push(identifiersText) });
    const handler = createRpcHandler(cable, { open: true });
    const path = "/disconnect";
    expect(
      await ask(handler, { path, key: null, body: { identifiers: '"ann"', subscriptions: [CHAT] } }),
    ).toMatchObject({
      status: 200,
      body: { status: 1, error_msg: "" },
    });
    expect(gone).toEqual(['"ann"']);
  });

  test("by a server of another contract are answered ERROR", async () => {
    const headers = { "X-AnyCable-Meta-Protov": "v9" };
    expect((await ask(handlerOf(), { headers })).body).toMatchObject({
      status: 0,
      error_msg: expect.stringContaining("it speaks v9"),
    });
  });
});

describe("what is no call", () => {
  test.each([
    ["another path", { path: "/api/cable/connected" }, 404, /the path has to end in/],
    ["another path, whoever asks", { path: "/", key: null }, 404, /the path has to end in/],
    ["another method", { method: "GET" }, 405, /use POST/],
    ["no key", { key: null }, 401, /not the key of this application/],
    ["the secret itself", { key: SECRET }, 401, /not the key/],
    ["a key that goes on", { key: `${KEY}0` }, 401, /not the key/],
    ["no JSON", { body: "status=1" }, 422, /not a JSON object/],
    ["an array", { body: "[]" }, 422, /not a JSON object/],
    ["nothing", { body: "" }, 422, /the body is empty; if something in front has read it/],
    ["an env that is a text", { body: { env: "x" } }, 422, /its env is not an object/],
    [
      "headers that are no texts",
      { body: { env: { headers: { a: 1 } } } },
      422,
      /its headers is not an object of texts/,
    ],
    [
      "an identifier that is an object",
      { path: "/command", body: { identifier: {} } },
      422,
      /its identifier is not a text/,
    ],
    [
      "subscriptions of another kind",
      { path: "/disconnect", body: { subscriptions: [1] } },
      422,
      /its subscriptions/,
    ],
  ] as [string, Asked, number, RegExp][])("%s", async (_what, asked, status, error) => {
    const answer = await ask(handlerOf(), asked);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toMatch(error);
  });

  test("a body over the limit, whether it says so or not", async () => {
    const handler = handlerOf({ secret: SECRET, maxBodyBytes: 100, onNotice: () => {} });
    const body = { env: { url: "x".repeat(200) } };
    expect(await ask(handler, { body })).toMatchObject({
      status: 413,
      body: { error: expect.stringContaining("100") },
    });
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(60));
      },
    });
    const request = new Request("http://app.test/connect", {
      method: "POST",
      headers: { Authorization: `Bearer ${KEY}` },
      body: endless,
    });
    expect((await handler(request)).status).toBe(413);
    expect(pulled).toBeLessThan(10);
  });

  test("handlers of one's own that reject", async () => {
    const fail = () => Promise.reject(new Error("not today"));
    const handler = createRpcHandler({ connect: fail, command: fail, disconnect: fail }, { open: true });
    expect(await ask(handler)).toMatchObject({ status: 500, body: { error: "not today" } });
  });
});

describe("who may call", () => {
  test("has to be said", () => {
    const refusals: readonly (readonly [RpcHandlerOptions, RegExp])[] = [
      [{}, /whoever can call it can speak for any client/],
      [{ secret: undefined }, /whoever can call it/],
      [{ secret: "" }, /an empty secret or key is none/],
      [{ secret: "s", furtherSecrets: [""] }, /an empty secret or key is none/],
      [{ furtherSecrets: ["s"] }, /whoever can call it/],
      [{ open: true, key: "k" }, /exclude each other/],
      [{ key: "k", verifyTokens: true }, /Cannot verify tokens without the secret/],
    ];
    for (const [options, message] of refusals) {
      const attempt = () => handlerOf({ onNotice: () => {}, ...options });
      expect(attempt).toThrow(message);
      try {
        attempt();
      } catch (thrown) {
        expect((thrown as CableError).code).toBe("config_invalid");
      }
    }
  });

  test("is who has the key, or a further one", async () => {
    const options = {
      key: "new",
      furtherKeys: ["old"],
      secret: SECRET,
      furtherSecrets: ["older"],
      onNotice: () => {},
    };
    const handler = handlerOf(options);
    const statusFor = async (key: string) => (await ask(handler, { key })).status;
    expect(
      await Promise.all(["new", "old", deriveKey("older", "rpc", hmacSha256Hex)].map(statusFor)),
    ).toEqual([200, 200, 200]);
    // The server has a key of its own then, and presents none that is derived.
    expect(await statusFor(KEY)).toBe(401);
  });
});

describe("secrets and tokens", () => {
  test("fingerprints go both ways, and a difference is told once", async () => {
    const notices: SecretNotice[] = [];
    const handler = handlerOf({ secret: SECRET, onNotice: (notice) => notices.push(notice) });
    const header = "x-anycable-meta-x-anycable-secret-fp";
    for (let n = 0; n < 2; n += 1) {
      const { headers } = await ask(handler, { headers: { [header]: "12345678" } });
      expect(headers.get(header)).toMatch(/^[0-9a-f]{8}$/);
    }
    expect(notices.map(({ level }) => level)).toEqual(["info", "warn"]);
    expect((await handler(requestOf({ key: null }))).headers.get(header)).toBeNull();
  });

  test("verifyTokens refuses a call whose token fails", async () => {
    const handler = handlerOf({ secret: SECRET, verifyTokens: true, onNotice: () => {} });
    const withToken = (token: string) => ({
      body: { env: { ...ENV, url: `http://cable.test/cable?jid=${token}` } },
    });
    const good = createTokens({ secret: SECRET }).issue("ann");
    const forged = createTokens({ secret: "another" }).issue("ann");
    expect((await ask(handler, withToken(good))).body.status).toBe(1);
    expect((await ask(handler, withToken(forged))).body).toMatchObject({
      status: 2,
      error_msg: expect.stringContaining("bad_signature"),
    });
  });
});

test("behind node:http it answers as it is, also where a parser has read the body before", async () => {
  const listener = nodeListener(handlerOf());
  const server = createServer(async (incoming, outgoing) => {
    if (incoming.url?.startsWith("/parsed") === true) {
      let text = "";
      for await (const part of incoming) text += part;
      Object.assign(incoming, { body: JSON.parse(text) });
    }
    listener(incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    for (const path of ["/plain/connect", "/parsed/connect"]) {
      const request = requestOf({ path });
      const url = `http://127.0.0.1:${Object(server.address()).port}${path}`;
      const response = await fetch(url, {
        method: "POST",
        headers: request.headers,
        body: await request.text(),
      });
      expect(await response.json()).toMatchObject({ status: 1, identifiers: '{"sid":"s1"}' });
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
