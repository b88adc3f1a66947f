import { connect, delivery, publication, receives, stream, subscribed, toldNo, WELCOME } from "../phrases.ts";
import type { Group, Step } from "../scenario.ts";
import { BROADCAST_KEY, EXPIRED, FORGED, GOOD, inSeconds, token } from "../tokens.ts";
import { APPLICATION, confirmed, id, send, subscribe } from "./scripted-application.ts";

/** Connections and the ends of their tokens. */

const OURS = "the options, and the command auth, are ours";

/** Good, of the same client, and another text than `GOOD`. */
const LATER = token({ exp: inSeconds(3601) });

const BASE = ["--norpc", "--secret=qwerty", "--public_streams"];

/** The server says that the token has ended, and ends the connection. */
const TOKEN_ENDS: readonly Step[] = [
  {
    do: "receive",
    text: '{"type":"disconnect","reason":"token_expired","reconnect":false}',
    withinMs: 10_000,
  },
  { do: "closed", code: 1000, reason: "Token Expired" },
];

const auth = (text: string): Step => send({ command: "auth", token: text });
const renewed: Step = receives(/^\{"type":"auth","expires_in":3[0-6]\d\d\}$/);
const NOT_RENEWED: Step = receives('{"type":"auth","error":"unauthorized"}');

const welcomedWith = (text: string, more = ""): Step[] => [
  connect(`/cable?jid=${text}${more}`),
  receives(WELCOME),
];

const CLOSING: Group = {
  title: "--session_expiry=close",
  flags: [...BASE, "--session_expiry=close", "--metrics_http=/metrics"],
  onlyOurs: OURS,
  server: "each",
  scenarios: [
    {
      name: "a connection is told that its token has ended, closed, counted and logged",
      steps: [
        ...welcomedWith("{{token for 3 s}}"),
        ...subscribed("ending"),
        ...TOKEN_ENDS,
        {
          do: "metric",
          name: "disconnects_total",
          labels: ['reason="token_expired"'],
          is: 1,
        },
        { do: "output", has: /disconnecting session: its token expires.*sid=/ },
      ],
    },
    {
      name: "a token without an end leaves its connection as it is",
      steps: [...welcomedWith(token({ exp: undefined })), { do: "wait", ms: 1500 }, { do: "quiet" }],
    },
    {
      name: "a token in a command moves the end, and all that the connection had stays",
      steps: [
        ...welcomedWith("{{token for 6 s}}"),
        ...subscribed("renewed"),
        auth("{{token for 3600 s}}"),
        renewed,
        { do: "wait", ms: 6500 },
        { do: "publish", body: publication("renewed", "1"), key: BROADCAST_KEY },
        receives(delivery("renewed", "1")),
        {
          do: "metric",
          name: "jwt_verifications_total",
          labels: ['result="accepted"', 'carrier="message"'],
          is: 1,
        },
      ],
    },
    {
      name: "a bad token in a command is answered, and leaves the end where it was",
      steps: [
        ...welcomedWith("{{token for 6 s}}"),
        auth(FORGED),
        NOT_RENEWED,
        auth(EXPIRED),
        NOT_RENEWED,
        send({ command: "auth" }),
        NOT_RENEWED,
        send({ command: "auth", token: { jid: GOOD } }),
        NOT_RENEWED,
        ...TOKEN_ENDS,
        {
          do: "metric",
          name: "jwt_verifications_total",
          labels: ['reason="bad_signature"', 'carrier="message"'],
          is: 1,
        },
      ],
    },
    {
      name: "a token of somebody else ends the connection",
      steps: [
        ...welcomedWith(GOOD),
        auth(token({ ext: '{"user":"ben"}' })),
        ...toldNo("unauthorized"),
        {
          do: "metric",
          name: "disconnects_total",
          labels: ['reason="identity_changed"'],
          is: 1,
        },
      ],
    },
  ],
};

