import {
  connect,
  delivery,
  publication,
  receives,
  stream,
  WELCOME,
  WELCOME_OF_APPLICATION,
  welcomed,
} from "../phrases.ts";
import type { ApplicationScript, Group, Scenario, Step } from "../scenario.ts";
import { FORGED, GOOD, IDENTITY } from "../tokens.ts";

/** Statuses of the contract. */
const ERROR = 0;
const FAILURE = 2;

const id = (channel: string, more: object = {}) => JSON.stringify({ channel, ...more });
const send = (command: object): Step => ({ do: "send", command });
const subscribe = (identifier: string): Step => send({ command: "subscribe", identifier });
const perform = (identifier: string, data: string): Step => send({ command: "message", identifier, data });
const publish = (name: string, data: string): Step => ({ do: "publish", body: publication(name, data) });
const QUIET: Step = { do: "quiet" };

/** As the application writes its own confirmation: members in its order. */
const confirmed = (identifier: string): Step => ({
  do: "receive",
  text: JSON.stringify({ type: "confirm_subscription", identifier }),
});

function deliveryTo(identifier: string, message: string): Step {
  return { do: "receive", text: `{"identifier":${JSON.stringify(identifier)},"message":${message}}` };
}

/** Connect by a word in the URL. */
const CONNECTS: NonNullable<ApplicationScript["connect"]> = (url) => {
  const word = /[?&]case=(\w+)/.exec(url)?.[1];
  switch (word) {
    case "silent":
      return { transmissions: [] };
    case "talkative":
      return {
        transmissions: ["not even JSON", '{"type":"welcome","sid":"of the application"}', '{"b":1, "a":2}'],
      };
    case "no":
      return {
        status: FAILURE,
        transmissions: ['{"type":"disconnect","reason":"go_away","reconnect":true}'],
      };
    case "silentno":
      return { status: FAILURE, transmissions: [] };
    case "error":
      return { status: ERROR, transmissions: ['{"type":"never"}'], errorMsg: "a stack trace" };
    case "slow":
      return { afterMs: 400 };
    case "state":
      return { identifiers: '{"user":"state"}', env: { cstate: { count: "1", gone: "soon" }, istate: {} } };
    default:
      return {};
  }
};

const COMMANDS: NonNullable<ApplicationScript["command"]> = ({ command, channel, identifier, data }) => {
  const say = (text: string) =>
    `{"identifier":${JSON.stringify(identifier)},"message":${JSON.stringify(text)}}`;
  if (command === "subscribe") return SUBSCRIBES[channel]?.(identifier) ?? {};
  if (command === "unsubscribe") {
    if (channel === "Sticky") return { status: ERROR, errorMsg: "no" };
    if (channel === "Failing") return { status: FAILURE, transmissions: [say("failed, and left")] };
    return { transmissions: [say("left")] };
  }
  const [word = "", ...rest] = data.split(" ");
  switch (word) {
    case "echo":
      return { transmissions: [say(rest.join(" "))] };
    case "slow":
      return { afterMs: Number(rest[0]), transmissions: [say(`after ${rest[0]}`)] };
    case "follow":
      return { streams: rest };
    case "leave":
      return { stoppedStreams: rest };
    case "leaveall":
      return { stopStreams: true, stoppedStreams: [], streams: rest };
    case "fail":
      return { status: FAILURE, transmissions: [say("failed")], streams: rest };
    case "error":
      return { status: ERROR, transmissions: [say("never")], streams: rest, errorMsg: "broken" };
    case "end":
      return {
        disconnect: true,
        transmissions: [say("bye"), '{"type":"disconnect","reason":"ended","reconnect":false}'],
      };
    case "state":
      return { env: { cstate: { count: "2", gone: "" }, istate: { room: "1", word: "x" } } };
    case "forget":
      return { env: { cstate: {}, istate: { word: "" } } };
    default:
      return {};
  }
};

