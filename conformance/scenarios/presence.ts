import {
  confirmation,
  connect,
  delivery,
  receives,
  rejection,
  stream,
  subscribed,
  WELCOME_OF_APPLICATION,
  welcomed,
} from "../phrases.ts";
import type { ApplicationScript, Group, Scenario, Step } from "../scenario.ts";
import { FOLLOWED_ONLY, pubsub, STREAMS_SECRET, signedName } from "../stream-names.ts";

const OPEN = ["--norpc", "--noauth", "--public_streams", "--broker=memory"];

const EXTENDED = "actioncable-v1-ext-json";

const send = (on: string, command: object): Step => ({ do: "send", on, command });
const quiet = (on: string): Step => ({ do: "quiet", on });

const joins = (on: string, identifier: string, presence: unknown): Step =>
  send(on, { command: "join", identifier, presence });
const leaves = (on: string, identifier: string): Step => send(on, { command: "leave", identifier });
const asks = (on: string, identifier: string, more: object = {}): Step =>
  send(on, { command: "presence", identifier, ...more });

/** The frame of presence with this JSON text as its message. */
const told = (identifier: string, message: string) =>
  `{"type":"presence","identifier":${JSON.stringify(identifier)},"message":${message}}`;
const hears = (on: string, identifier: string, message: string): Step =>
  receives(told(identifier, message), on);

const came = (id: string, info?: string) =>
  `{"id":${JSON.stringify(id)},${info === undefined ? "" : `"info":${info},`}"type":"join"}`;
const went = (id: string) => `{"id":${JSON.stringify(id)},"type":"leave"}`;
const NOBODY = '{"type":"info","total":0}';
/** One who is there alone. */
const alone = (id: string, info?: string) =>
  `{"type":"info","total":1,"records":[{${info === undefined ? "" : `"info":${info},`}"id":${JSON.stringify(id)}}]}`;

/** Clients, welcomed, each following the public stream. */
function room(name: string, ...clients: string[]): Step[] {
  return clients.flatMap((on) => [...welcomed(undefined, on), ...subscribed(name, on)]);
}

const INFOS: readonly unknown[] = [
  { name: "Ann" },
  { b: 1, a: { d: [1, null], c: "x" } },
  "text",
  "",
  0,
  false,
  [],
  {},
  "<b>&</b>\u2028 ü 😀",
];

const IDS: readonly string[] = ["__proto__", "constructor", "", " ", '"', "ü😀", "a/b:c,d"];

