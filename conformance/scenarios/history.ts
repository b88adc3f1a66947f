import {
  confirmation,
  connect,
  delivery,
  deliveryTo,
  publication,
  receives,
  stream,
  subscribed,
  WELCOME_OF_APPLICATION,
  welcomed,
} from "../phrases.ts";
import type { ApplicationScript, Group, Scenario, Step } from "../scenario.ts";

const OPEN = ["--norpc", "--noauth", "--public_streams", "--broker=memory"];

const send = (on: string, command: object): Step => ({ do: "send", on, command });
const quiet = (on: string): Step => ({ do: "quiet", on });
const publish = (name: string, data: string, meta?: object): Step => ({
  do: "publish",
  body: publication(name, data, meta),
});

/** The frame of a message of a public stream that history keeps, once its epoch is remembered. */
const kept = (name: string, message: string, offset: number, identifier = stream(name)) =>
  `${deliveryTo(identifier, message).slice(0, -1)},"stream_id":${JSON.stringify(name)},"epoch":"{{epoch}}","offset":${offset}}`;

/** The first frame of a stream: remembers the epoch. */
function first(name: string, message: string, identifier = stream(name)): RegExp {
  const escaped = kept(name, message, 1, identifier).replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&");
  return new RegExp(`^${escaped.replace("\\{\\{epoch\\}\\}", "(?<epoch>[\\w.-]+)")}$`);
}

const told = (identifier: string) => `{"type":"confirm_history","identifier":${JSON.stringify(identifier)}}`;
const refused = (identifier: string) =>
  `{"type":"reject_history","identifier":${JSON.stringify(identifier)}}`;

const since = (time: number) => ({ since: time });
const from = (name: string, offset: number, epoch = "{{epoch}}") => ({
  streams: { [name]: { epoch, offset } },
});

const asks = (on: string, name: string, history?: object): Step =>
  send(on, { command: "history", identifier: stream(name), history });
/** Subscribes with a request, and is confirmed. */
const joins = (on: string, name: string, history: object): Step[] => [
  ...welcomed(undefined, on),
  send(on, { command: "subscribe", identifier: stream(name), history }),
  receives(confirmation(stream(name)), on),
];

/** One who follows the stream and heard these messages, the first of its life. */
function heard(name: string, count: number): Step[] {
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return [
    ...welcomed(undefined, "a"),
    ...subscribed(name, "a"),
    ...numbers.flatMap((number): Step[] => [
      publish(name, String(number)),
      receives(number === 1 ? first(name, "1") : kept(name, String(number), number), "a"),
    ]),
  ];
}

const POSITIONS: readonly Scenario[] = [
  ...[undefined, "actioncable-v1-json", "actioncable-v1-ext-json"].map(
    (protocols): Scenario => ({
      name: `messages say where they stand in their stream, over ${protocols ?? "no sub-protocol"}`,
      steps: [
        ...welcomed(undefined, "a", protocols === undefined ? {} : { protocols }),
        ...subscribed(`told ${protocols}`, "a"),
        publish(`told ${protocols}`, '{"b":1}'),
        receives(first(`told ${protocols}`, '{"b":1}'), "a"),
        publish(`told ${protocols}`, "2"),
        receives(kept(`told ${protocols}`, "2", 2), "a"),
      ],
    }),
  ),
  {
    name: "a message with a type of its own says so too",
    steps: [
      ...heard("typed", 1),
      publish("typed", "2", { broadcast_type: "note" }),
      receives(`{"type":"note",${kept("typed", "2", 2).slice(1)}`, "a"),
    ],
  },
  {
    name: "what is transient stands nowhere, and neither does a whisper; none of them comes again",
    steps: [
      ...heard("transient", 1),
      ...welcomed(undefined, "b"),
      ...subscribed("transient", "b"),
      publish("transient", "2", { transient: true }),
      receives(delivery("transient", "2"), "a"),
      receives(delivery("transient", "2"), "b"),
      send("b", { command: "whisper", identifier: stream("transient"), data: 3 }),
      receives(delivery("transient", "3"), "a"),
      publish("transient", "4"),
      receives(kept("transient", "4", 2), "a"),
      receives(kept("transient", "4", 2), "b"),
      asks("b", "transient", from("transient", 1)),
      receives(kept("transient", "4", 2), "b"),
      receives(told(stream("transient")), "b"),
      quiet("b"),
    ],
  },
];

