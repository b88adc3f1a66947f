import { confirmation, rejection, stream } from "../phrases.ts";
import type { Group, Headers, Scenario, Step } from "../scenario.ts";
import { BROADCAST_KEY, EXPIRED, FORGED, GOOD, IDENTITY, SECRET, token } from "../tokens.ts";
import {
  asks,
  COMMON_HEADERS,
  CONFIRMED,
  confirmed,
  event,
  follows,
  lines,
  OPEN_FLAGS,
  publish,
  refused,
  WELCOME,
} from "./event-stream-steps.ts";

const withToken = (value: string) => `/events?stream=t&jid=${value}`;

const IDENTIFIED: Group = {
  title: "event streams with tokens",
  flags: [
    "--sse",
    "--norpc",
    `--secret=${SECRET}`,
    "--enforce_jwt",
    "--public_streams",
    "--ping_interval=60",
  ],
  scenarios: [
    {
      name: "a good token lets in, from the query or the header",
      steps: [
        asks(withToken(GOOD)),
        event(WELCOME),
        asks("/events?stream=t", { on: "header", headers: { "X-JID": GOOD } }),
        event(WELCOME, "header"),
      ],
    },
    ...(
      [
        ["none", "/events?stream=t"],
        ["one that expired", withToken(EXPIRED)],
        ["a forged one", withToken(FORGED)],
        ["garbage", withToken("garbage")],
      ] as const
    ).map(
      ([what, path]): Scenario => ({
        name: `${what} is answered 401, with the head of a stream and no body`,
        steps: [refused(401, path, { answer: COMMON_HEADERS })],
      }),
    ),
    {
      name: "a token without ext is answered as any other that is refused",
      steps: [
        {
          do: "differ",
          deviation: "D3",
          ours: [refused(401, withToken(token({ ext: undefined })))],
          reference: [refused(400, withToken(token({ ext: undefined })))],
        },
      ],
    },
    {
      name: "what is asked for is looked at before the token",
      steps: [refused(400, "/events?jid=garbage")],
    },
    {
      name: "a remote disconnect ends the stream behind its event, and says how long to stay away",
      steps: [
        asks(withToken(GOOD)),
        event(WELCOME),
        event(CONFIRMED),
        {
          do: "publish",
          key: BROADCAST_KEY,
          body: { command: "disconnect", payload: { identifier: IDENTITY, reconnect: false } },
        },
        {
          do: "differ",
          deviation: "D28",
          ours: [
            event(
              'event: disconnect\ndata: {"type":"disconnect","reason":"remote","reconnect":false}\nretry: 2147483647',
            ),
          ],
          reference: [
            event(
              'event: disconnect\ndata: {"type":"disconnect","reason":"remote","reconnect":false}\nretry: 31536000000',
            ),
          ],
        },
        { do: "stream ended" },
      ],
    },
  ],
  server: "serial",
};

const CORS_ALWAYS: Headers = {
  "Access-Control-Allow-Methods": "POST, OPTIONS",
  "Access-Control-Allow-Credentials": "true",
  "Access-Control-Allow-Headers":
    "Origin, X-Requested-With, X-Request-ID, Content-Type, Accept, X-CSRF-Token, Authorization",
};
const allows = (origin: string | null): Headers => ({
  ...CORS_ALWAYS,
  "Access-Control-Allow-Origin": origin,
});
const from = (origin: string) => ({ headers: { Origin: origin } });

const CORS: readonly Group[] = [
  {
    title: "CORS of event streams",
    flags: OPEN_FLAGS,
    scenarios: [
      {
        name: "all pages may read every answer",
        steps: [
          asks("/events?stream=a", { ...from("https://page.example"), answer: allows("*") }),
          event(WELCOME),
          refused(400, "/events", { ...from("https://page.example"), answer: allows("*") }),
          refused(405, "/events", { method: "PUT", answer: allows("*") }),
          { do: "http", method: "OPTIONS", path: "/events", status: 200, answer: allows("*") },
        ],
      },
    ],
  },
  {
    title: "CORS of event streams with --allowed_origins",
    flags: [...OPEN_FLAGS, "--allowed_origins=good.example,*.wild.example"],
    scenarios: [
      {
        name: "pages of these hosts may, and others are served all the same",
        steps: [
          asks("/events?stream=a", {
            ...from("https://good.example"),
            answer: allows("https://good.example"),
          }),
          event(WELCOME),
          asks("/events?stream=a", {
            ...from("https://a.wild.example"),
            answer: allows("https://a.wild.example"),
          }),
          event(WELCOME),
          asks("/events?stream=a", { ...from("https://evil.example"), answer: allows(null) }),
          event(WELCOME),
          refused(400, "/events", { ...from("https://evil.example"), answer: allows(null) }),
        ],
      },
    ],
  },
];

