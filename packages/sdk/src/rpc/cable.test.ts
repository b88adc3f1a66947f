import { describe, expect, test } from "bun:test";
import { type CommandMessage, type CommandResponse, Status } from "@hawser/proto/gen/rpc";
import { type CallMetadata, createCable, type JsonObject, reject } from "./index.ts";

const META: CallMetadata = { sid: "s1", protocolVersions: ["v1"], jwtIdentity: null };
const ENV = { url: "http://cable.test/cable?x=1", headers: { cookie: "a=1" }, cstate: {}, istate: {} };
const CHAT = '{"channel":"Chat","room":"lobby"}';
const ANN = '{"name":"ann"}';

/** base64url of JSON, as the server sends claims. */
const segment = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const text = (raw: JsonObject, name: string): string => {
  const value = raw[name];
  if (typeof value !== "string" || value === "") throw new Error(`${name} must be a text`);
  return value;
};
const message = (command: string, more: Partial<CommandMessage> = {}): CommandMessage => ({
  command,
  identifier: CHAT,
  connectionIdentifiers: ANN,
  data: "",
  env: ENV,
  ...more,
});
const action = (data: unknown, more: Partial<CommandMessage> = {}) =>
  message("message", { data: JSON.stringify(data), ...more });
const parsed = (reply: { transmissions: string[] }) => reply.transmissions.map((frame) => JSON.parse(frame));

describe("connect", () => {
  test("lets a client in with a welcome, identifiers and state", async () => {
    const cable = createCable({
      connect(env) {
        env.cstate.set("locale", "en");
        return { identifiers: { from: env.headers.cookie, url: env.url } };
      },
    });
    expect(await cable.connect({ env: ENV }, META)).toEqual({
      status: Status.SUCCESS,
      identifiers: '{"from":"a=1","url":"http://cable.test/cable?x=1"}',
      transmissions: ['{"type":"welcome","sid":"s1"}'],
      errorMsg: "",
      env: { cstate: { locale: '"en"' }, istate: {} },
    });
  });

  test("welcomes without a session id when the server sent none", async () => {
    const cable = createCable({ connect: () => ({ identifiers: "me" }) });
    const reply = await cable.connect({ env: undefined }, { ...META, sid: "" });
    expect(reply.transmissions).toEqual(['{"type":"welcome"}']);
    expect(reply.identifiers).toBe("me");
  });

  test("keeps a client out with a reason of its own", async () => {
    const refused = (rejection: ReturnType<typeof reject>) =>
      createCable({ connect: async () => rejection }).connect({ env: ENV }, META);
    expect(await refused(reject())).toEqual({
      status: Status.FAILURE,
      identifiers: "",
      transmissions: ['{"type":"disconnect","reason":"unauthorized","reconnect":false}'],
      errorMsg: "",
      env: undefined,
    });
    expect((await refused(reject({ reason: "maintenance", reconnect: true }))).transmissions).toEqual([
      '{"type":"disconnect","reason":"maintenance","reconnect":true}',
    ]);
  });

  test("gives cookies by name, however the header is written", async () => {
    const seen: unknown[] = [];
    const cable = createCable({
      connect(env) {
        seen.push({ ...env.cookies });
        return { identifiers: "me" };
      },
    });
    const cookies = [
      // The server ends each pair with a semicolon; browsers part them with a semicolon and a space.
      "a=1;b=2;",
      'a=1; b="x y"; a=9; c=%C3%A9; d=100%; e=f=g; =h; i;',
    ];
    for (const cookie of cookies) await cable.connect({ env: { ...ENV, headers: { cookie } } }, META);
    await cable.connect({ env: { ...ENV, headers: {} } }, META);
    expect(seen).toEqual([{ a: "1", b: "2" }, { a: "1", b: "x y", c: "é", d: "100%", e: "f=g" }, {}]);
  });

  test("without a handler nobody gets in", async () => {
    expect((await createCable({}).connect({ env: ENV }, META)).status).toBe(Status.FAILURE);
  });

  test("a handler that throws is an error with its message, which the application is told of as well", async () => {
    const seen: unknown[] = [];
    const boom = new Error("no database");
    const cable = createCable({
      connect() {
        throw boom;
      },
      onError: (error, during) => seen.push(during, error),
    });
    expect(await cable.connect({ env: ENV }, META)).toMatchObject({
      status: Status.ERROR,
      errorMsg: "no database",
      transmissions: [],
    });
    expect(seen).toEqual(["connect", boom]);
  });

  test("a client with a verified token may stay who the token says; one without must be named", async () => {
    const cable = createCable({ connect: (env) => (env.claims?.sub === "banned" ? reject() : {}) });
    const jwtIdentity = segment({ ext: "x", sub: "ann" });
    expect(await cable.connect({ env: ENV }, { ...META, jwtIdentity })).toMatchObject({
      status: Status.SUCCESS,
      identifiers: "",
    });
    const banned = { ...META, jwtIdentity: segment({ sub: "banned" }) };
    expect((await cable.connect({ env: ENV }, banned)).status).toBe(Status.FAILURE);
    expect(await cable.connect({ env: ENV }, META)).toMatchObject({
      status: Status.ERROR,
      errorMsg: expect.stringContaining("without saying who it is"),
    });
  });

  test("claims come from what the server says, never from a header that a client could have sent", async () => {
    let claims: unknown;
    let headers: unknown;
    const cable = createCable({
      connect(env) {
        claims = env.claims;
        headers = env.headers;
        return { identifiers: "x" };
      },
    });
    const forged = { ...ENV, headers: { cookie: "a=1", "x-jwt-identity": segment({ sub: "root" }) } };
    await cable.connect({ env: forged }, META);
    expect(claims).toBeNull();
    expect(headers).toEqual({ cookie: "a=1" });
    await cable.connect({ env: forged }, { ...META, jwtIdentity: segment({ sub: "ann" }) });
    expect(claims).toEqual({ sub: "ann" });
    for (const garbage of ["%%%", segment([1]), Buffer.from([0xff]).toString("base64url")]) {
      expect(await cable.connect({ env: forged }, { ...META, jwtIdentity: garbage })).toMatchObject({
        status: Status.ERROR,
        errorMsg: expect.stringContaining("x-jwt-identity"),
      });
    }
  });
});