const REQUESTS: readonly Scenario[] = [
  {
    name: "a client that subscribes is told what it missed, and then hears the rest",
    steps: [
      ...heard("catch up", 3),
      ...joins("b", "catch up", from("catch up", 1)),
      receives(kept("catch up", "2", 2), "b"),
      receives(kept("catch up", "3", 3), "b"),
      receives(told(stream("catch up")), "b"),
      publish("catch up", "4"),
      receives(kept("catch up", "4", 4), "b"),
    ],
  },
  {
    name: "a client that gives a time is told what came since then",
    steps: [
      ...heard("since", 2),
      ...joins("b", "since", since(1)),
      receives(kept("since", "1", 1), "b"),
      receives(kept("since", "2", 2), "b"),
      receives(told(stream("since")), "b"),
      asks("b", "since", since(4_000_000_000)),
      receives(told(stream("since")), "b"),
      quiet("b"),
    ],
  },
  {
    name: "the position counts where there is also a time",
    steps: [
      ...heard("both", 2),
      ...joins("b", "both", { ...since(1), ...from("both", 1) }),
      receives(kept("both", "2", 2), "b"),
      receives(told(stream("both")), "b"),
      asks("b", "both", { ...since(1), ...from("elsewhere", 1) }),
      receives(kept("both", "1", 1), "b"),
      receives(kept("both", "2", 2), "b"),
      receives(told(stream("both")), "b"),
    ],
  },
  {
    name: "who is up to date is told so, as is who asks about nothing or about other streams",
    steps: [
      ...heard("nothing", 2),
      ...[from("nothing", 2), { streams: {} }, from("other", 1), since(-1)].flatMap((history): Step[] => [
        asks("a", "nothing", history),
        receives(told(stream("nothing")), "a"),
      ]),
      quiet("a"),
    ],
  },
  {
    name: "a request without a question is not answered",
    steps: [
      ...heard("no question", 1),
      ...[undefined, {}, { since: 0 }].map((history) => asks("a", "no question", history)),
      asks("a", "never subscribed to", since(1)),
      quiet("a"),
    ],
  },
  {
    name: "what cannot be told without a gap is refused: an offset ahead, another epoch, a stream that is not known",
    steps: [
      ...heard("gaps", 2),
      ...[from("gaps", 3), from("gaps", 1, "elsewhere"), { streams: { gaps: null } }].flatMap(
        (history): Step[] => [asks("a", "gaps", history), receives(refused(stream("gaps")), "a")],
      ),
      ...joins("b", "unknown", from("unknown", 1)),
      receives(refused(stream("unknown")), "b"),
      asks("b", "unknown", since(1)),
      receives(told(stream("unknown")), "b"),
      publish("unknown", "1"),
      receives(kept("unknown", "1", 1), "b"),
    ],
  },
  {
    name: "a client exactly before the oldest message is told all of them",
    steps: [
      ...heard("oldest", 2),
      asks("a", "oldest", from("oldest", 0)),
      {
        do: "differ",
        deviation: "D23",
        ours: [
          receives(kept("oldest", "1", 1), "a"),
          receives(kept("oldest", "2", 2), "a"),
          receives(told(stream("oldest")), "a"),
        ],
        reference: [receives(refused(stream("oldest")), "a")],
      },
    ],
  },
];

const LIMITED: Group = {
  title: "history of two messages",
  flags: [...OPEN, "--history_limit=2"],
  scenarios: [
    {
      name: "is told to who has the third from the end, and refused to who has an older one",
      steps: [
        ...heard("two", 4),
        asks("a", "two", from("two", 1)),
        receives(refused(stream("two")), "a"),
        asks("a", "two", from("two", 3)),
        receives(kept("two", "4", 4), "a"),
        receives(told(stream("two")), "a"),
        asks("a", "two", since(1)),
        receives(kept("two", "3", 3), "a"),
        receives(kept("two", "4", 4), "a"),
        receives(told(stream("two")), "a"),
        asks("a", "two", from("two", 2)),
        {
          do: "differ",
          deviation: "D23",
          ours: [
            receives(kept("two", "3", 3), "a"),
            receives(kept("two", "4", 4), "a"),
            receives(told(stream("two")), "a"),
          ],
          reference: [receives(refused(stream("two")), "a")],
        },
      ],
    },
  ],
};

const NONE_KEPT: Group = {
  title: "history of no messages",
  flags: [...OPEN, "--history_limit=0"],
  scenarios: [
    {
      name: "is refused, and messages have no position",
      steps: [
        ...welcomed(undefined, "a"),
        ...subscribed("none", "a"),
        {
          do: "differ",
          deviation: "D26",
          ours: [
            publish("none", "1"),
            receives(delivery("none", "1"), "a"),
            asks("a", "none", since(1)),
            receives(refused(stream("none")), "a"),
          ],
          // The publisher's connection is cut; what the process does then is not worth a step.
          reference: [],
        },
      ],
    },
  ],
};

/** The reference looks once a second; both count in whole seconds. */
const EXPIRED_MS = 3500;
const FORGOTTEN_MS = 13_500;

