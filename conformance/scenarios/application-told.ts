import {
  connect,
  delivery,
  receives,
  stream,
  WELCOME,
  WELCOME_OF_APPLICATION,
  welcomed,
} from "../phrases.ts";
import type { Group } from "../scenario.ts";
import { FORGED, GOOD, IDENTITY } from "../tokens.ts";
import {
  APPLICATION,
  admitted,
  confirmed,
  deliveryTo,
  id,
  perform,
  publish,
  QUIET,
  send,
  subscribe,
} from "./scripted-application.ts";

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

export const APPLICATION_TOLD_GROUPS: readonly Group[] = [TOLD, ...MODES, DEFAULT_HEADERS, COOKIES];
