import {
  connect,
  delivery,
  publication,
  receives,
  refused,
  stream,
  subscribed,
  toldNo,
  WELCOME,
} from "../phrases.ts";
import type { Group, Step } from "../scenario.ts";
import { BROADCAST_KEY, EXPIRED, GOOD, IDENTITY, token } from "../tokens.ts";
import { APPLICATION, confirmed, deliveryTo, id, perform, subscribe } from "./scripted-application.ts";

const EXTENDED = { protocols: "actioncable-v1-ext-json" } as const;
const OTHERS = token({ ext: '{"user":"eve"}' });
const cable = (jid: string, more = ""): string => `/cable?jid=${jid}${more}`;

/** Comes as a client of the extended protocol; the new id is `{{sid}}`. */
function comes(target: string, on?: string): Step[] {
  return [connect(target, on, EXTENDED), receives(WELCOME, on)];
}

/** The welcome of a client that has its session back, with these channels in any order; its id is `{{next}}`. */
function welcomeBack(...identifiers: string[]): RegExp {
  const each = identifiers.map((identifier) => escaped(JSON.stringify(identifier)));
  const ids =
    each.length === 0 ? "" : `,"restored_ids":\\[(?:${each.join("|")})(?:,(?:${each.join("|")}))*\\]`;
  return new RegExp(`^\\{"type":"welcome","sid":"(?<next>[\\w-]{21})","restored":true${ids}\\}$`);
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

function comesBack(target: string, on: string, identifiers: readonly string[]): Step[] {
  return [connect(target, on, EXTENDED), receives(welcomeBack(...identifiers), on)];
}

const publish = (name: string, data: string): Step => ({
  do: "publish",
  key: BROADCAST_KEY,
  body: publication(name, data),
});
const drop = (on?: string): Step => (on === undefined ? { do: "drop" } : { do: "drop", on });
const live = (name: string, data: string): RegExp =>
  new RegExp(
    `^${escaped(delivery(name, data).slice(0, -1))},"stream_id":"${name}","epoch":"(?<epoch>[\\w-]+)","offset":\\d+\\}$`,
  );

const historyOf = (name: string): string =>
  `{"type":"confirm_history","identifier":${JSON.stringify(stream(name))}}`;

/** Asks for history from these positions, as JSON. */
function asks(name: string, streams: string, on: string): Step {
  const identifier = JSON.stringify(stream(name));
  return {
    do: "send",
    on,
    text: `{"command":"history","identifier":${identifier},"history":{"streams":${streams}}}`,
  };
}

/** Asks for history and misses nothing. */
function catchesUp(name: string, on: string): Step[] {
  return [asks(name, "{}", on), receives(historyOf(name), on)];
}

const FLAGS = ["--norpc", "--secret=qwerty", "--public_streams", "--broker=memory"];

const RESUMING: Group = {
  title: "resuming a session",
  flags: FLAGS,
  scenarios: [
    {
      name: "a client that comes with its session's id has its channels back under a new id",
      steps: [
        ...comes(cable(GOOD)),
        ...subscribed("back"),
        drop(),
        ...comesBack(cable(GOOD, "&sid={{sid}}"), "b", [stream("back")]),
        ...catchesUp("back", "b"),
        publish("back", "1"),
        receives(live("back", "1"), "b"),
      ],
    },
    {
      name: "what it missed comes when it asks for it, and what is published meanwhile comes behind, once",
      steps: [
        ...comes(cable(GOOD)),
        ...subscribed("missed"),
        publish("missed", "1"),
        receives(live("missed", "1")),
        drop(),
        publish("missed", "2"),
        ...comesBack(cable(GOOD, "&sid={{sid}}"), "b", [stream("missed")]),
        publish("missed", "3"),
        {
          do: "differ",
          deviation: "D27",
          ours: [{ do: "quiet", on: "b" }],
          reference: [receives(live("missed", "3"), "b")],
        },
        asks("missed", '{"missed":{"epoch":"{{epoch}}","offset":1}}', "b"),
        receives(live("missed", "2"), "b"),
        receives(live("missed", "3"), "b"),
        receives(historyOf("missed"), "b"),
        publish("missed", "4"),
        receives(live("missed", "4"), "b"),
      ],
    },
    {
      name: "what is published comes even to who does not ask for what it missed, within five seconds",
      onlyOurs: "D27: the reference has it come at once, and so ahead of what was missed",
      steps: [
        ...comes(cable(GOOD)),
        ...subscribed("unasked"),
        drop(),
        ...comesBack(cable(GOOD, "&sid={{sid}}"), "b", [stream("unasked")]),
        publish("unasked", "1"),
        { do: "silence", on: "b", forMs: 3000 },
        receives(live("unasked", "1"), "b"),
      ],
    },
    {
      name: "a channel that the client does not know of is confirmed once more",
      onlyOurs: "D27: the reference says nothing, and the client gives the channel up after ten seconds",
      steps: [
        ...comes(cable(GOOD)),
        ...subscribed("unheard"),
        drop(),
        ...comesBack(cable(GOOD, "&sid={{sid}}"), "b", [stream("unheard")]),
        ...subscribed("unheard", "b"),
        { do: "send", on: "b", command: { command: "subscribe", identifier: stream("unheard") } },
        { do: "quiet", on: "b" },
        publish("unheard", "1"),
        receives(live("unheard", "1"), "b"),
      ],
    },
    {
      name: "a session with several channels has all of them back",
      steps: [
        ...comes(cable(GOOD)),
        ...subscribed("several-1"),
        ...subscribed("several-2"),
        ...subscribed("several-3"),
        { do: "send", command: { command: "unsubscribe", identifier: stream("several-3") } },
        { do: "quiet" },
        drop(),
        ...comesBack(cable(GOOD, "&sid={{sid}}"), "b", [stream("several-1"), stream("several-2")]),
        ...catchesUp("several-2", "b"),
        publish("several-2", "2"),
        receives(live("several-2", "2"), "b"),
        publish("several-3", "3"),
        { do: "quiet", on: "b" },
      ],
    },
    {
      name: "a session without channels is welcomed back without a list",
      steps: [...comes(cable(GOOD)), drop(), ...comesBack(cable(GOOD, "&sid={{sid}}"), "b", [])],
    },
    {
      name: "the id may come in a header, which wins over the query",
      steps: [
        ...comes(cable(GOOD)),
        ...subscribed("header"),
        drop(),
        connect(cable(GOOD, "&sid=nobody"), "b", {
          ...EXTENDED,
          headers: { "X-ANYCABLE-RESTORE-SID": "{{sid}}" },
        }),
        receives(welcomeBack(stream("header")), "b"),
        connect(cable(GOOD, "&sid={{sid}}"), "c", {
          ...EXTENDED,
          headers: { "X-ANYCABLE-RESTORE-SID": "nobody" },
        }),
        receives(WELCOME, "c"),
      ],
    },
    {
      name: "of several in the query the last counts, and an empty one is none",
      steps: [
        ...comes(cable(GOOD)),
        drop(),
        ...comesBack(cable(GOOD, "&sid=nobody&sid={{sid}}"), "b", []),
        connect(cable(GOOD, "&sid={{sid}}&sid="), "c", EXTENDED),
        receives(WELCOME, "c"),
      ],
    },
    {
      name: "an id that nobody has is an ordinary connect",
      steps: [connect(cable(GOOD, "&sid=nobody"), undefined, EXTENDED), receives(WELCOME)],
    },
    {
      name: "a session can be resumed while its connection is still there, which goes on",
      steps: [
        ...comes(cable(GOOD), "a"),
        ...subscribed("twice", "a"),
        ...comesBack(cable(GOOD, "&sid={{sid}}"), "b", [stream("twice")]),
        ...catchesUp("twice", "b"),
        publish("twice", "1"),
        receives(live("twice", "1"), "a"),
        receives(live("twice", "1"), "b"),
      ],
    },
    {
      name: "the former id stays good, and the new one is too",
      steps: [
        ...comes(cable(GOOD)),
        ...subscribed("again"),
        drop(),
        ...comesBack(cable(GOOD, "&sid={{sid}}"), "b", [stream("again")]),
        drop("b"),
        ...comesBack(cable(GOOD, "&sid={{next}}"), "c", [stream("again")]),
        ...comesBack(cable(GOOD, "&sid={{sid}}"), "d", [stream("again")]),
      ],
    },
    {
      name: "what the session could whisper to it still can",
      steps: [
        ...comes(cable(GOOD)),
        ...subscribed("whispered"),
        drop(),
        ...comesBack(cable(GOOD, "&sid={{sid}}"), "b", [stream("whispered")]),
        ...comes(cable(GOOD), "c"),
        ...subscribed("whispered", "c"),
        { do: "send", on: "b", command: { command: "whisper", identifier: stream("whispered"), data: 1 } },
        receives(delivery("whispered", "1"), "c"),
        { do: "quiet", on: "b" },
      ],
    },
    {
      name: "a client of the base protocol has no session to come back to",
      steps: [
        connect(cable(GOOD), "a", { protocols: "actioncable-v1-json" }),
        receives(WELCOME, "a"),
        drop("a"),
        connect(cable(GOOD, "&sid={{sid}}"), "b", EXTENDED),
        receives(WELCOME, "b"),
        drop("b"),
        connect(cable(GOOD, "&sid={{sid}}"), "c", { protocols: "actioncable-v1-json" }),
        receives(WELCOME, "c"),
      ],
    },
    {
      name: "an expired token does not get the session back",
      steps: [
        ...comes(cable(GOOD)),
        drop(),
        {
          do: "differ",
          deviation: "D2",
          ours: [connect(cable(EXPIRED, "&sid={{sid}}"), "b", EXTENDED), ...toldNo("token_expired", "b")],
          reference: comesBack(cable(EXPIRED, "&sid={{sid}}"), "b", []),
        },
      ],
    },
    {
      name: "without the token the id is worth nothing",
      steps: [
        ...comes(cable(GOOD)),
        drop(),
        {
          do: "differ",
          deviation: "D2",
          ours: [connect("/cable?sid={{sid}}", "b", EXTENDED), ...toldNo("unauthorized", "b")],
          reference: comesBack("/cable?sid={{sid}}", "b", []),
        },
      ],
    },
    {
      name: "with somebody else's token it is a new session of theirs",
      steps: [
        ...comes(cable(GOOD)),
        ...subscribed("ann-only"),
        drop(),
        {
          do: "differ",
          deviation: "D2",
          ours: [connect(cable(OTHERS, "&sid={{sid}}"), "b", EXTENDED), receives(WELCOME, "b")],
          reference: comesBack(cable(OTHERS, "&sid={{sid}}"), "b", [stream("ann-only")]),
        },
      ],
    },
  ],
};

const ON_PURPOSE: Group = {
  title: "a session that was ended on purpose",
  flags: FLAGS,
  server: "serial",
  scenarios: [
    {
      name: "does not come back after a remote disconnect",
      steps: [
        ...comes(cable(GOOD)),
        {
          do: "publish",
          key: BROADCAST_KEY,
          body: { command: "disconnect", payload: { identifier: IDENTITY, reconnect: true } },
        },
        receives('{"type":"disconnect","reason":"remote","reconnect":true}'),
        {
          do: "differ",
          deviation: "D2",
          ours: [connect(cable(GOOD, "&sid={{sid}}"), "b", EXTENDED), receives(WELCOME, "b")],
          reference: comesBack(cable(GOOD, "&sid={{sid}}"), "b", []),
        },
      ],
    },
    {
      name: "nor when its connection had broken before",
      steps: [
        ...comes(cable(GOOD)),
        drop(),
        { do: "wait", ms: 200 },
        {
          do: "publish",
          key: BROADCAST_KEY,
          body: { command: "disconnect", payload: { identifier: IDENTITY, reconnect: true } },
        },
        { do: "wait", ms: 200 },
        {
          do: "differ",
          deviation: "D2",
          ours: [connect(cable(GOOD, "&sid={{sid}}"), "b", EXTENDED), receives(WELCOME, "b")],
          reference: comesBack(cable(GOOD, "&sid={{sid}}"), "b", []),
        },
      ],
    },
  ],
};

const CHOSEN: Group = {
  title: "a session that was never let in",
  flags: [...FLAGS, "--enforce_jwt"],
  scenarios: [
    {
      name: "leaves nothing that its id would open",
      steps: [
        connect("/cable", "a", { ...EXTENDED, headers: { "X-Request-ID": "evil-1" } }),
        ...toldNo("unauthorized", "a"),
        {
          do: "differ",
          deviation: "D1",
          ours: [connect("/cable?sid=evil-1", "b", EXTENDED), ...toldNo("unauthorized", "b")],
          reference: comesBack("/cable?sid=evil-1", "b", []),
        },
      ],
    },
  ],
};

const WITHOUT: Group = {
  title: "resuming where nothing is kept",
  flags: ["--norpc", "--secret=qwerty", "--public_streams"],
  scenarios: [
    {
      name: "is an ordinary connect",
      steps: [
        ...comes(cable(GOOD)),
        drop(),
        connect(cable(GOOD, "&sid={{sid}}"), "b", EXTENDED),
        receives(WELCOME, "b"),
        ...refused("token_expired", cable(EXPIRED, "&sid={{sid}}"), EXTENDED),
      ],
    },
  ],
};

const NEVER: Group = {
  title: "--sessions_ttl=0",
  flags: [...FLAGS, "--sessions_ttl=0"],
  scenarios: WITHOUT.scenarios,
};

const SHORT: Group = {
  title: "--sessions_ttl=2",
  flags: [...FLAGS, "--sessions_ttl=2"],
  scenarios: [
    {
      name: "a session can be resumed for so long after its connection is gone, however long that was there",
      steps: [
        ...comes(cable(GOOD)),
        { do: "wait", ms: 2500 },
        drop(),
        { do: "wait", ms: 500 },
        ...comesBack(cable(GOOD, "&sid={{sid}}"), "b", []),
        { do: "wait", ms: 3500 },
        connect(cable(GOOD, "&sid={{sid}}"), "c", EXTENDED),
        receives(WELCOME, "c"),
      ],
    },
  ],
};

const BY_ID_ALONE: Group = {
  title: "--resume_verify=false",
  flags: [...FLAGS, "--enforce_jwt", "--resume_verify=false"],
  onlyOurs: "the option is ours; the reference does so always",
  scenarios: [
    {
      name: "whoever has the id has the session",
      steps: [
        ...comes(cable(GOOD)),
        ...subscribed("trusting"),
        drop(),
        ...comesBack("/cable?sid={{sid}}", "b", [stream("trusting")]),
        ...comesBack(cable(EXPIRED, "&sid={{sid}}"), "c", [stream("trusting")]),
        ...refused("unauthorized", "/cable?sid=nobody", EXTENDED),
      ],
    },
  ],
};

const ROOM = id("Streams");

const APPLICATIONS: Group = {
  title: "resuming in front of an application",
  flags: ["--jwt_secret=qwerty", "--broker=memory", "--disconnect_rate=1000"],
  server: "each",
  application: APPLICATION,
  scenarios: [
    {
      name: "the application's channels and state come back without its being asked, and it hears of each connection's end",
      steps: [
        ...comes(cable(GOOD)),
        subscribe(ROOM),
        confirmed(ROOM),
        perform(ROOM, "state"),
        perform(ROOM, "echo there"),
        deliveryTo(ROOM, '"there"'),
        drop(),
        {
          do: "calls",
          method: "Disconnect",
          count: 1,
          holds: { identifiers: IDENTITY, subscriptions: [ROOM] },
        },
        ...comesBack(cable(GOOD, "&sid={{sid}}"), "b", [ROOM]),
        { do: "send", on: "b", command: { command: "message", identifier: ROOM, data: "echo here" } },
        receives(`{"identifier":${JSON.stringify(ROOM)},"message":"here"}`, "b"),
        {
          do: "calls",
          method: "Command",
          count: 4,
          holds: {
            command: "message",
            connectionIdentifiers: IDENTITY,
            env: { cstate: { count: "2" }, istate: { room: "1", word: "x" } },
          },
        },
        { do: "calls", method: "Connect", count: 0 },
        drop("b"),
        {
          do: "calls",
          method: "Disconnect",
          count: 2,
          holds: { identifiers: IDENTITY, subscriptions: [ROOM] },
        },
      ],
    },
  ],
};

export const RESUMING_GROUPS: readonly Group[] = [
  SHORT,
  APPLICATIONS,
  RESUMING,
  ON_PURPOSE,
  CHOSEN,
  WITHOUT,
  NEVER,
  BY_ID_ALONE,
];