const SUBSCRIBES: Readonly<Record<string, (identifier: string) => ReturnType<typeof COMMANDS>>> = {
  Rejecting: (identifier) => ({
    status: FAILURE,
    streams: ["leak"],
    transmissions: [JSON.stringify({ type: "reject_subscription", identifier })],
  }),
  RejectingInSilence: () => ({ status: FAILURE, transmissions: [] }),
  Broken: () => ({ status: ERROR, transmissions: ['{"never":1}'], streams: ["broken"], errorMsg: "broken" }),
  Streams: (identifier) => ({
    streams: ["app-one", "app-two", "app-one"],
    transmissions: [JSON.stringify({ type: "confirm_subscription", identifier })],
  }),
  Sticky: (identifier) => ({
    streams: ["sticky"],
    transmissions: [JSON.stringify({ type: "confirm_subscription", identifier })],
  }),
  Ending: () => ({
    status: FAILURE,
    disconnect: true,
    transmissions: ['{"type":"disconnect","reason":"no","reconnect":false}'],
  }),
};

const APPLICATION: ApplicationScript = { connect: CONNECTS, command: COMMANDS };

/** Connects by the application's word. */
function admitted(on?: string): Step[] {
  return [connect("/cable", on), receives(WELCOME_OF_APPLICATION, on)];
}

const CONNECTING: readonly Scenario[] = [
  {
    name: "an application that says nothing to a connect leaves the client without a welcome, and connected",
    steps: [connect("/cable?case=silent"), QUIET],
  },
  {
    name: "its transmissions go out as they are, in their order",
    steps: [
      connect("/cable?case=talkative"),
      receives("not even JSON"),
      receives('{"type":"welcome","sid":"of the application"}'),
      receives('{"b":1, "a":2}'),
      QUIET,
    ],
  },
  {
    name: "its no closes after its transmissions",
    steps: [
      connect("/cable?case=no"),
      receives('{"type":"disconnect","reason":"go_away","reconnect":true}'),
      { do: "closed", code: 1000, reason: "Auth Failed" },
    ],
  },
  {
    name: "its no without a word only closes",
    steps: [connect("/cable?case=silentno"), { do: "closed", code: 1000, reason: "Auth Failed" }],
  },
  {
    name: "its error closes with 1011, and nothing that it said is passed on",
    steps: [connect("/cable?case=error"), { do: "closed", code: 1011, reason: "Auth Error" }],
  },
  {
    name: "what a client says before it is let in waits for the welcome",
    steps: [
      connect("/cable?case=slow"),
      subscribe(id("Streams")),
      send({ command: "ping" }),
      receives(WELCOME_OF_APPLICATION),
      confirmed(id("Streams")),
      receives('{"type":"pong"}'),
    ],
  },
];

const SUBSCRIBING: readonly Scenario[] = [
  {
    name: "its streams are followed, each once though named twice",
    steps: [
      ...admitted(),
      subscribe(id("Streams")),
      confirmed(id("Streams")),
      publish("app-one", "1"),
      deliveryTo(id("Streams"), "1"),
      publish("app-two", "2"),
      deliveryTo(id("Streams"), "2"),
      QUIET,
    ],
  },
  {
    name: "a second subscribe is not answered, nor asked about",
    steps: [
      ...admitted(),
      subscribe(id("Streams")),
      confirmed(id("Streams")),
      subscribe(id("Streams")),
      QUIET,
    ],
  },
  {
    name: "a rejected subscription follows nothing, and may be tried again",
    steps: [
      ...admitted(),
      subscribe(id("Rejecting")),
      receives(JSON.stringify({ type: "reject_subscription", identifier: id("Rejecting") })),
      publish("leak", "1"),
      {
        do: "differ",
        deviation: "D11",
        ours: [QUIET],
        reference: [deliveryTo(id("Rejecting"), "1"), QUIET],
      },
      perform(id("Rejecting"), "echo x"),
      QUIET,
      subscribe(id("Rejecting")),
      receives(JSON.stringify({ type: "reject_subscription", identifier: id("Rejecting") })),
    ],
  },
  {
    name: "a rejection without a word is no word to the client either",
    steps: [
      ...admitted(),
      subscribe(id("RejectingInSilence")),
      QUIET,
      perform(id("RejectingInSilence"), "echo x"),
      QUIET,
    ],
  },
  {
    name: "an error leaves the client without an answer, and nothing of the reply is applied",
    steps: [
      ...admitted(),
      subscribe(id("Broken")),
      QUIET,
      publish("broken", "1"),
      QUIET,
      perform(id("Broken"), "echo x"),
      QUIET,
    ],
  },
  {
    name: "a rejection that disconnects closes after its transmissions",
    steps: [
      ...admitted(),
      subscribe(id("Ending")),
      receives('{"type":"disconnect","reason":"no","reconnect":false}'),
      {
        do: "differ",
        deviation: "D17",
        ours: [{ do: "closed", code: 1000, reason: "Command Failed" }],
        reference: [{ do: "closed", code: 1006, reason: "Command Failed" }],
      },
    ],
  },
  {
    name: "an unsubscribe ends its streams and passes its transmissions on",
    steps: [
      ...admitted(),
      subscribe(id("Streams")),
      confirmed(id("Streams")),
      send({ command: "unsubscribe", identifier: id("Streams") }),
      deliveryTo(id("Streams"), '"left"'),
      publish("app-one", "1"),
      QUIET,
      perform(id("Streams"), "echo x"),
      QUIET,
    ],
  },
  {
    name: "an unsubscribe that fails ends the subscription too",
    steps: [
      ...admitted(),
      subscribe(id("Failing")),
      confirmed(id("Failing")),
      perform(id("Failing"), "follow fail-stream"),
      QUIET,
      send({ command: "unsubscribe", identifier: id("Failing") }),
      deliveryTo(id("Failing"), '"failed, and left"'),
      publish("fail-stream", "1"),
      QUIET,
    ],
  },
  {
    name: "an unsubscribe that ends in an error leaves everything as it was",
    steps: [
      ...admitted(),
      subscribe(id("Sticky")),
      confirmed(id("Sticky")),
      send({ command: "unsubscribe", identifier: id("Sticky") }),
      QUIET,
      publish("sticky", "1"),
      deliveryTo(id("Sticky"), "1"),
    ],
  },
];