const POSITION = /^data: 1\nid: (?<first>1\/[\w-]+\/)kept$/;

const HISTORY: Group = {
  title: "event streams with a broker",
  flags: [...OPEN_FLAGS, "--broker=memory", "--broadcast_adapter=http"],
  scenarios: [
    {
      name: "messages have an id, by which a client gets what it missed, in order and once, and then what comes",
      steps: [
        ...follows("kept"),
        publish("kept", "1"),
        event(POSITION),
        { do: "drop stream" },
        publish("kept", '"two\\nlines"'),
        publish("kept", "3"),
        asks("/events?stream=kept", { headers: { "Last-Event-ID": "{{first}}kept" } }),
        event(WELCOME),
        event(confirmed(stream("kept"))),
        event(/^data: two\ndata: lines\nid: 2\/[\w-]+\/kept$/),
        event(/^data: 3\nid: 3\//),
        event(/^event: confirm_history\n/),
        publish("kept", "4"),
        event(/^data: 4\nid: 4\//),
      ],
    },
    {
      name: "a stream's name may have slashes, and other scripts",
      steps: [
        ...follows("a/б/c"),
        publish("a/б/c", "1"),
        event(/^data: 1\nid: (?<slashed>1\/[\w-]+\/)a\/б\/c$/),
        publish("a/б/c", "2"),
        // As a browser sends it: UTF-8, byte by byte.
        asks("/events?stream=a%2F%D0%B1%2Fc", {
          headers: { "Last-Event-ID": `{{slashed}}a/${Buffer.from("б").toString("latin1")}/c` },
          on: "again",
        }),
        event(WELCOME, "again"),
        event(CONFIRMED, "again"),
        event(/^data: 2\nid: 2\//, "again"),
        event(/^event: confirm_history\n/, "again"),
      ],
    },
    {
      name: "an epoch of another time is answered with reject_history",
      steps: [
        ...follows("epochs"),
        publish("epochs", "1"),
        event(/^data: 1\n/),
        asks("/events?stream=epochs", { headers: { "Last-Event-ID": "1/nope/epochs" }, on: "again" }),
        event(WELCOME, "again"),
        event(CONFIRMED, "again"),
        event(/^event: reject_history\n/, "again"),
      ],
    },
    {
      name: "history_since brings what came since, with raw without a word around it",
      steps: [
        publish("since", "1"),
        publish("since", "2"),
        asks("/events?stream=since&history_since=1"),
        event(WELCOME),
        event(CONFIRMED),
        event(/^data: 1\nid: 1\//),
        event(/^data: 2\nid: 2\//),
        event(/^event: confirm_history\n/),
        asks("/events?stream=since&history_since=1&raw=1", { on: "raw" }),
        event(/^data: 1\nid: 1\//, "raw"),
        event(/^data: 2\nid: 2\//, "raw"),
      ],
    },
    {
      name: "a line of a POST asks for its own",
      steps: [
        publish("posted", "1"),
        asks("/events", {
          method: "POST",
          body: lines({ identifier: stream("posted"), history: { since: 1 } }),
        }),
        event(WELCOME),
        event(CONFIRMED),
        event(
          /^data: \{"identifier":.*,"message":1,"stream_id":"posted","epoch":"[\w-]+","offset":1\}\nid: 1\//,
        ),
        event(/^event: confirm_history\n/),
      ],
    },
  ],
};

const sample = (name: string, is: number): Step => ({ do: "metric", name, is });

const RUNNING: Group = {
  title: "event streams of a running server",
  flags: [...OPEN_FLAGS, "--metrics_http=/metrics", "--shutdown_timeout=5"],
  server: "each",
  scenarios: [
    {
      name: "are counted as long as they last, and as clients",
      steps: [
        sample("sse_clients_num", 0),
        ...follows("counted", "one"),
        ...follows("counted", "two"),
        sample("sse_clients_num", 2),
        refused(400, "/events"),
        { do: "drop stream", on: "one" },
        sample("sse_clients_num", 1),
        { do: "drop stream", on: "two" },
        sample("sse_clients_num", 0),
      ],
    },
    {
      name: "end behind their disconnect event when the server goes down",
      steps: [
        ...follows("leaving", "one"),
        ...follows("leaving", "two"),
        { do: "signal", name: "SIGTERM" },
        event(
          'event: disconnect\ndata: {"type":"disconnect","reason":"server_restart","reconnect":true}',
          "one",
        ),
        { do: "stream ended", on: "one" },
        event(
          'event: disconnect\ndata: {"type":"disconnect","reason":"server_restart","reconnect":true}',
          "two",
        ),
        { do: "stream ended", on: "two" },
        { do: "exited", status: 0 },
      ],
    },
  ],
};

const FULL: Group = {
  title: "event streams and --max-conn",
  flags: [...OPEN_FLAGS, "--max-conn=2"],
  server: "each",
  scenarios: [
    {
      name: "count with WebSockets: over the limit the answer is 503 with Retry-After, until one has gone",
      onlyOurs: "D18: the reference lets the third client hang",
      steps: [
        ...follows("full", "one"),
        { do: "connect" },
        { do: "pass over", until: /"welcome"/ },
        refused(503, "/events?stream=full", {
          on: "three",
          answer: { "Retry-After": "5", "Access-Control-Allow-Origin": "*" },
        }),
        { do: "connect", on: "four", status: 503 },
        { do: "drop stream", on: "one" },
        { do: "wait", ms: 300 },
        ...follows("full", "five"),
      ],
    },
  ],
};

const APPLICATION: Group = {
  title: "event streams and the application",
  flags: ["--sse", "--public_streams", "--ping_interval=60", "--rpc_command_timeout=2000"],
  server: "serial",
  application: {
    connect: (url) => {
      const wanted = new URL(url).searchParams.get("case");
      if (wanted === "no") return { status: 2, transmissions: ['{"type":"disconnect","reason":"x"}'] };
      if (wanted === "error") return { status: 0, errorMsg: "a bug of the application" };
      return wanted === "slow" ? { afterMs: 300 } : {};
    },
    command: ({ channel, identifier }) => {
      if (channel === "Rejecting") return { status: 2, transmissions: [rejection(identifier)] };
      if (channel === "Failing") return { status: 0, errorMsg: "a bug of the application" };
      if (channel === "Slow") return { afterMs: 300, streams: ["slow"] };
      if (channel === "Talking") {
        const said = JSON.stringify({ identifier, message: { hello: "there" } });
        return { streams: ["talk"], transmissions: [confirmation(identifier), said] };
      }
      return { streams: ["app"] };
    },
  },
  scenarios: [
    {
      name: "it is asked to let the client in and to confirm the channel, and told when the client has gone",
      steps: [
        asks("/events?channel=Chat"),
        event('event: welcome\ndata: {"type":"welcome"}'),
        event(confirmed('{"channel":"Chat"}')),
        {
          do: "calls",
          method: "Connect",
          count: 1,
          holds: { env: { url: "http://127.0.0.1:{{port}}/events?channel=Chat" } },
        },
        publish("app", '{"by":"app"}'),
        event('data: {"by":"app"}'),
        { do: "drop stream" },
        { do: "calls", method: "Disconnect", count: 1, holds: { subscriptions: ['{"channel":"Chat"}'] } },
      ],
    },
    {
      name: "what it transmits comes first, messages as messages",
      steps: [
        asks("/events?channel=Talking"),
        event(/^event: welcome/),
        event(confirmed('{"channel":"Talking"}')),
        event('data: {"hello":"there"}'),
      ],
    },
    {
      name: "its no is 401, its error 400, and a channel that it rejects or fails at 400",
      steps: [
        refused(401, "/events?channel=Chat&case=no"),
        refused(400, "/events?channel=Chat&case=error"),
        refused(400, "/events?channel=Rejecting"),
        refused(400, "/events?channel=Failing"),
      ],
    },
    {
      name: "the answer waits for it, and nothing that is published meanwhile to what is followed already is lost",
      steps: [
        asks("/events?case=slow", {
          method: "POST",
          body: lines({ identifier: stream("early") }, { identifier: '{"channel":"Slow"}' }),
        }),
        event(/^event: welcome/),
        event(confirmed(stream("early"))),
        event(confirmed('{"channel":"Slow"}')),
        publish("slow", "1"),
        event('data: {"identifier":"{\\"channel\\":\\"Slow\\"}","message":1}'),
      ],
    },
  ],
};

/** Who comes, what they missed, how many there may be, and the application behind them. */
export const EVENT_STREAM_SESSION_GROUPS: readonly Group[] = [
  IDENTIFIED,
  ...CORS,
  HISTORY,
  RUNNING,
  FULL,
  APPLICATION,
];