describe("subscribe", () => {
  const subscribe = (cable: ReturnType<typeof createCable>, more: Partial<CommandMessage> = {}) =>
    cable.command(message("subscribe", more), META);

  test("streams, transmissions and state of the handler, then the confirmation", async () => {
    const cable = createCable({}).channel("Chat", {
      params: (raw) => ({ room: text(raw, "room") }),
      async subscribed(ctx, params) {
        await Promise.resolve();
        ctx.streamFrom(`chat:${params.room}`);
        ctx.streamFrom("all");
        ctx.streamFrom("all");
        ctx.stopStream("old");
        ctx.transmit({ hello: ctx.connection.identifiers });
        ctx.state.set("seen", { n: 1 });
        ctx.connection.cstate.set("rooms", 1);
      },
    });
    expect(await subscribe(cable)).toEqual({
      status: Status.SUCCESS,
      disconnect: false,
      stopStreams: false,
      streams: ["chat:lobby", "all"],
      stoppedStreams: ["old"],
      transmissions: [
        `{"identifier":${JSON.stringify(CHAT)},"message":{"hello":{"name":"ann"}}}`,
        `{"identifier":${JSON.stringify(CHAT)},"type":"confirm_subscription"}`,
      ],
      errorMsg: "",
      env: { cstate: { rooms: "1" }, istate: { seen: '{"n":1}' } },
      presence: undefined,
    });
  });

  test("a rejection has what was transmitted, no streams and no channel state", async () => {
    const cable = createCable({}).channel("Chat", {
      subscribed(ctx) {
        ctx.streamFrom("secret");
        ctx.state.set("a", 1);
        ctx.connection.cstate.set("refusals", 1);
        ctx.transmit({ error: "staff only" });
        ctx.reject();
        ctx.streamFrom("secret too");
      },
    });
    expect(await subscribe(cable)).toMatchObject({
      status: Status.FAILURE,
      streams: [],
      stoppedStreams: [],
      stopStreams: true,
      transmissions: [
        `{"identifier":${JSON.stringify(CHAT)},"message":{"error":"staff only"}}`,
        `{"identifier":${JSON.stringify(CHAT)},"type":"reject_subscription"}`,
      ],
      env: { cstate: { refusals: "1" }, istate: {} },
    });
  });

  test("parameters are what stands beside the channel's name", async () => {
    let seen: JsonObject = {};
    const cable = createCable({}).channel("Chat", {
      subscribed(_ctx, params) {
        seen = params;
      },
    });
    await subscribe(cable, { identifier: '{"channel":"Chat","room":"lobby","page":[1]}' });
    expect(seen).toEqual({ room: "lobby", page: [1] });
  });

  test("a channel without handlers confirms", async () => {
    expect(parsed(await subscribe(createCable({}).channel("Chat", {})))).toEqual([
      { identifier: CHAT, type: "confirm_subscription" },
    ]);
  });

  test("what names no channel is rejected, and the operator reads why", async () => {
    const cable = createCable({}).channel("Chat", {});
    for (const identifier of ["", "Chat", "[]", "null", "{}", '{"channel":"chat"}', '{"channel":["Chat"]}']) {
      const reply = await subscribe(cable, { identifier });
      expect(reply).toMatchObject({ status: Status.FAILURE, errorMsg: "no such channel", streams: [] });
      expect(parsed(reply)).toEqual([{ identifier, type: "reject_subscription" }]);
    }
    for (const channel of ["constructor", "__proto__", "toString"]) {
      expect(await subscribe(cable, { identifier: JSON.stringify({ channel }) })).toMatchObject({
        errorMsg: "no such channel",
      });
    }
  });

  test("parameters that the parser refuses are rejected before any handler runs", async () => {
    let ran = false;
    const cable = createCable({}).channel("Chat", {
      params: (raw) => ({ room: text(raw, "room") }),
      subscribed() {
        ran = true;
      },
    });
    const reply = await subscribe(cable, { identifier: '{"channel":"Chat","room":7}' });
    expect(reply).toMatchObject({
      status: Status.FAILURE,
      errorMsg: "invalid parameters: room must be a text",
    });
    expect(parsed(reply)[0].type).toBe("reject_subscription");
    expect(ran).toBe(false);
  });

  test("a handler that throws takes no effect at all", async () => {
    const cable = createCable({}).channel("Chat", {
      async subscribed(ctx) {
        ctx.streamFrom("a");
        ctx.transmit(1);
        await Promise.reject(new TypeError("boom"));
      },
    });
    expect(await subscribe(cable)).toEqual({
      status: Status.ERROR,
      disconnect: false,
      stopStreams: false,
      streams: [],
      stoppedStreams: [],
      transmissions: [],
      errorMsg: "boom",
      env: undefined,
      presence: undefined,
    });
  });

  test("telling the client to go comes last, and no stream stays", async () => {
    const cable = createCable({}).channel("Chat", {
      subscribed(ctx) {
        ctx.disconnect({ reason: "banned" });
        ctx.streamFrom("a");
      },
    });
    const reply = await subscribe(cable);
    expect(reply).toMatchObject({ disconnect: true, stopStreams: true, streams: [] });
    expect(reply.transmissions.at(-1)).toBe('{"type":"disconnect","reason":"banned","reconnect":false}');
  });

  test("a context is of no use once its reply has gone out", async () => {
    let late: () => void = () => {};
    const cable = createCable({}).channel("Chat", {
      subscribed(ctx) {
        late = () => ctx.transmit("too late");
      },
    });
    await subscribe(cable);
    expect(late).toThrow("Cannot transmit: the reply to this call has gone out");
  });
});