const PERFORMING: readonly Scenario[] = [
  {
    name: "data goes to the application as it is, and its transmissions come back",
    steps: [
      ...admitted(),
      subscribe(id("Any")),
      confirmed(id("Any")),
      perform(id("Any"), 'echo {"action": "speak" ,"ü":"<b>"}'),
      deliveryTo(id("Any"), JSON.stringify('{"action": "speak" ,"ü":"<b>"}')),
    ],
  },
  {
    name: "streams are added, taken away, and all replaced",
    steps: [
      ...admitted(),
      subscribe(id("Any")),
      confirmed(id("Any")),
      perform(id("Any"), "follow move-a move-b"),
      QUIET,
      publish("move-a", "1"),
      deliveryTo(id("Any"), "1"),
      perform(id("Any"), "leave move-a"),
      QUIET,
      publish("move-a", "2"),
      publish("move-b", "3"),
      deliveryTo(id("Any"), "3"),
      perform(id("Any"), "leaveall move-c"),
      QUIET,
      publish("move-b", "4"),
      publish("move-c", "5"),
      deliveryTo(id("Any"), "5"),
      QUIET,
    ],
  },
  {
    name: "a failed perform is applied all the same",
    steps: [
      ...admitted(),
      subscribe(id("Any")),
      confirmed(id("Any")),
      perform(id("Any"), "fail failed-stream"),
      deliveryTo(id("Any"), '"failed"'),
      publish("failed-stream", "1"),
      deliveryTo(id("Any"), "1"),
    ],
  },
  {
    name: "a perform that ends in an error changes nothing",
    steps: [
      ...admitted(),
      subscribe(id("Any")),
      confirmed(id("Any")),
      perform(id("Any"), "error error-stream"),
      QUIET,
      publish("error-stream", "1"),
      QUIET,
    ],
  },
  {
    name: "a perform that disconnects closes after its transmissions",
    steps: [
      ...admitted(),
      subscribe(id("Any")),
      confirmed(id("Any")),
      perform(id("Any"), "end"),
      deliveryTo(id("Any"), '"bye"'),
      receives('{"type":"disconnect","reason":"ended","reconnect":false}'),
      {
        do: "differ",
        deviation: "D17",
        ours: [{ do: "closed", code: 1000, reason: "Command Failed" }],
        reference: [{ do: "closed", code: 1006, reason: "Command Failed" }],
      },
    ],
  },
  {
    name: "commands are carried out one at a time, in their order, while broadcasts go on",
    steps: [
      ...admitted(),
      subscribe(id("Streams")),
      confirmed(id("Streams")),
      perform(id("Streams"), "slow 400"),
      perform(id("Streams"), "slow 100"),
      perform(id("Streams"), "echo last"),
      send({ command: "ping" }),
      publish("app-two", '"meanwhile"'),
      deliveryTo(id("Streams"), '"meanwhile"'),
      deliveryTo(id("Streams"), '"after 400"'),
      deliveryTo(id("Streams"), '"after 100"'),
      deliveryTo(id("Streams"), '"last"'),
      receives('{"type":"pong"}'),
    ],
  },
];

