import { confirmation, stream } from "../phrases.ts";
import type { Group, Scenario } from "../scenario.ts";
import { STREAMS_SECRET, signedName } from "../stream-names.ts";
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
  type StreamStep,
  WELCOME,
} from "./event-stream-steps.ts";

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

export const EVENT_STREAM_GROUPS: readonly Group[] = [PINGS, OPEN, ELSEWHERE, OFF];