const TOLD_AHEAD: Group = {
  title: "auth=1",
  flags: [...BASE, "--session_expiry=close", "--session_expiry_notice=1"],
  onlyOurs: OURS,
  scenarios: [
    {
      name: "a client is told ahead that its token will end",
      steps: [
        ...welcomedWith("{{token for 4 s}}", "&auth=1"),
        { do: "receive", text: /^\{"type":"auth_expiring","expires_in":[01]\}$/, withinMs: 10_000 },
        ...TOKEN_ENDS,
      ],
    },
    {
      name: "a client that does not say so is told nothing",
      steps: [...welcomedWith("{{token for 3 s}}", "&auth=0"), ...TOKEN_ENDS],
    },
  ],
};

const OUTLIVING: Group = {
  title: "--session_expiry=ignore",
  flags: [...BASE, "--session_expiry=ignore"],
  onlyOurs: OURS,
  scenarios: [
    {
      name: "a token in a command is answered all the same, and a connection outlives it",
      steps: [
        ...welcomedWith("{{token for 6 s}}"),
        auth("{{token for 3600 s}}"),
        renewed,
        auth("{{token for 5 s}}"),
        receives(/^\{"type":"auth","expires_in":[1-5]\}$/),
        { do: "wait", ms: 5500 },
        { do: "quiet" },
      ],
    },
  ],
};

const OTHER_CLAIM: Group = {
  title: "--jwt_expire_claim",
  flags: [...BASE, "--session_expiry=close", "--jwt_expire_claim=until", "--session_expiry_jitter=0"],
  onlyOurs: OURS,
  scenarios: [
    {
      name: "the claim says when the connection ends, and exp how long one may connect",
      steps: [...welcomedWith("{{token for 3600 s, until 5 s}}"), { do: "quiet" }, ...TOKEN_ENDS],
    },
    {
      name: "a token without the claim ends its connection by exp",
      steps: [...welcomedWith("{{token for 3 s}}"), ...TOKEN_ENDS],
    },
    {
      name: "a claim that is past is as good as an exp that is: token_expired",
      steps: [connect(`/cable?jid=${token({ until: inSeconds(-5) })}`), ...toldNo("token_expired")],
    },
    {
      name: "a claim that is no number: unauthorized",
      steps: [connect(`/cable?jid=${token({ until: "tomorrow" })}`), ...toldNo("unauthorized")],
    },
  ],
};

const RATE: Group = {
  title: "--session_expiry_rate",
  oneThread: "of a rate of one a second each thread has one",
  flags: [...BASE, "--session_expiry=close", "--session_expiry_rate=1"],
  onlyOurs: OURS,
  scenarios: [
    {
      name: "of clients whose tokens end together some are closed earlier, and none later",
      steps: [
        ...["a", "b", "c"].flatMap((on): Step[] => [
          connect("/cable?jid={{token for 6 s}}", on),
          { do: "receive", on, text: WELCOME },
        ]),
        ...["c", "b", "a"].flatMap((on): Step[] => [
          { do: "receive", on, text: /token_expired/, withinMs: 10_000 },
          { do: "closed", on, code: 1000, reason: "Token Expired" },
        ]),
      ],
    },
  ],
};

const EVENT_STREAMS: Group = {
  title: "--session_expiry=close with --sse",
  flags: [...BASE, "--session_expiry=close", "--sse"],
  onlyOurs: OURS,
  scenarios: [
    {
      name: "a stream of events ends with its token as well",
      steps: [
        { do: "stream", path: "/events?jid={{token for 3 s}}&stream=ending" },
        { do: "event", lines: /welcome/ },
        { do: "event", lines: /confirm_subscription/ },
        {
          do: "event",
          lines:
            /^event: disconnect\ndata: \{"type":"disconnect","reason":"token_expired","reconnect":false\}/,
          withinMs: 10_000,
        },
        { do: "stream ended" },
      ],
    },
  ],
};