/** Streams are shared, so scenarios that publish to the same one run one after another. */
const TALK: Group = {
  title: "an application",
  flags: [],
  server: "serial",
  application: APPLICATION,
  scenarios: [...CONNECTING, ...SUBSCRIBING, ...PERFORMING],
};

const PEER = "127.0.0.1";

/** What the application is told; each has a server of its own, so that its calls can be counted. */
const TOLD: Group = {
  title: "what an application is told",
  flags: [
    "--jwt_secret=qwerty",
    "--headers=cookie,X-Custom,origin",
    "--disconnect_rate=1000",
    "--public_streams",
  ],
  server: "each",
  application: APPLICATION,
  scenarios: [
    {
      name: "a connect is told the URL, the wanted headers and the client's address",
      steps: [
        connect("/cable?x=1&y=%20z", undefined, {
          headers: {
            Cookie: "a=1; b=2",
            "X-CUSTOM": "yes",
            "X-Other": "no",
            Origin: "http://page.example",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "203.0.113.9",
          },
        }),
        receives(WELCOME_OF_APPLICATION),
        {
          do: "calls",
          method: "Connect",
          count: 1,
          holds: { env: { url: "http://127.0.0.1:{{port}}/cable?x=1&y=%20z" } },
          headers: {
            cookie: "a=1; b=2",
            "x-custom": "yes",
            origin: "http://page.example",
            REMOTE_ADDR: PEER,
          },
        },
      ],
    },
    {
      name: "a connect is told no header that is missing or empty",
      steps: [
        connect("/cable", undefined, { headers: { "X-Custom": "", "X-JID": "" } }),
        receives(WELCOME_OF_APPLICATION),
        { do: "calls", method: "Connect", count: 1, headers: { REMOTE_ADDR: PEER } },
      ],
    },
    {
      name: "of a header in two lines both are told",
      steps: [
        connect("/cable", undefined, { headers: { "X-Custom": "one\r\nX-Custom: two" } }),
        receives(WELCOME_OF_APPLICATION),
        {
          do: "differ",
          deviation: "unlisted: the runtime joins the lines of a header, where the reference takes the first",
          ours: [
            {
              do: "calls",
              method: "Connect",
              count: 1,
              headers: { "x-custom": "one, two", REMOTE_ADDR: PEER },
            },
          ],
          reference: [
            { do: "calls", method: "Connect", count: 1, headers: { "x-custom": "one", REMOTE_ADDR: PEER } },
          ],
        },
      ],
    },
    {
      name: "the host of a connect is the one in its header, in a target that is a whole URL too",
      steps: [
        connect("http://elsewhere.example/cable?a=b", undefined, { headers: { Host: "app.example" } }),
        receives(WELCOME_OF_APPLICATION),
        {
          do: "differ",
          deviation: "unlisted: the runtime tells the host of the header, the reference the target as it is",
          ours: [
            {
              do: "calls",
              method: "Connect",
              count: 1,
              holds: { env: { url: "http://app.example/cable?a=b" } },
            },
          ],
          reference: [
            {
              do: "calls",
              method: "Connect",
              count: 1,
              holds: { env: { url: "http://elsewhere.example/cable?a=b" } },
            },
          ],
        },
      ],
    },
    {
      name: "of a token in both, the header's is told and not the sub-protocol's",
      steps: [
        ...welcomed("/cable", undefined, {
          headers: { "X-JID": GOOD },
          protocols: "actioncable-v1-json, anycable-token.other",
        }),
        subscribe(id("Any")),
        confirmed(id("Any")),
        { do: "calls", method: "Command", count: 1, holds: { env: { headers: { "x-jid": GOOD } } } },
      ],
    },
    {
      name: "a command is told the token's identity, and its carrier's header, as they are",
      steps: [
        ...welcomed("/cable?x=1", undefined, { headers: { "X-JID": GOOD } }),
        subscribe(id("Any", { room: 1 })),
        confirmed(id("Any", { room: 1 })),
        perform(id("Any", { room: 1 }), "echo hi"),
        deliveryTo(id("Any", { room: 1 }), '"hi"'),
        { do: "calls", method: "Connect", count: 0 },
        {
          do: "calls",
          method: "Command",
          count: 2,
          holds: {
            command: "message",
            identifier: id("Any", { room: 1 }),
            connectionIdentifiers: IDENTITY,
            data: "echo hi",
            env: { headers: { "x-jid": GOOD, REMOTE_ADDR: PEER } },
          },
        },
      ],
    },
    {
      name: "a token that came as a sub-protocol is told as the header",
      steps: [
        connect("/cable", undefined, { protocols: `actioncable-v1-json, anycable-token.${GOOD}` }),
        receives(WELCOME),
        subscribe(id("Any")),
        confirmed(id("Any")),
        { do: "calls", method: "Command", count: 1, holds: { env: { headers: { "x-jid": GOOD } } } },
      ],
    },
    {
      name: "state comes back with every command: the connection's always, a channel's with its own commands",
      steps: [
        connect("/cable?case=state"),
        receives(WELCOME_OF_APPLICATION),
        subscribe(id("One")),
        confirmed(id("One")),
        {
          do: "calls",
          method: "Command",
          count: 1,
          holds: { env: { cstate: { count: "1", gone: "soon" } } },
        },
        perform(id("One"), "state"),
        QUIET,
        perform(id("One"), "forget"),
        QUIET,
        {
          do: "calls",
          method: "Command",
          count: 3,
          holds: { env: { cstate: { count: "2" }, istate: { room: "1", word: "x" } } },
        },
        perform(id("One"), "echo x"),
        deliveryTo(id("One"), '"x"'),
        { do: "calls", method: "Command", count: 4, holds: { env: { istate: { room: "1" } } } },
        subscribe(id("Two")),
        confirmed(id("Two")),
        {
          do: "calls",
          method: "Command",
          count: 5,
          holds: { connectionIdentifiers: '{"user":"state"}', env: { cstate: { count: "2" } } },
        },
        { do: "drop" },
        {
          do: "calls",
          method: "Disconnect",
          count: 1,
          holds: {
            identifiers: '{"user":"state"}',
            env: { cstate: { count: "2" }, istate: { [id("One")]: '{"room":"1"}' } },
          },
        },
      ],
    },
    {
      name: "the end of a session that it let in is told, with the subscriptions that were left",
      steps: [
        ...admitted(),
        subscribe(id("One")),
        confirmed(id("One")),
        subscribe(id("Two")),
        confirmed(id("Two")),
        send({ command: "unsubscribe", identifier: id("One") }),
        deliveryTo(id("One"), '"left"'),
        { do: "drop" },
        {
          do: "calls",
          method: "Disconnect",
          count: 1,
          holds: { identifiers: '{"user":"app"}', subscriptions: [id("Two")] },
        },
      ],
    },
    {
      name: "the end of a session that it never heard of is not told",
      steps: [
        ...welcomed(`/cable?jid=${GOOD}`),
        subscribe(stream("untold")),
        receives(/confirm_subscription/),
        { do: "drop" },
        { do: "wait", ms: 250 },
        { do: "calls", method: "Disconnect", count: 0 },
      ],
    },
    {
      name: "the end of a session with a token is told once it has subscribed to a channel of the application",
      steps: [
        ...welcomed(`/cable?jid=${GOOD}`),
        subscribe(id("One")),
        confirmed(id("One")),
        { do: "drop" },
        {
          do: "calls",
          method: "Disconnect",
          count: 1,
          holds: { identifiers: IDENTITY, subscriptions: [id("One")] },
        },
      ],
    },
    {
      name: "the end of a session whose built-in subscription was rejected is told",
      steps: [
        ...welcomed(`/cable?jid=${GOOD}`),
        subscribe('{"channel":"$pubsub"}'),
        receives(/reject_subscription/),
        { do: "drop" },
        { do: "calls", method: "Disconnect", count: 1, holds: { identifiers: IDENTITY } },
      ],
    },
    {
      name: "the end of a session is not told for a perform on the built-in channel, nor for a subscribe that failed",
      steps: [
        ...welcomed(`/cable?jid=${GOOD}`),
        subscribe(stream("performed")),
        receives(/confirm_subscription/),
        perform(stream("performed"), "echo hi"),
        deliveryTo(stream("performed"), '"hi"'),
        subscribe(id("Broken")),
        QUIET,
        { do: "calls", method: "Command", count: 2 },
        { do: "drop" },
        { do: "wait", ms: 250 },
        { do: "calls", method: "Disconnect", count: 0 },
      ],
    },
    {
      name: "the end of a session with a token is told once the application has rejected a subscription",
      steps: [
        ...welcomed(`/cable?jid=${GOOD}`),
        subscribe(id("Rejecting")),
        receives(/reject_subscription/),
        { do: "drop" },
        { do: "calls", method: "Disconnect", count: 1, holds: { identifiers: IDENTITY } },
      ],
    },
    {
      name: "the end of a client that was never let in is not told",
      steps: [
        connect("/cable?case=no", "a"),
        { do: "pass over", on: "a" },
        connect("/cable?case=error", "b"),
        { do: "pass over", on: "b" },
        connect(`/cable?jid=${FORGED}`, "c"),
        { do: "pass over", on: "c" },
        { do: "wait", ms: 250 },
        { do: "calls", method: "Disconnect", count: 0 },
      ],
    },
    {
      name: "the end of a session that a remote command closed is told",
      steps: [
        ...admitted(),
        subscribe(id("One")),
        confirmed(id("One")),
        {
          do: "publish",
          body: { command: "disconnect", payload: { identifier: '{"user":"app"}', reconnect: true } },
        },
        receives('{"type":"disconnect","reason":"remote","reconnect":true}'),
        { do: "closed", code: 1000, reason: "Closed remotely" },
        { do: "calls", method: "Disconnect", count: 1, holds: { subscriptions: [id("One")] } },
      ],
    },
    {
      name: "the end of a session that the application closed itself is told",
      steps: [
        ...admitted(),
        subscribe(id("Any")),
        confirmed(id("Any")),
        perform(id("Any"), "end"),
        { do: "pass over" },
        { do: "calls", method: "Disconnect", count: 1, holds: { subscriptions: [id("Any")] } },
      ],
    },
    {
      name: "a perform on the built-in channel is the application's",
      steps: [
        ...welcomed(`/cable?jid=${GOOD}`),
        subscribe(stream("built-in")),
        receives(/confirm_subscription/),
        perform(stream("built-in"), "echo hi"),
        deliveryTo(stream("built-in"), '"hi"'),
        publish("built-in", "1"),
        receives(delivery("built-in", "1")),
      ],
    },
    {
      name: "shutdown tells the ends of all sessions before the process is gone",
      steps: [
        ...admitted("a"),
        ...admitted("b"),
        ...admitted("c"),
        { do: "signal", name: "SIGTERM" },
        { do: "exited", status: 0 },
        { do: "calls", method: "Disconnect", count: 3 },
      ],
    },
  ],
};