const SHORT_LIVED: Group = {
  title: "history of one second",
  flags: [...OPEN, "--history_ttl=1"],
  scenarios: [
    {
      name: "is not there any more for who missed something, and goes on for who did not",
      steps: [
        ...heard("expired", 2),
        { do: "wait", ms: EXPIRED_MS },
        asks("a", "expired", from("expired", 1)),
        receives(refused(stream("expired")), "a"),
        asks("a", "expired", since(1)),
        receives(told(stream("expired")), "a"),
        asks("a", "expired", from("expired", 2)),
        {
          do: "differ",
          deviation: "D23",
          ours: [receives(told(stream("expired")), "a")],
          reference: [receives(refused(stream("expired")), "a")],
        },
        publish("expired", "3"),
        receives(kept("expired", "3", 3), "a"),
      ],
    },
    {
      name: "of a stream that was forgotten does not go on where another life of it was",
      steps: [
        ...heard("forgotten", 1),
        { do: "wait", ms: FORGOTTEN_MS },
        publish("forgotten", '"missed"'),
        {
          do: "differ",
          deviation: "D24",
          ours: [
            ...joins("b", "forgotten", from("forgotten", 1)),
            receives(refused(stream("forgotten")), "b"),
            asks("b", "forgotten", since(1)),
            receives(/"message":"missed","stream_id":"forgotten","epoch":"[\w.-]+","offset":1\}$/, "b"),
            receives(told(stream("forgotten")), "b"),
          ],
          // It is told that it missed nothing.
          reference: [
            ...joins("b", "forgotten", from("forgotten", 1)),
            receives(told(stream("forgotten")), "b"),
            quiet("b"),
          ],
        },
      ],
    },
  ],
};

const ROOM = JSON.stringify({ channel: "Room" });
const APPLICATION: ApplicationScript = {
  command: ({ command, identifier }) =>
    command === "subscribe"
      ? { streams: ["one", "two"], transmissions: [confirmation(identifier)] }
      : { streams: [] },
};

const OF_APPLICATION: Group = {
  title: "history of channels of an application",
  flags: ["--broker=memory"],
  server: "each",
  application: APPLICATION,
  scenarios: [
    {
      name: "is told of all their streams, or of none where one of them cannot be told",
      steps: [
        connect(undefined, "a"),
        receives(WELCOME_OF_APPLICATION, "a"),
        send("a", { command: "subscribe", identifier: ROOM, history: since(1) }),
        receives(confirmation(ROOM), "a"),
        receives(told(ROOM), "a"),
        publish("one", "1"),
        receives(first("one", "1", ROOM), "a"),
        publish("two", "2"),
        receives(kept("two", "2", 1, ROOM), "a"),
        send("a", { command: "history", identifier: ROOM, history: since(1) }),
        { do: "receive", on: "a", anyOrder: [kept("one", "1", 1, ROOM), kept("two", "2", 1, ROOM)] },
        receives(told(ROOM), "a"),
        send("a", {
          command: "history",
          identifier: ROOM,
          history: { since: 1, streams: { one: { epoch: "{{epoch}}", offset: 9 } } },
        }),
        receives(refused(ROOM), "a"),
        quiet("a"),
      ],
    },
  ],
};

const sample = (name: string, is: number, ...labels: string[]): Step => ({ do: "metric", name, is, labels });

const COUNTED: Group = {
  title: "history on the metrics",
  flags: [...OPEN, "--metrics_http=/metrics", "--history_limit=2", "--stats_refresh_interval=1"],
  server: "each",
  onlyOurs: "the reference has no metrics of it",
  scenarios: [
    {
      name: "counts requests by their outcome, messages that were told, and what is kept",
      steps: [
        ...heard("counted", 3),
        ...joins("b", "counted", since(1)),
        receives(kept("counted", "2", 2), "b"),
        receives(kept("counted", "3", 3), "b"),
        receives(told(stream("counted")), "b"),
        asks("b", "counted", from("counted", 9)),
        receives(refused(stream("counted")), "b"),
        sample("history_requests_total", 1, 'result="told"'),
        sample("history_requests_total", 1, 'result="rejected"'),
        sample("history_messages_total", 2),
        sample("history_streams_num", 1),
        sample("history_messages_num", 2),
      ],
    },
  ],
};

/** Long beside what an embedded NATS takes to be there. */
const NATS_READY_MS = 3_000;

const IN_NATS: Group = {
  title: "history in NATS",
  flags: ["--norpc", "--noauth", "--public_streams", "--broker=nats"],
  embedsNats: true,
  server: "each",
  scenarios: [
    {
      name: "is kept of a stream that has a name which is none in NATS",
      steps: [
        ...welcomed(undefined, "a"),
        ...subscribed("a.b c/*", "a"),
        {
          do: "differ",
          deviation: "D25",
          ours: [
            publish("a.b c/*", "1"),
            receives(first("a.b c/*", "1"), "a"),
            asks("a", "a.b c/*", from("a.b c/*", 0)),
            receives(kept("a.b c/*", "1", 1), "a"),
            receives(told(stream("a.b c/*")), "a"),
          ],
          reference: [
            // Before JetStream is there it takes everything, and loses it.
            { do: "wait", ms: NATS_READY_MS },
            { do: "publish", body: publication("a.b c/*", "1"), status: 501 },
            quiet("a"),
          ],
        },
      ],
    },
  ],
};

export const HISTORY_GROUPS: readonly Group[] = [
  IN_NATS,
  SHORT_LIVED,
  { title: "history in memory: positions", flags: OPEN, scenarios: POSITIONS },
  { title: "history in memory: requests", flags: OPEN, scenarios: REQUESTS },
  LIMITED,
  NONE_KEPT,
  OF_APPLICATION,
  COUNTED,
];