describe("presence", () => {
  const cable = createCable({}).channel("Chat", {
    subscribed(ctx) {
      ctx.streamFrom("room");
      ctx.joinPresence("room", "ann", { name: "Ann" });
    },
    actions: {
      away: (ctx) => ctx.leavePresence(),
      bare: (ctx) => ctx.joinPresence("room", "ann"),
      both(ctx) {
        ctx.leavePresence();
        ctx.joinPresence("other", "ben", null);
      },
      nobody: (ctx) => ctx.joinPresence("room", ""),
      nowhere: (ctx) => ctx.joinPresence("", "ann"),
      function: (ctx) => ctx.joinPresence("room", "ann", () => {}),
      out(ctx) {
        ctx.leavePresence();
        ctx.disconnect();
      },
    },
  });
  const subscribe = (to: typeof cable, more: Partial<CommandMessage> = {}) =>
    to.command(message("subscribe", more), META);
  const perform = (action: string) =>
    subscribe(cable, { command: "message", data: JSON.stringify({ action }) });

  test("begins with the reply, on a stream that the state names", async () => {
    expect(await subscribe(cable)).toMatchObject({
      streams: ["room"],
      env: { istate: { $p: "room" } },
      presence: { type: "join", id: "ann", info: '{"name":"Ann"}', ttl: 0 },
    });
    expect(await perform("bare")).toMatchObject({ presence: { type: "join", id: "ann", info: "" } });
  });

  test("ends with the reply to an action; the last word of a call counts", async () => {
    expect(await perform("away")).toMatchObject({ presence: { type: "leave" } });
    expect(await perform("both")).toMatchObject({
      env: { istate: { $p: "other" } },
      presence: { type: "join", id: "ben", info: "null" },
    });
    expect((await perform("out")).presence).toBeUndefined();
  });

  test("asks for a stream, an id and info that has JSON", async () => {
    const empty = "Cannot join presence: the stream or the id is empty. Name a stream, and who is there.";
    for (const action of ["nobody", "nowhere"]) {
      expect(await perform(action)).toMatchObject({ status: Status.ERROR, errorMsg: empty });
    }
    expect((await perform("function")).errorMsg).toStartWith("Cannot join presence: function is not JSON");
  });

  test("of a rejected subscription does not begin", async () => {
    const staff = createCable({}).channel("Chat", {
      subscribed(ctx) {
        ctx.joinPresence("room", "ann");
        ctx.reject();
      },
    });
    expect(await subscribe(staff)).toMatchObject({ status: Status.FAILURE, presence: undefined });
  });

  test("is the client's own affair where a stream is started so", async () => {
    const open = createCable({}).channel("Chat", {
      subscribed: (ctx) => ctx.streamFrom("room", { presence: true }),
    });
    const reply = await subscribe(open);
    expect(reply.env?.istate).toEqual({ $p: "room" });
    expect(reply.presence).toBeUndefined();
  });
});