/** When the end of a session is told: of one that the application let in, and of one that it never heard of. */
const MODES: readonly Group[] = (
  [
    ["--disconnect_mode=always", [1, 2]],
    ["--disconnect_mode=never", [0, 0]],
    ["--disconnect_mode=auto", [1, 1]],
    ["--disable_disconnect", [0, 0]],
  ] as const
).map(([flag, [first, both]]) => ({
  title: flag,
  flags: ["--jwt_secret=qwerty", flag],
  server: "each",
  application: APPLICATION,
  scenarios: [
    {
      name: `tells ${first} end of a session that the application let in, ${both} with one that a token let in`,
      steps: [
        ...admitted("a"),
        { do: "drop", on: "a" },
        { do: "wait", ms: 250 },
        { do: "calls", method: "Disconnect", count: first },
        ...welcomed(`/cable?jid=${GOOD}`, "b"),
        { do: "drop", on: "b" },
        { do: "wait", ms: 250 },
        { do: "calls", method: "Disconnect", count: both },
      ],
    },
  ],
}));

const DEFAULT_HEADERS: Group = {
  title: "headers for an application by default",
  flags: [],
  server: "each",
  application: APPLICATION,
  scenarios: [
    {
      name: "are the cookies alone",
      steps: [
        connect("/cable", undefined, {
          headers: { Cookie: "a=1; b=2", "X-JID": "a token", Origin: "http://a" },
        }),
        receives(WELCOME_OF_APPLICATION),
        { do: "calls", method: "Connect", count: 1, headers: { cookie: "a=1; b=2", REMOTE_ADDR: PEER } },
      ],
    },
  ],
};