const FIRST_MESSAGE: Group = {
  title: "--jwt_first_message",
  flags: [...BASE, "--noauth", "--jwt_first_message", "--jwt_first_message_timeout=4"],
  onlyOurs: OURS,
  scenarios: [
    {
      name: "a good token in the first message: welcome, and what was said before it is done",
      steps: [
        connect("/cable"),
        { do: "silence", forMs: 300, evenPings: false },
        send({ command: "subscribe", identifier: stream("early") }),
        auth(GOOD),
        receives(WELCOME),
        receives(`{"type":"confirm_subscription","identifier":${JSON.stringify(stream("early"))}}`),
        { do: "quiet" },
      ],
    },
    {
      name: "a forged token: unauthorized",
      steps: [connect("/cable"), auth(FORGED), ...toldNo("unauthorized")],
    },
    {
      name: "an expired token: token_expired",
      steps: [connect("/cable"), auth(EXPIRED), ...toldNo("token_expired")],
    },
    {
      name: "no token in time: unauthorized, also where clients without one are let in otherwise",
      steps: [
        connect("/cable"),
        {
          do: "receive",
          text: '{"type":"disconnect","reason":"unauthorized","reconnect":false}',
          withinMs: 10_000,
        },
        { do: "closed", code: 1000, reason: "Auth Failed" },
      ],
    },
    { name: "a token in the request counts as ever", steps: [...welcomedWith(GOOD), { do: "quiet" }] },
  ],
};

const APPLICATION_TOLD: Group = {
  title: "the application after auth",
  flags: ["--jwt_secret=qwerty", "--jwt_first_message", "--rpc_after_jwt=enforce"],
  onlyOurs: OURS,
  server: "each",
  application: APPLICATION,
  scenarios: [
    {
      name: "is told the new token in the old one's place, in the URL",
      steps: [
        connect(`/cable?jid=${GOOD}&x=1`),
        receives('{"type":"welcome"}'),
        auth(LATER),
        renewed,
        subscribe(id("Any")),
        confirmed(id("Any")),
        {
          do: "calls",
          method: "Command",
          count: 1,
          holds: { env: { url: `http://127.0.0.1:{{port}}/cable?jid=${LATER}&x=1` } },
        },
      ],
    },
    {
      name: "is told it in a header that had the old one, and is not asked to let the client in again",
      steps: [
        connect("/cable", undefined, { headers: { "X-JID": GOOD } }),
        receives('{"type":"welcome"}'),
        auth(LATER),
        renewed,
        subscribe(id("Any")),
        confirmed(id("Any")),
        { do: "calls", method: "Command", count: 1, holds: { env: { headers: { "x-jid": LATER } } } },
        { do: "calls", method: "Connect", count: 1 },
      ],
    },
    {
      name: "is asked about a client once its first message has come, and told the token",
      steps: [
        connect("/cable"),
        { do: "wait", ms: 300 },
        { do: "calls", method: "Connect", count: 0 },
        auth(GOOD),
        receives('{"type":"welcome"}'),
        { do: "calls", method: "Connect", count: 1, holds: { env: { headers: { "x-jid": GOOD } } } },
      ],
    },
    {
      name: "hears of no bad token",
      steps: [
        ...[connect(`/cable?jid=${GOOD}`), receives('{"type":"welcome"}')],
        { do: "send", command: { command: "auth", token: FORGED }, times: 20 },
        ...Array.from({ length: 20 }, () => NOT_RENEWED),
        { do: "calls", method: "Connect", count: 1 },
        { do: "calls", method: "Command", count: 0 },
      ],
    },
    {
      name: "does not see who shows more than twenty tokens in a minute, for the connection is closed with 1008",
      steps: [
        ...[connect(`/cable?jid=${GOOD}`), receives('{"type":"welcome"}')],
        { do: "send", command: { command: "auth", token: FORGED }, times: 21 },
        ...Array.from({ length: 20 }, () => NOT_RENEWED),
        { do: "closed", code: 1008, reason: "Too many tokens" },
        { do: "calls", method: "Command", count: 0 },
      ],
    },
  ],
};

export const EXPIRY_GROUPS: readonly Group[] = [
  CLOSING,
  TOLD_AHEAD,
  OUTLIVING,
  OTHER_CLAIM,
  RATE,
  EVENT_STREAMS,
  FIRST_MESSAGE,
  APPLICATION_TOLD,
];