describe("whispers", () => {
  const cable = createCable({}).channel("Chat", {
    subscribed(ctx) {
      ctx.streamFrom("a", { whisper: true });
      ctx.streamFrom("b", { whisper: true });
      ctx.streamFrom("c", { whisper: false });
    },
    actions: {
      stop(ctx, { stream }) {
        ctx.stopStream(String(stream));
      },
      stopAll(ctx) {
        ctx.stopAllStreams();
      },
      restart(ctx) {
        ctx.stopStream("b");
        ctx.streamFrom("b", { whisper: true });
      },
    },
  });
  const istateOf = async (data: JsonObject, istate: Record<string, string> = { $w: "b" }) =>
    (await cable.command(action(data, { env: { ...ENV, istate } }), META)).env?.istate;

  test("go to the last stream that was started for them, by its bare name", async () => {
    const reply = await cable.command(message("subscribe"), META);
    expect(reply).toMatchObject({ streams: ["a", "b", "c"], env: { istate: { $w: "b" } } });
  });

  test("end with their stream, and with no other", async () => {
    expect(await istateOf({ action: "stop", stream: "b" })).toEqual({ $w: "" });
    expect(await istateOf({ action: "stop", stream: "a" })).toEqual({});
    expect(await istateOf({ action: "stopAll" })).toEqual({ $w: "" });
    expect(await istateOf({ action: "stopAll" }, {})).toEqual({});
    expect(await istateOf({ action: "restart" })).toEqual({ $w: "b" });
  });
});

