import { confirmation, publication, rejection, stream } from "../phrases.ts";
import type { Group, Headers, Scenario, Step, Text } from "../scenario.ts";
import { STREAMS_SECRET, signedName } from "../stream-names.ts";
import { BROADCAST_KEY, EXPIRED, FORGED, GOOD, IDENTITY, SECRET, token } from "../tokens.ts";

type StreamStep = Extract<Step, { readonly do: "stream" }>;

const asks = (path: string, more: Partial<Omit<StreamStep, "do" | "path">> = {}): Step => ({
  do: "stream",
  path,
  ...more,
});
const refused = (status: number, path: string, more: Partial<Omit<StreamStep, "do" | "path">> = {}): Step =>
  asks(path, { status, ...more });
const event = (lines: Text, on?: string): Step => ({
  do: "event",
  ...(on === undefined ? {} : { on }),
  lines,
});
const publish = (name: string, data: string, meta?: object): Step => ({
  do: "publish",
  body: publication(name, data, meta),
});

const WELCOME = /^event: welcome\ndata: \{"type":"welcome","sid":"(?<sid>[\w-]{21})"\}$/;
const CONFIRMED = /^event: confirm_subscription\ndata: \{"type":"confirm_subscription","identifier":/;
const confirmed = (identifier: string): string =>
  `event: confirm_subscription\ndata: ${confirmation(identifier)}`;

/** Follows a public stream by GET and reads what comes before its messages. */
function follows(name: string, on?: string): Step[] {
  const client = on === undefined ? {} : { on };
  return [
    asks(`/events?stream=${encodeURIComponent(name)}`, client),
    event(WELCOME, on),
    event(confirmed(stream(name)), on),
  ];
}

const COMMON_HEADERS: Headers = {
  "X-Anycable-Version": "1.6.16",
  Connection: "keep-alive",
  "Content-Type": "text/event-stream; charset=utf-8",
  "X-Content-Type-Options": "nosniff",
  "X-Accel-Buffering": "no",
  "Cache-Control": "private, no-cache, no-store, must-revalidate, max-age=0",
  Pragma: "no-cache",
  Expire: "0",
};

const lines = (...commands: readonly object[]): string =>
  commands.map((command) => JSON.stringify(command)).join("\n");

const LARGE_BODY = `${JSON.stringify({ identifier: stream("s17") })}${" ".repeat(65536)}`;

/** Requests without a stream: what is wrong with them, and the rest of the request. */
const BAD_REQUESTS: readonly (readonly [what: string, path: string, more: Partial<StreamStep>])[] = [
  ["no channel", "/events", {}],
  ["an empty channel", "/events?channel=", {}],
  ["a channel that nobody confirms", "/events?channel=ChatChannel", {}],
  ["a signed stream that nobody signed", "/events?signed_stream=x--y", {}],
  ["a time that is no number", "/events?stream=b1&history_since=x", {}],
  ["a last id whose offset is no number", "/events?stream=b2", { headers: { "Last-Event-ID": "x/1/b2" } }],
  ["a body that is no JSON", "/events", { method: "POST", body: "{bad" }],
  ["a body of null", "/events", { method: "POST", body: "null" }],
  [
    "the same channel twice",
    "/events",
    { method: "POST", body: lines({ identifier: stream("b3") }, { identifier: stream("b3") }) },
  ],
  [
    "one channel of two that nobody confirms",
    "/events",
    { method: "POST", body: lines({ identifier: stream("b4") }, { identifier: "{}" }) },
  ],
  ["a body of more than 64 KiB", "/events", { method: "POST", body: LARGE_BODY }],
];

const REQUESTS: readonly Scenario[] = [
  {
    name: "a stream begins with the welcome and the confirmation, and its head says that nothing is to keep it",
    steps: [
      asks("/events?stream=s1", { answer: COMMON_HEADERS }),
      event(WELCOME),
      event(confirmed(stream("s1"))),
    ],
  },
  {
    name: "the channel may be an identifier",
    steps: [
      asks(`/events?identifier=${encodeURIComponent(stream("s2"))}`),
      event(WELCOME),
      event(confirmed(stream("s2"))),
      publish("s2", "1"),
      event("data: 1"),
    ],
  },
  {
    name: "of the parameters that name a channel the identifier comes first, and empty ones are passed over",
    steps: [
      asks(
        `/events?turbo_signed_stream_name=x&signed_stream=x&stream=no&channel=&identifier=${encodeURIComponent(stream("s3"))}`,
      ),
      event(WELCOME),
      event(confirmed(stream("s3"))),
      asks("/events?signed_stream=x&stream=s4", { on: "second" }),
      event(WELCOME, "second"),
      event(confirmed(stream("s4")), "second"),
    ],
  },
  {
    name: "a signed stream is followed by its signed name",
    steps: [
      asks(`/events?signed_stream=${signedName("s5")}`),
      event(WELCOME),
      event(CONFIRMED),
      publish("s5", '"signed"'),
      event("data: signed"),
    ],
  },
  {
    name: "by POST come several channels, whatever the lines call themselves, and messages whole",
    steps: [
      asks("/events", {
        method: "POST",
        body: `${lines({ command: "message", identifier: stream("s6") }, { identifier: stream("s7") })}\n\n`,
        answer: COMMON_HEADERS,
      }),
      event(WELCOME),
      event(confirmed(stream("s6"))),
      event(confirmed(stream("s7"))),
      publish("s7", '{"t":"hi"}'),
      event(`data: {"identifier":${JSON.stringify(stream("s7"))},"message":{"t":"hi"}}`),
      publish("s6", '"a\\nb"'),
      event(`data: {"identifier":${JSON.stringify(stream("s6"))},"message":"a\\nb"}`),
    ],
  },
  {
    name: "a POST without a body follows nothing",
    steps: [asks("/events", { method: "POST" }), event(WELCOME)],
  },
  ...["1", "true", "T", "y"].map(
    (raw): Scenario => ({
      name: `with raw=${raw} nothing but messages come`,
      steps: [
        asks(`/events?stream=raw-${raw}&raw=${raw}`),
        publish(`raw-${raw}`, "1", { broadcast_type: "typed" }),
        publish(`raw-${raw}`, '"the first"'),
        event("data: the first"),
      ],
    }),
  ),
  {
    name: "raw goes for a POST as well, and another value than these is none",
    steps: [
      asks("/events?raw=true", { method: "POST", body: lines({ identifier: stream("s8") }) }),
      publish("s8", "1"),
      event(`data: {"identifier":${JSON.stringify(stream("s8"))},"message":1}`),
      asks("/events?stream=s9&raw=yes", { on: "not raw" }),
      event(WELCOME, "not raw"),
    ],
  },
  {
    name: "a last id that is none of the server's is passed over",
    steps: [asks("/events?stream=s10", { headers: { "Last-Event-ID": "1/b" } }), event(WELCOME)],
  },
  {
    name: "without a broker a last id is answered with reject_history, and the stream goes on",
    steps: [
      asks("/events?stream=s11", { headers: { "Last-Event-ID": "1/e/s11" } }),
      event(WELCOME),
      event(confirmed(stream("s11"))),
      event(/^event: reject_history\ndata: \{"type":"reject_history","identifier":"/),
      publish("s11", "1"),
      event("data: 1"),
    ],
  },
  {
    name: "every other method is answered 405, and a preflight 200",
    steps: [
      refused(405, "/events?stream=s12", { method: "PUT" }),
      refused(405, "/events?stream=s12", { method: "HEAD" }),
      refused(405, "/events?stream=s12", { method: "DELETE" }),
      {
        do: "http",
        method: "OPTIONS",
        path: "/events",
        status: 200,
        answer: { "Content-Type": null, "X-Anycable-Version": null },
      },
    ],
  },
  ...BAD_REQUESTS.map(
    ([what, path, more]): Scenario => ({
      name: `a request with ${what} is answered 400, with the same head and no body`,
      steps: [refused(400, path, { ...more, answer: COMMON_HEADERS })],
    }),
  ),
];

/** What is published, and the lines in which it comes alone. */
const MESSAGES: readonly (readonly [what: string, data: string, lines: string])[] = [
  ["an object", '{"t":"hi"}', 'data: {"t":"hi"}'],
  ["a string", '"text"', "data: text"],
  ["the empty string", '""', "data: "],
  ["a string that begins with a space", '" a"', "data:  a"],
  ["a string of several lines", '"a\\nb\\r\\nc\\rd\\n"', "data: a\ndata: b\ndata: c\ndata: d\ndata: "],
  ["a string that looks like a field", '"x\\nid: 5"', "data: x\ndata: id: 5"],
  ["what is no JSON", "no json", "data: no json"],
  ["null", "null", "data: null"],
  ["other scripts", '"чат 😀"', "data: чат 😀"],
];

const FORMS: readonly Scenario[] = [
  ...MESSAGES.map(
    ([what, data, expected], index): Scenario => ({
      name: `${what} comes as such`,
      steps: [...follows(`m${index}`), publish(`m${index}`, data), event(expected)],
    }),
  ),
  {
    name: "a publication with a type is an event of that type, whole",
    steps: [
      ...follows("typed"),
      publish("typed", "1", { broadcast_type: "custom" }),
      event(
        `event: custom\ndata: {"type":"custom","identifier":${JSON.stringify(stream("typed"))},"message":1}`,
      ),
    ],
  },
  {
    name: "large integers and spaces of a message stay, and JSON of several lines is as many fields",
    steps: [
      ...follows("exact"),
      publish("exact", '{"b": 12345678901234567890}'),
      publish("exact", '{"b":\n 1}'),
      {
        do: "differ",
        deviation: "D20",
        ours: [event('data: {"b": 12345678901234567890}'), event('data: {"b":\ndata:  1}')],
        reference: [event('data: {"b":12345678901234567000}'), event('data: {"b":1}')],
      },
    ],
  },
  {
    name: "clients of one stream that want it in different forms each get theirs",
    steps: [
      asks("/events?stream=mixed"),
      event(WELCOME),
      event(confirmed(stream("mixed"))),
      asks("/events?raw=1", { on: "whole", method: "POST", body: lines({ identifier: stream("mixed") }) }),
      publish("mixed", "1"),
      {
        do: "differ",
        // It encodes a message once for all its event streams, in the form of whoever is first.
        deviation: "unlisted: the reference gives all of them the form of one",
        ours: [
          event("data: 1"),
          event(`data: {"identifier":${JSON.stringify(stream("mixed"))},"message":1}`, "whole"),
        ],
        reference: [event(/^data: /), event(/^data: /, "whole")],
      },
    ],
  },
  {
    name: "WebSockets and event streams hear each other's streams",
    steps: [
      ...follows("both"),
      { do: "connect" },
      { do: "pass over", until: /"welcome"/ },
      { do: "send", command: { command: "subscribe", identifier: stream("both") } },
      { do: "pass over", until: confirmation(stream("both")) },
      publish("both", "5"),
      event("data: 5"),
      { do: "receive", text: `{"identifier":${JSON.stringify(stream("both"))},"message":5}` },
      { do: "send", command: { command: "whisper", identifier: stream("both"), data: { by: "ws" } } },
      event('data: {"by":"ws"}'),
    ],
  },
  {
    name: "a publication leaves out the event stream that it names",
    steps: [
      asks("/events?stream=excluding", { on: "other" }),
      event(WELCOME, "other"),
      event(CONFIRMED, "other"),
      ...follows("excluding"),
      publish("excluding", "1", { exclude_socket: "{{sid}}" }),
      publish("excluding", "2"),
      event("data: 2"),
      event("data: 1", "other"),
      event("data: 2", "other"),
    ],
  },
];

const OPEN_FLAGS = ["--sse", "--norpc", "--noauth", "--public_streams", "--ping_interval=60"];

const OPEN: Group = {
  title: "event streams",
  flags: [...OPEN_FLAGS, `--streams_secret=${STREAMS_SECRET}`],
  scenarios: [...REQUESTS, ...FORMS],
};

const PINGS: Group = {
  title: "event streams with pings",
  flags: ["--sse", "--norpc", "--noauth", "--public_streams", "--ping_interval=1"],
  scenarios: [
    {
      name: "pings are events, and pi of the query changes nothing",
      steps: [
        ...follows("pinged"),
        { do: "ping event" },
        asks("/events?stream=p&pi=0"),
        { do: "ping event" },
      ],
    },
    {
      name: "with raw none come",
      steps: [
        asks("/events?stream=unpinged&raw=1"),
        { do: "wait", ms: 1700 },
        publish("unpinged", "1"),
        event("data: 1"),
      ],
    },
  ],
};

const ELSEWHERE: Group = {
  title: "event streams elsewhere",
  flags: [...OPEN_FLAGS, "--sse_path=/streams/of/events"],
  scenarios: [
    {
      name: "--sse_path says where they are, the output too, and the usual path is nobody's",
      steps: [
        asks("/streams/of/events?stream=a"),
        event(WELCOME),
        { do: "http", path: "/events?stream=a", status: 404 },
        { do: "http", path: "/streams/of/events/?stream=a", status: 404 },
        { do: "output", has: /Handle SSE requests at http:\/\/127\.0\.0\.1:\d+\/streams\/of\/events/ },
      ],
    },
  ],
};

const OFF: Group = {
  title: "event streams, unless asked for,",
  flags: ["--norpc", "--noauth", "--public_streams", "--metrics_http=/metrics"],
  scenarios: [
    {
      name: "are not served, and not counted",
      steps: [
        { do: "http", path: "/events?stream=a", status: 404 },
        { do: "output", hasNot: /SSE/ },
      ],
    },
  ],
};

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

export const EVENT_STREAM_GROUPS: readonly Group[] = [
  PINGS,
  OPEN,
  ELSEWHERE,
  OFF,
  IDENTIFIED,
  ...CORS,
  HISTORY,
  RUNNING,
  FULL,
  APPLICATION,
];