const COOKIES: Group = {
  title: "cookies for an application",
  flags: ["--proxy-cookies=b,d"],
  server: "each",
  application: APPLICATION,
  scenarios: [
    {
      name: "only the named ones are told",
      steps: [
        connect("/cable", undefined, { headers: { Cookie: "b=2; a=1; d=x=y; bb=3" } }),
        receives(WELCOME_OF_APPLICATION),
        {
          do: "differ",
          deviation: "D15",
          ours: [
            {
              do: "calls",
              method: "Connect",
              count: 1,
              holds: { env: { headers: { cookie: "b=2;d=x=y;" } } },
            },
          ],
          reference: [
            { do: "calls", method: "Connect", count: 1, holds: { env: { headers: { cookie: "b=2;" } } } },
          ],
        },
      ],
    },
  ],
};

const BUSY: Group = {
  title: "--max_pending_commands",
  flags: ["--max_pending_commands=4"],
  onlyOurs: "the option is ours",
  application: APPLICATION,
  scenarios: [
    {
      name: "as many commands may wait for a slow one",
      steps: [
        ...admitted(),
        subscribe(id("Any")),
        confirmed(id("Any")),
        perform(id("Any"), "slow 300"),
        { do: "send", command: { command: "ping" }, times: 4 },
        deliveryTo(id("Any"), '"after 300"'),
        ...Array.from({ length: 4 }, () => receives('{"type":"pong"}')),
      ],
    },
    {
      name: "one more is closed with 1008",
      steps: [
        ...admitted(),
        subscribe(id("Any")),
        confirmed(id("Any")),
        perform(id("Any"), "slow 1000"),
        { do: "send", command: { command: "ping" }, times: 5 },
        { do: "closed", code: 1008, reason: "Too many pending commands", withinMs: 900 },
      ],
    },
  ],
};