describe("actions", () => {
  const chat = createCable({}).channel("Chat", {
    data: { speak: (raw) => ({ text: text(raw, "text") }) },
    actions: {
      speak(ctx, data) {
        ctx.transmit(`${data.text} from ${JSON.stringify(ctx.connection.identifiers)}`);
      },
      receive(ctx, data) {
        ctx.transmit({ received: data });
      },
      leave(ctx) {
        ctx.stopStream("a");
        ctx.streamFrom("never started");
        ctx.stopAllStreams();
        ctx.streamFrom("b");
      },
      async go(ctx) {
        ctx.disconnect({ reconnect: true });
      },
      no(ctx) {
        ctx.reject();
      },
    },
  });
  const perform = (data: unknown, more: Partial<CommandMessage> = {}): Promise<CommandResponse> =>
    chat.command(action(data, more), META);

  test("get their data by name, typed by the parser", async () => {
    const reply = await perform({ action: "speak", text: "hi" });
    expect(reply).toMatchObject({ status: Status.SUCCESS, streams: [], stopStreams: false });
    expect(parsed(reply)).toEqual([{ identifier: CHAT, message: 'hi from {"name":"ann"}' }]);
  });

  test("data without an action goes to `receive`", async () => {
    expect(parsed(await perform({ a: 1 }))[0].message).toEqual({ received: { a: 1 } });
  });

  test("stop and start streams in the order that the server applies", async () => {
    expect(await perform({ action: "leave" })).toMatchObject({
      stopStreams: true,
      stoppedStreams: [],
      streams: ["b"],
    });
  });

  test("can end the connection", async () => {
    expect(await perform({ action: "go" })).toMatchObject({
      disconnect: true,
      stopStreams: true,
      transmissions: ['{"type":"disconnect","reason":"remote","reconnect":true}'],
    });
  });

  test("cannot reject what is confirmed", async () => {
    expect((await perform({ action: "no" })).errorMsg).toContain("only `subscribed` decides");
  });

  test("what no action can take fails quietly towards the client", async () => {
    const cases: Array<[unknown, string]> = [
      [{ action: "shout" }, "no such action"],
      [{ action: "constructor" }, "no such action"],
      [{ action: "toString" }, "no such action"],
      [{ action: 1 }, "no such action"],
      [{ action: "speak", text: 5 }, "invalid data: text must be a text"],
      [[1], "data is not a JSON object"],
      ["text", "data is not a JSON object"],
    ];
    for (const [data, errorMsg] of cases) {
      expect(await perform(data)).toMatchObject({ status: Status.FAILURE, transmissions: [], errorMsg });
    }
    expect(await chat.command(message("message", { data: "{" }), META)).toMatchObject({
      errorMsg: "data is not a JSON object",
    });
    expect((await perform({}, { identifier: '{"channel":"Other"}' })).errorMsg).toBe("no such channel");
  });
});

describe("state", () => {
  const counter = createCable({}).channel("Chat", {
    actions: {
      count(ctx) {
        const before = ctx.state.get("count");
        ctx.state.set("count", typeof before === "number" ? before + 1 : 1);
        ctx.transmit({
          before: before ?? null,
          after: ctx.state.get("count") ?? null,
          foreign: ctx.state.get("foreign") ?? null,
        });
      },
      reset(ctx) {
        ctx.state.delete("count");
        ctx.state.delete("never there");
        ctx.transmit({ after: ctx.state.get("count") ?? null });
      },
      same(ctx) {
        ctx.connection.cstate.get("a");
      },
      steal(ctx) {
        ctx.state.set("$p", "x");
      },
    },
  });
  const call = (name: string, istate: Record<string, string>) =>
    counter.command(action({ action: name }, { env: { ...ENV, istate } }), META);

  test("comes with the call, and only changes go back", async () => {
    const first = await call("count", { other: '"kept"' });
    expect(first.env).toEqual({ cstate: {}, istate: { count: "1" } });
    const second = await call("count", { count: "1", foreign: "not json" });
    expect(second.env?.istate).toEqual({ count: "2" });
    expect(parsed(second)[0].message).toEqual({ before: 1, after: 2, foreign: "not json" });
    expect((await call("same", { count: "1" })).env).toEqual({ cstate: {}, istate: {} });
  });

  test("a deleted key goes back as an empty text, which the server takes for deletion", async () => {
    const reply = await call("reset", { count: "1" });
    expect(reply.env?.istate).toEqual({ count: "" });
    expect(parsed(reply)[0].message).toEqual({ after: null });
  });

  test("the server's own keys are out of reach", async () => {
    expect((await call("steal", {})).errorMsg).toContain("such keys are the server's");
  });
});