const PUBLIC: Group = {
  title: "presence on public streams",
  flags: OPEN,
  scenarios: [
    {
      name: "tells everybody who comes and who goes, the one who does among them",
      steps: [
        ...room("come", "a", "b"),
        joins("a", stream("come"), { id: "u1", info: { name: "Ann" } }),
        hears("a", stream("come"), came("u1", '{"name":"Ann"}')),
        hears("b", stream("come"), came("u1", '{"name":"Ann"}')),
        leaves("a", stream("come")),
        hears("a", stream("come"), went("u1")),
        hears("b", stream("come"), went("u1")),
        quiet("a"),
        quiet("b"),
      ],
    },
    {
      name: "answers who is there, to whoever follows the stream",
      steps: [
        ...room("who", "a", "b"),
        asks("b", stream("who")),
        hears("b", stream("who"), NOBODY),
        joins("a", stream("who"), { id: "u1", info: { name: "Ann" } }),
        hears("b", stream("who"), came("u1", '{"name":"Ann"}')),
        asks("b", stream("who")),
        hears("b", stream("who"), alone("u1", '{"name":"Ann"}')),
        asks("b", stream("who"), { data: { return_records: false } }),
        hears("b", stream("who"), alone("u1", '{"name":"Ann"}')),
      ],
    },
    {
      name: "lists everybody once",
      steps: [
        ...room("list", "a", "b", "c"),
        joins("a", stream("list"), { id: "u1", info: 1 }),
        hears("c", stream("list"), came("u1", "1")),
        joins("b", stream("list"), { id: "u2" }),
        hears("c", stream("list"), came("u2")),
        joins("c", stream("list"), { id: "u1", info: 2 }),
        asks("c", stream("list")),
        {
          do: "pass over",
          on: "c",
          until: /"type":"info","total":2,"records":\[(?=.*\{"info":2,"id":"u1"\})(?=.*\{"id":"u2"\})/,
        },
      ],
    },
    ...INFOS.map((info, index): Scenario => {
      const name = `info${index}`;
      return {
        name: `the info ${JSON.stringify(info)} comes as the same JSON`,
        steps: [
          ...room(name, "a"),
          joins("a", stream(name), { id: "u", info }),
          {
            do: "receive",
            on: "a",
            json: { type: "presence", identifier: stream(name), message: { id: "u", info, type: "join" } },
          },
          asks("a", stream(name)),
          {
            do: "receive",
            on: "a",
            json: {
              type: "presence",
              identifier: stream(name),
              message: { type: "info", total: 1, records: [{ info, id: "u" }] },
            },
          },
        ],
      };
    }),
    ...IDS.map((id, index): Scenario => {
      const name = `id${index}`;
      return {
        name: `the id ${JSON.stringify(id)} is one like any other`,
        steps: [
          ...room(name, "a"),
          joins("a", stream(name), { id, info: 1 }),
          hears("a", stream(name), came(id, "1")),
          asks("a", stream(name)),
          hears("a", stream(name), alone(id, "1")),
          leaves("a", stream(name)),
          hears("a", stream(name), went(id)),
          asks("a", stream(name)),
          hears("a", stream(name), NOBODY),
        ],
      };
    }),
    {
      name: "without info, and with null, has none to tell",
      steps: [
        ...room("bare", "a"),
        joins("a", stream("bare"), { id: "u" }),
        hears("a", stream("bare"), came("u")),
        asks("a", stream("bare")),
        hears("a", stream("bare"), alone("u")),
        leaves("a", stream("bare")),
        hears("a", stream("bare"), went("u")),
        joins("a", stream("bare"), { id: "u", info: null }),
        hears("a", stream("bare"), came("u")),
      ],
    },
    {
      name: "of one id from two clients begins with the first and ends with the last",
      steps: [
        ...room("two", "a", "b"),
        joins("a", stream("two"), { id: "u" }),
        hears("a", stream("two"), came("u")),
        hears("b", stream("two"), came("u")),
        joins("b", stream("two"), { id: "u" }),
        quiet("b"),
        leaves("a", stream("two")),
        quiet("a"),
        leaves("b", stream("two")),
        hears("a", stream("two"), went("u")),
        hears("b", stream("two"), went("u")),
      ],
    },
    {
      name: "takes the newest info of an id, and tells nobody",
      steps: [
        ...room("newest", "a", "b"),
        joins("a", stream("newest"), { id: "u", info: 1 }),
        hears("b", stream("newest"), came("u", "1")),
        joins("a", stream("newest"), { id: "u", info: 2 }),
        { do: "receive", on: "a", text: told(stream("newest"), came("u", "1")) },
        quiet("a"),
        asks("b", stream("newest")),
        hears("b", stream("newest"), alone("u", "2")),
        joins("b", stream("newest"), { id: "u", info: 3 }),
        asks("b", stream("newest")),
        hears("b", stream("newest"), alone("u", "3")),
      ],
    },
    {
      name: "of a session is under one id on a stream, and a second one is not answered",
      steps: [
        ...room("second", "a"),
        joins("a", stream("second"), { id: "u" }),
        hears("a", stream("second"), came("u")),
        joins("a", stream("second"), { id: "v" }),
        quiet("a"),
        asks("a", stream("second")),
        hears("a", stream("second"), alone("u")),
        leaves("a", stream("second")),
        hears("a", stream("second"), went("u")),
        joins("a", stream("second"), { id: "v" }),
        hears("a", stream("second"), came("v")),
      ],
    },
    {
      name: "that was not there cannot be left, and no answer says so",
      steps: [
        ...room("never", "a", "b"),
        leaves("a", stream("never")),
        joins("b", stream("never"), { id: "u" }),
        hears("a", stream("never"), came("u")),
        leaves("a", stream("never")),
        send("a", { command: "leave", identifier: stream("never"), presence: { id: "u" } }),
        quiet("a"),
        asks("a", stream("never")),
        hears("a", stream("never"), alone("u")),
      ],
    },
    {
      name: "asks for a subscription, and a join for what to say of it",
      steps: [
        ...room("asked", "a"),
        joins("a", stream("elsewhere"), { id: "u" }),
        leaves("a", stream("elsewhere")),
        asks("a", stream("elsewhere")),
        joins("a", stream("asked"), undefined),
        joins("a", stream("asked"), null),
        quiet("a"),
        joins("a", stream("asked"), {}),
        hears("a", stream("asked"), came("")),
      ],
    },
    {
      name: "is the stream's, so that a subscription of another name is told of it, and ends it",
      steps: [
        ...room("named", "a"),
        ...welcomed(undefined, "b"),
        send("b", { command: "subscribe", identifier: `${stream("named")} ` }),
        receives(confirmation(`${stream("named")} `), "b"),
        joins("b", `${stream("named")} `, { id: "u" }),
        hears("a", stream("named"), came("u")),
        hears("b", `${stream("named")} `, came("u")),
        ...subscribed("named", "b"),
        send("b", { command: "unsubscribe", identifier: stream("named") }),
        hears("a", stream("named"), went("u")),
        hears("b", `${stream("named")} `, went("u")),
      ],
    },
    {
      name: "ends with the subscription, and the client itself hears no more of it",
      steps: [
        ...room("unsubscribed", "a", "b"),
        joins("a", stream("unsubscribed"), { id: "u" }),
        hears("a", stream("unsubscribed"), came("u")),
        hears("b", stream("unsubscribed"), came("u")),
        send("a", { command: "unsubscribe", identifier: stream("unsubscribed") }),
        hears("b", stream("unsubscribed"), went("u")),
        quiet("a"),
        ...subscribed("unsubscribed", "a"),
        asks("a", stream("unsubscribed")),
        hears("a", stream("unsubscribed"), NOBODY),
      ],
    },
    {
      name: "can begin with the subscription, after its confirmation and the history it asked for",
      steps: [
        ...room("with", "b"),
        ...welcomed(undefined, "a"),
        send("a", {
          command: "subscribe",
          identifier: stream("with"),
          history: { since: 1 },
          presence: { id: "u", info: { name: "Ann" } },
        }),
        receives(confirmation(stream("with")), "a"),
        receives(`{"type":"confirm_history","identifier":${JSON.stringify(stream("with"))}}`, "a"),
        hears("a", stream("with"), came("u", '{"name":"Ann"}')),
        hears("b", stream("with"), came("u", '{"name":"Ann"}')),
      ],
    },
    {
      name: "is nothing that the history keeps",
      steps: [
        ...room("kept", "a"),
        joins("a", stream("kept"), { id: "u" }),
        hears("a", stream("kept"), came("u")),
        send("a", { command: "history", identifier: stream("kept"), history: { since: 1 } }),
        receives(`{"type":"confirm_history","identifier":${JSON.stringify(stream("kept"))}}`, "a"),
        quiet("a"),
      ],
    },
    {
      name: "is of one stream alone",
      steps: [
        ...room("one", "a"),
        ...subscribed("other", "a"),
        joins("a", stream("one"), { id: "u" }),
        hears("a", stream("one"), came("u")),
        joins("a", stream("other"), { id: "v" }),
        hears("a", stream("other"), came("v")),
        leaves("a", stream("one")),
        hears("a", stream("one"), went("u")),
        asks("a", stream("other")),
        hears("a", stream("other"), alone("v")),
      ],
    },
    {
      name: "of more than 4096 characters is not taken",
      onlyOurs: "the reference has no bound but that of a message",
      steps: [
        ...room("long", "a"),
        joins("a", stream("long"), { id: "u", info: "x".repeat(4096) }),
        quiet("a"),
        asks("a", stream("long")),
        hears("a", stream("long"), NOBODY),
      ],
    },
  ],
};

const LOST: Group = {
  title: "presence after a lost connection",
  flags: [...OPEN, "--presence_ttl=2", "--sse"],
  scenarios: [
    {
      name: "lasts for its time, and then everybody hears that the client has gone",
      steps: [
        ...room("lost", "a", "b"),
        joins("a", stream("lost"), { id: "u" }),
        hears("b", stream("lost"), came("u")),
        { do: "drop", on: "a" },
        { do: "silence", on: "b", forMs: 1000 },
        asks("b", stream("lost")),
        hears("b", stream("lost"), alone("u")),
        { do: "receive", on: "b", text: told(stream("lost"), went("u")), withinMs: 5000 },
        asks("b", stream("lost")),
        hears("b", stream("lost"), NOBODY),
      ],
    },
    {
      name: "lasts for its time as well after a close that the application asked for",
      steps: [
        ...room("told to go", "b"),
        ...welcomed(undefined, "a"),
        ...subscribed("told to go", "a"),
        joins("a", stream("told to go"), { id: "u" }),
        hears("b", stream("told to go"), came("u")),
        { do: "publish", body: { command: "disconnect", payload: { identifier: '{"sid":"{{sid}}"}' } } },
        { do: "pass over", on: "a", until: /"reason":"remote"/ },
        { do: "closed", on: "a", code: 1000, reason: "Closed remotely" },
        { do: "silence", on: "b", forMs: 1000 },
        { do: "receive", on: "b", text: told(stream("told to go"), went("u")), withinMs: 5000 },
      ],
    },
    {
      name: "goes on without a word when the client is back in time",
      steps: [
        ...room("back", "a", "b"),
        joins("a", stream("back"), { id: "u" }),
        hears("b", stream("back"), came("u")),
        { do: "drop", on: "a" },
        ...room("back", "again"),
        joins("again", stream("back"), { id: "u" }),
        quiet("again"),
        quiet("b"),
        // A client of the base protocol would be taken for gone by the reference (D14), so it joins again.
        { do: "wait", ms: 1500 },
        leaves("again", stream("back")),
        joins("again", stream("back"), { id: "u" }),
        { do: "wait", ms: 1500 },
        asks("b", stream("back")),
        hears("b", stream("back"), alone("u")),
        quiet("b"),
      ],
    },
    {
      name: "goes on with the session that resumes another",
      steps: [
        ...room("resumed", "other"),
        ...welcomed(undefined, "a", { protocols: EXTENDED }),
        ...subscribed("resumed", "a"),
        joins("a", stream("resumed"), { id: "u", info: 1 }),
        hears("other", stream("resumed"), came("u", "1")),
        { do: "drop", on: "a" },
        connect("/cable?sid={{sid}}", "again", { protocols: EXTENDED }),
        receives(/^\{"type":"welcome","sid":"[\w-]+","restored":true,"restored_ids":\[.*\]\}$/, "again"),
        send("again", { command: "history", identifier: stream("resumed"), history: { since: 1 } }),
        receives(`{"type":"confirm_history","identifier":${JSON.stringify(stream("resumed"))}}`, "again"),
        joins("again", stream("resumed"), { id: "u", info: 2 }),
        quiet("again"),
        // Past the time of the session that was lost.
        { do: "silence", on: "other", forMs: 4000 },
        asks("other", stream("resumed")),
        hears("other", stream("resumed"), alone("u", "2")),
        leaves("again", stream("resumed")),
        hears("again", stream("resumed"), went("u")),
        hears("other", stream("resumed"), went("u")),
      ],
    },
    {
      name: "goes on with it also when it does not join again",
      steps: [
        ...room("carried", "other"),
        ...welcomed(undefined, "a", { protocols: EXTENDED }),
        ...subscribed("carried", "a"),
        joins("a", stream("carried"), { id: "u", info: 1 }),
        hears("other", stream("carried"), came("u", "1")),
        { do: "drop", on: "a" },
        connect("/cable?sid={{sid}}", "again", { protocols: EXTENDED }),
        receives(/"restored":true/, "again"),
        {
          do: "differ",
          deviation: "D14",
          ours: [
            { do: "silence", on: "other", forMs: 4000 },
            asks("other", stream("carried")),
            hears("other", stream("carried"), alone("u", "1")),
            leaves("again", stream("carried")),
            hears("other", stream("carried"), went("u")),
          ],
          reference: [
            { do: "receive", on: "other", text: told(stream("carried"), went("u")), withinMs: 5000 },
            leaves("again", stream("carried")),
            quiet("other"),
          ],
        },
      ],
    },
    {
      name: "of a client that is connected does not end",
      steps: [
        ...room("connected", "a"),
        joins("a", stream("connected"), { id: "u" }),
        hears("a", stream("connected"), came("u")),
        {
          do: "differ",
          deviation: "D14",
          ours: [
            { do: "silence", on: "a", forMs: 4000 },
            asks("a", stream("connected")),
            hears("a", stream("connected"), alone("u")),
          ],
          reference: [
            { do: "receive", on: "a", text: told(stream("connected"), went("u")), withinMs: 5000 },
            asks("a", stream("connected")),
            hears("a", stream("connected"), NOBODY),
          ],
        },
      ],
    },
    {
      name: "of a client that reads an event stream does not end while it reads",
      steps: [
        ...room("events", "a"),
        {
          do: "stream",
          on: "reader",
          method: "POST",
          path: "/events",
          body: JSON.stringify({ command: "subscribe", identifier: stream("events"), presence: { id: "u" } }),
        },
        { do: "event", on: "reader", lines: /^event: welcome\n/ },
        { do: "event", on: "reader", lines: /^event: confirm_subscription\n/ },
        { do: "event", on: "reader", lines: `event: presence\ndata: ${told(stream("events"), came("u"))}` },
        hears("a", stream("events"), came("u")),
        {
          do: "differ",
          deviation: "D14",
          ours: [
            { do: "silence", on: "a", forMs: 4000 },
            { do: "drop stream", on: "reader" },
            { do: "receive", on: "a", text: told(stream("events"), went("u")), withinMs: 5000 },
          ],
          reference: [{ do: "receive", on: "a", text: told(stream("events"), went("u")), withinMs: 5000 }],
        },
      ],
    },
    {
      name: "of a client of the extended protocol that is connected does not end either",
      steps: [
        ...welcomed(undefined, "a", { protocols: EXTENDED }),
        ...subscribed("extended", "a"),
        joins("a", stream("extended"), { id: "u" }),
        hears("a", stream("extended"), came("u")),
        { do: "silence", on: "a", forMs: 4000 },
        asks("a", stream("extended")),
        hears("a", stream("extended"), alone("u")),
      ],
    },
  ],
};

const SIGNED: Group = {
  title: "presence on signed streams",
  flags: [...OPEN, `--streams_secret=${STREAMS_SECRET}`, "--turbo_streams", "--cable_ready"],
  scenarios: [
    {
      name: "is there for followers by a signature and by the public name together",
      steps: [
        ...welcomed(undefined, "a"),
        send("a", { command: "subscribe", identifier: pubsub(signedName("both")) }),
        receives(confirmation(pubsub(signedName("both"))), "a"),
        ...room("both", "b"),
        joins("a", pubsub(signedName("both")), { id: "u" }),
        hears("a", pubsub(signedName("both")), came("u")),
        hears("b", stream("both"), came("u")),
        asks("b", stream("both")),
        hears("b", stream("both"), alone("u")),
      ],
    },
    ...Object.entries(FOLLOWED_ONLY).map(
      ([channel, identifier]): Scenario => ({
        name: `does not exist for ${channel}`,
        steps: [
          ...welcomed(undefined, "a"),
          send("a", { command: "subscribe", identifier: identifier(signedName("none")) }),
          receives(confirmation(identifier(signedName("none"))), "a"),
          joins("a", identifier(signedName("none")), { id: "u" }),
          asks("a", identifier(signedName("none"))),
          quiet("a"),
        ],
      }),
    ),
  ],
};

const OFF: Group = {
  title: "presence with --streams_presence=false",
  flags: [...OPEN, `--streams_secret=${STREAMS_SECRET}`, "--streams_presence=false"],
  scenarios: [
    {
      name: "is off for those who follow by a signature, and on for the others",
      steps: [
        ...welcomed(undefined, "a"),
        send("a", { command: "subscribe", identifier: pubsub(signedName("off")), presence: { id: "u" } }),
        receives(confirmation(pubsub(signedName("off"))), "a"),
        joins("a", pubsub(signedName("off")), { id: "u" }),
        asks("a", pubsub(signedName("off"))),
        quiet("a"),
        ...room("off", "b"),
        joins("b", stream("off"), { id: "u" }),
        hears("b", stream("off"), came("u")),
        hears("a", pubsub(signedName("off")), came("u")),
      ],
    },
  ],
};

const FAILURE = 2;

/** What a word in the data says of presence; `[type, id, info]`. */
const APPLICATION: ApplicationScript = {
  command: ({ command, channel, identifier, data }) => {
    const istate = channel === "Nowhere" ? {} : { $p: `of ${channel}` };
    const said: [type?: string, id?: string, info?: string] = data === "" ? [] : JSON.parse(data);
    const presence = (type = "", id = "", info = "") => ({ type, id, info, ttl: 0 });
    if (command === "message") return { presence: presence(...said) };
    if (command === "unsubscribe") return { transmissions: ['"gone"'] };
    const joined = presence("join", "u1", '{"name":"Ann"}');
    if (channel === "Rejecting") {
      const env = { cstate: {}, istate };
      return {
        status: FAILURE,
        streams: ["of Joining"],
        env,
        presence: joined,
        transmissions: [rejection(identifier)],
      };
    }
    return {
      streams: [`of ${channel}`],
      env: { cstate: {}, istate },
      transmissions: [confirmation(identifier)],
      ...(channel === "Present" ? {} : { presence: joined }),
    };
  },
};

const id = (channel: string, more: object = {}) => JSON.stringify({ channel, ...more });

function subscribes(on: string, identifier: string): Step[] {
  return [
    connect(undefined, on),
    receives(WELCOME_OF_APPLICATION, on),
    send(on, { command: "subscribe", identifier }),
    receives(confirmation(identifier), on),
  ];
}

const performs = (on: string, identifier: string, ...said: string[]): Step =>
  send(on, { command: "message", identifier, data: JSON.stringify(said) });

const OF_APPLICATION: Group = {
  title: "presence on channels of an application",
  flags: ["--broker=memory"],
  server: "each",
  application: APPLICATION,
  scenarios: [
    {
      name: "begins with the application's reply, behind its transmissions, and ends as any other",
      steps: [
        ...subscribes("a", id("Joining")),
        hears("a", id("Joining"), came("u1", '{"name":"Ann"}')),
        asks("a", id("Joining")),
        hears("a", id("Joining"), alone("u1", '{"name":"Ann"}')),
        leaves("a", id("Joining")),
        hears("a", id("Joining"), went("u1")),
      ],
    },
    {
      name: "is where its state says, for the client's own commands too",
      steps: [
        ...subscribes("a", id("Present")),
        joins("a", id("Present"), { id: "u", info: 1 }),
        hears("a", id("Present"), came("u", "1")),
        ...subscribes("b", id("Present")),
        asks("b", id("Present")),
        hears("b", id("Present"), alone("u", "1")),
        { do: "calls", method: "Command", count: 2 },
      ],
    },
    {
      name: "comes and goes by what it answers to an action; info that is no JSON is a string, and null none",
      steps: [
        ...subscribes("a", id("Present")),
        ...[
          ['{"a":1}', '{"a":1}'],
          ["plain text", '"plain text"'],
          ["", undefined],
          ["null", undefined],
          ["0", "0"],
        ].flatMap(([info = "", seen]) => [
          performs("a", id("Present"), "join", "u", info),
          hears("a", id("Present"), came("u", seen)),
          performs("a", id("Present"), "leave"),
          hears("a", id("Present"), went("u")),
        ]),
      ],
    },
    {
      name: "does not begin where its reply cannot be carried out, which is no failure of the command",
      steps: [
        ...subscribes("a", id("Nowhere")),
        asks("a", id("Nowhere")),
        quiet("a"),
        ...subscribes("b", id("Present")),
        performs("b", id("Present"), "dance", "u"),
        performs("b", id("Present"), "leave"),
        performs("b", id("Present"), "join", "u"),
        hears("b", id("Present"), came("u")),
        performs("b", id("Present"), "join", "v"),
        quiet("b"),
        asks("b", id("Present")),
        hears("b", id("Present"), alone("u")),
      ],
    },
    {
      name: "does not begin for a subscription that it rejects",
      steps: [
        ...subscribes("b", id("Joining")),
        hears("b", id("Joining"), came("u1", '{"name":"Ann"}')),
        leaves("b", id("Joining")),
        hears("b", id("Joining"), went("u1")),
        connect(undefined, "a"),
        receives(WELCOME_OF_APPLICATION, "a"),
        send("a", { command: "subscribe", identifier: id("Rejecting") }),
        receives(rejection(id("Rejecting")), "a"),
        asks("a", id("Rejecting")),
        quiet("a"),
        quiet("b"),
      ],
    },
    {
      name: "ends with the subscription, behind what the application says to that",
      steps: [
        ...subscribes("a", id("Joining")),
        hears("a", id("Joining"), came("u1", '{"name":"Ann"}')),
        ...subscribes("b", id("Joining", { other: true })),
        send("a", { command: "unsubscribe", identifier: id("Joining") }),
        receives('"gone"', "a"),
        quiet("a"),
        quiet("b"),
        send("b", { command: "leave", identifier: id("Joining", { other: true }) }),
        hears("b", id("Joining", { other: true }), went("u1")),
      ],
    },
  ],
};

const sample = (name: string, is: number): Step => ({ do: "metric", name, is });

const COUNTED: Group = {
  title: "presence on the metrics",
  flags: [...OPEN, "--metrics_http=/metrics", "--ping_interval=60"],
  server: "each",
  scenarios: [
    {
      name: "counts as a broadcast when there is something to tell, and what cannot be done as a failed message",
      steps: [
        ...room("counted", "a", "b"),
        joins("a", stream("counted"), { id: "u" }),
        hears("a", stream("counted"), came("u")),
        joins("b", stream("counted"), { id: "u" }),
        joins("b", stream("counted"), { id: "v" }),
        hears("b", stream("counted"), came("u")),
        quiet("b"),
        leaves("a", stream("counted")),
        leaves("a", stream("counted")),
        joins("a", stream("elsewhere"), { id: "u" }),
        quiet("a"),
        // Two subscribes, two pings, three joins of "counted", two leaves, one join of what is not there.
        sample("client_msg_total", 10),
        sample("failed_client_msg_total", 3),
        sample("publications_total", 0),
        sample("broadcast_msg_total", 1),
        // Two welcomes, two confirmations, two events, two pongs.
        sample("server_msg_total", 8),
      ],
    },
  ],
};

const NONE: Group = {
  title: "presence without a broker",
  flags: ["--norpc", "--noauth", "--public_streams"],
  scenarios: [
    {
      name: "cannot be told, and does not begin with a subscription",
      steps: [
        ...welcomed(undefined, "a"),
        send("a", { command: "subscribe", identifier: stream("none"), presence: { id: "u" } }),
        receives(confirmation(stream("none")), "a"),
        joins("a", stream("none"), { id: "u" }),
        leaves("a", stream("none")),
        asks("a", stream("none")),
        hears("a", stream("none"), '{"type":"error","total":0}'),
        { do: "publish", body: { stream: "none", data: "1" } },
        receives(delivery("none", "1"), "a"),
        send("a", { command: "unsubscribe", identifier: stream("none") }),
        quiet("a"),
      ],
    },
  ],
};

const GAUGES: Group = {
  title: "the gauges of presence",
  flags: [...OPEN, "--metrics_http=/metrics", "--presence_ttl=1"],
  server: "each",
  onlyOurs: "the reference has no such metrics",
  scenarios: [
    {
      name: "say on how many streams how many sessions are present, those just lost among them",
      steps: [
        ...room("gauged", "a", "b"),
        ...subscribed("other", "a"),
        joins("a", stream("gauged"), { id: "u" }),
        hears("b", stream("gauged"), came("u")),
        joins("b", stream("gauged"), { id: "u" }),
        joins("a", stream("other"), { id: "u" }),
        hears("a", stream("gauged"), came("u")),
        hears("a", stream("other"), came("u")),
        quiet("b"),
        sample("presence_streams_num", 2),
        sample("presence_sessions_num", 2),
        { do: "drop", on: "a" },
        sample("presence_sessions_num", 1),
        sample("presence_streams_num", 1),
      ],
    },
  ],
};

export const PRESENCE_GROUPS: readonly Group[] = [
  LOST,
  PUBLIC,
  SIGNED,
  OFF,
  OF_APPLICATION,
  COUNTED,
  GAUGES,
  NONE,
];