/** Whoever can reach the port may send this much before anybody has decided about them. */
const EARLY: Group = {
  title: "commands before the welcome",
  flags: [],
  onlyOurs: "the reference leaves them in the network's buffers",
  application: { connect: () => ({ afterMs: 1000 }) },
  scenarios: [
    {
      name: "64 kB of them are kept for a client that is not let in yet",
      steps: [
        connect(),
        { do: "send", command: { command: "ping", pad: "x".repeat(20_000) }, times: 3 },
        receives(WELCOME_OF_APPLICATION),
        ...Array.from({ length: 3 }, () => receives('{"type":"pong"}')),
      ],
    },
    {
      name: "more are closed with 1008",
      steps: [
        connect(),
        { do: "send", command: { command: "ping", pad: "x".repeat(20_000) }, times: 4 },
        { do: "closed", code: 1008, reason: "Too many pending commands", withinMs: 900 },
      ],
    },
  ],
};

/** Nobody listens at the port that the application should have. */
const DEAD: Group = {
  title: "a dead application",
  flags: ["--rpc_host=127.0.0.1:1", "--rpc_command_timeout=500", "--jwt_secret=qwerty", "--public_streams"],
  scenarios: [
    {
      name: "who needs it is closed with 1011",
      steps: [connect(), { do: "closed", code: 1011, reason: "Auth Error" }],
    },
    {
      name: "who has a token is welcomed, and the built-in channel works",
      steps: [
        ...welcomed(`/cable?jid=${GOOD}`),
        subscribe(id("Any")),
        QUIET,
        subscribe(stream("alive")),
        receives(/confirm_subscription/),
        publish("alive", "1"),
        receives(delivery("alive", "1")),
      ],
    },
  ],
};

export const APPLICATION_GROUPS: readonly Group[] = [
  TALK,
  TOLD,
  ...MODES,
  DEFAULT_HEADERS,
  COOKIES,
  BUSY,
  EARLY,
  DEAD,
];