describe("the end", () => {
  test("unsubscribing tells the channel and stops its streams", async () => {
    const left: unknown[] = [];
    const cable = createCable({}).channel("Chat", {
      params: (raw) => ({ room: text(raw, "room") }),
      unsubscribed(ctx, params) {
        left.push(params.room, ctx.state.get("n"));
      },
    });
    const env = { ...ENV, istate: { n: "7" } };
    expect(await cable.command(message("unsubscribe", { env }), META)).toMatchObject({
      status: Status.SUCCESS,
      stopStreams: true,
      transmissions: [],
    });
    expect(left).toEqual(["lobby", 7]);
    expect(await cable.command(message("unsubscribe", { identifier: "gone" }), META)).toMatchObject({
      status: Status.SUCCESS,
      stopStreams: true,
    });
  });

  test("a disconnect tells every channel with its state, then the application, whoever throws", async () => {
    const told: unknown[] = [];
    const cable = createCable({
      identifiers: (raw) => String(JSON.stringify(raw)),
      disconnected: (connection) => {
        told.push(connection.identifiers, connection.sid, connection.cstate.get("c"));
      },
    })
      .channel("Bad", {
        unsubscribed() {
          throw new Error("bad channel");
        },
      })
      .channel("Chat", {
        unsubscribed(ctx, params) {
          told.push(params.room, ctx.state.get("n"));
        },
      });
    const reply = await cable.disconnect(
      {
        identifiers: ANN,
        subscriptions: ['{"channel":"Bad"}', CHAT, '{"channel":"Chat","room":"b"}', "unknown"],
        env: { ...ENV, cstate: { c: "true" }, istate: { [CHAT]: '{"n":"7"}', "": "garbage" } },
      },
      META,
    );
    expect(told).toEqual(["lobby", 7, "b", undefined, ANN, "s1", true]);
    expect(reply).toEqual({ status: Status.ERROR, errorMsg: "bad channel" });
  });

  test("a disconnect that nobody minds succeeds", async () => {
    const request = { identifiers: "", subscriptions: [], env: undefined };
    expect(await createCable({}).disconnect(request, META)).toEqual({ status: Status.SUCCESS, errorMsg: "" });
  });
});

describe("the contract", () => {
  test("a server that does not speak v1 is told so", async () => {
    const cable = createCable({ connect: () => ({ identifiers: "x" }) }).channel("Chat", {});
    for (const protocolVersions of [[], ["v2"], ["v11"]]) {
      const metadata = { ...META, protocolVersions };
      const errorMsg = expect.stringContaining("Incompatible RPC client");
      expect(await cable.connect({ env: ENV }, metadata)).toMatchObject({ status: Status.ERROR, errorMsg });
      expect(await cable.command(message("subscribe"), metadata)).toMatchObject({ errorMsg });
      const request = { identifiers: "", subscriptions: [], env: undefined };
      expect(await cable.disconnect(request, metadata)).toMatchObject({ errorMsg });
    }
    const both = { ...META, protocolVersions: ["v0", "v1"] };
    expect((await cable.connect({ env: ENV }, both)).status).toBe(Status.SUCCESS);
  });

  test("an unknown command is an error", async () => {
    const cable = createCable({}).channel("Chat", {});
    expect(await cable.command(message("dance"), META)).toMatchObject({
      status: Status.ERROR,
      errorMsg: expect.stringContaining('"dance"'),
    });
  });

  test("two channels of one name are a bug", () => {
    expect(() => createCable({}).channel("A", {}).channel("A", {})).toThrow(
      "there is one of that name already",
    );
  });

  test("identifiers that the application cannot read fail the call", async () => {
    const cable = createCable({
      identifiers(raw) {
        if (raw === "plain") throw new Error("unknown identifiers");
        return raw;
      },
    }).channel("Chat", {});
    expect(await cable.command(message("subscribe", { connectionIdentifiers: "plain" }), META)).toMatchObject(
      {
        status: Status.ERROR,
        errorMsg: "unknown identifiers",
      },
    );
  });
});
