import { confirmation, delivery, receives, rejection, stream, subscribed, welcomed } from "../phrases.ts";
import type { Group, Scenario, Step } from "../scenario.ts";

const send = (command: object): Step => ({ do: "send", command });
const sendText = (text: string): Step => ({ do: "send", text });
const QUIET: Step = { do: "quiet" };

/** Subscriptions that the built-in channel or the absence of an application rejects. */
const REJECTED: readonly (readonly [why: string, identifier: string])[] = [
  ["without a stream name", '{"channel":"$pubsub"}'],
  ["with an empty stream name", '{"channel":"$pubsub","stream_name":""}'],
  ["whose stream name is a number", '{"channel":"$pubsub","stream_name":5}'],
  ["whose signed name is no signed name", '{"channel":"$pubsub","signed_stream_name":"abc"}'],
  [
    "whose bad signed name comes with a public one",
    '{"channel":"$pubsub","signed_stream_name":"abc","stream_name":"fine"}',
  ],
  ["to a channel of an application that is not there", '{"channel":"ChatChannel"}'],
  ["whose identifier is not JSON", "ChatChannel"],
  ["whose identifier is JSON but no object", "[1]"],
  ["whose channel is not a string", '{"channel":1}'],
];

/** Commands that fail: for the operator's log and metrics alone. */
const SILENT: readonly (readonly [what: string, command: object])[] = [
  ["a command that nobody knows", { command: "dance" }],
  ["a command without a name", {}],
  ["a perform on a subscription that is not there", { command: "message", identifier: "x", data: "{}" }],
  ["an unsubscribe from a subscription that is not there", { command: "unsubscribe", identifier: "x" }],
  [
    "a request for history of a subscription that is not there",
    { command: "history", identifier: "x", history: { since: 1 } },
  ],
  ["a question for presence of a subscription that is not there", { command: "presence", identifier: "x" }],
  ["a join of a subscription that is not there", { command: "join", identifier: "x", presence: { id: "a" } }],
  ["a leave of a subscription that is not there", { command: "leave", identifier: "x" }],
  ["a pong", { command: "pong" }],
];

/** Commands on a followed public stream that are not answered. */
const SILENT_ON_STREAM: readonly (readonly [what: string, command: object])[] = [
  ["a second subscribe", { command: "subscribe" }],
  ["a perform without an application", { command: "message", data: '{"action":"speak"}' }],
  ["a perform whose data is an object", { command: "message", data: { action: "speak" } }],
  ["a perform without data", { command: "message" }],
  ["a request for history that asks for nothing", { command: "history", history: {} }],
  ["a request for history without its object", { command: "history" }],
  ["a join without its object", { command: "join" }],
  ["a join without an id", { command: "join", presence: { info: { name: "Ann" } } }],
];

const COMMANDS: readonly Scenario[] = [
  {
    name: "a ping is answered with a pong",
    steps: [...welcomed(), send({ command: "ping" }), receives('{"type":"pong"}')],
  },
  {
    name: "a public stream is confirmed under the identifier as it was sent",
    steps: [
      ...welcomed(),
      send({ command: "subscribe", identifier: ' { "stream_name" : "a",\t"channel":"$pubsub" } ' }),
      receives(confirmation(' { "stream_name" : "a",\t"channel":"$pubsub" } ')),
    ],
  },
  {
    name: "an identifier with signs of HTML and of other scripts is the same text in the confirmation",
    steps: [
      ...welcomed(),
      send({ command: "subscribe", identifier: '{"channel":"$pubsub","stream_name":"<b>&\u2028Ω😀\\""}' }),
      {
        do: "receive",
        json: {
          type: "confirm_subscription",
          identifier: '{"channel":"$pubsub","stream_name":"<b>&\u2028Ω😀\\""}',
        },
      },
    ],
  },
  ...REJECTED.map(
    ([why, identifier]): Scenario => ({
      name: `a subscription ${why} is rejected, each time`,
      steps: [
        ...welcomed(),
        send({ command: "subscribe", identifier }),
        receives(rejection(identifier)),
        send({ command: "subscribe", identifier }),
        receives(rejection(identifier)),
      ],
    }),
  ),
  {
    name: "a subscription without an identifier is rejected without one",
    steps: [...welcomed(), send({ command: "subscribe" }), receives('{"type":"reject_subscription"}'), QUIET],
  },
  ...SILENT.map(
    ([what, command]): Scenario => ({
      name: `${what} is not answered`,
      steps: [...welcomed(), send(command), QUIET],
    }),
  ),
  ...SILENT_ON_STREAM.map(
    ([what, command], index): Scenario => ({
      name: `${what} is not answered and the stream goes on`,
      steps: [
        ...welcomed(),
        ...subscribed(`silent${index}`),
        send({ identifier: stream(`silent${index}`), ...command }),
        QUIET,
        { do: "publish", body: { stream: `silent${index}`, data: "1" } },
        receives(delivery(`silent${index}`, "1")),
      ],
    }),
  ),
  {
    name: "the frame null is passed over",
    steps: [...welcomed(), sendText("null"), sendText(" null "), QUIET],
  },
  {
    name: "member names count in any case, and unknown members not at all",
    steps: [
      ...welcomed(),
      sendText('{"Command":"ping"}'),
      receives('{"type":"pong"}'),
      send({ COMMAND: "subscribe", Identifier: stream("cased") }),
      receives(confirmation(stream("cased"))),
      send({ command: "ping", extra: { deep: [1] }, data: 5 }),
      receives('{"type":"pong"}'),
    ],
  },
  {
    name: "of two members with one name the last counts",
    steps: [...welcomed(), sendText('{"command":"dance","command":"ping"}'), receives('{"type":"pong"}')],
  },
  {
    name: "space around a frame's JSON changes nothing",
    steps: [...welcomed(), sendText(' \n{"command":"ping"}\t '), receives('{"type":"pong"}')],
  },
  {
    name: "commands that come at once are answered in their order",
    steps: [
      ...welcomed(),
      {
        do: "send",
        frames: ["a", "b", "c"].flatMap((name) => [
          {
            opcode: 1,
            payload: JSON.stringify({ command: "subscribe", identifier: stream(`order-${name}`) }),
          },
          { opcode: 1, payload: '{"command":"ping"}' },
        ]),
      },
      ...["a", "b", "c"].flatMap((name): Step[] => [
        receives(confirmation(stream(`order-${name}`))),
        receives('{"type":"pong"}'),
      ]),
    ],
  },
  {
    name: "after an unsubscribe nothing comes, and a new subscribe is confirmed",
    steps: [
      ...welcomed(),
      ...subscribed("left"),
      send({ command: "unsubscribe", identifier: stream("left") }),
      QUIET,
      { do: "publish", body: { stream: "left", data: "1" } },
      QUIET,
      send({ command: "unsubscribe", identifier: stream("left") }),
      QUIET,
      ...subscribed("left"),
      { do: "publish", body: { stream: "left", data: "2" } },
      receives(delivery("left", "2")),
    ],
  },
  {
    name: "an unsubscribe is about one identifier alone",
    steps: [
      ...welcomed(),
      ...subscribed("kept"),
      ...subscribed("ended"),
      send({ command: "unsubscribe", identifier: stream("ended") }),
      QUIET,
      {
        do: "publish",
        body: [
          { stream: "ended", data: "1" },
          { stream: "kept", data: "2" },
        ],
      },
      receives(delivery("kept", "2")),
      QUIET,
    ],
  },
  {
    name: "identifiers that differ in a space are two subscriptions",
    steps: [
      ...welcomed(),
      ...subscribed("twice"),
      send({ command: "subscribe", identifier: `${stream("twice")} ` }),
      receives(confirmation(`${stream("twice")} `)),
      { do: "publish", body: { stream: "twice", data: "1" } },
      {
        do: "receive",
        anyOrder: [
          delivery("twice", "1"),
          `{"identifier":${JSON.stringify(`${stream("twice")} `)},"message":1}`,
        ],
      },
      QUIET,
    ],
  },
];

/** What is answered where no broker keeps history or presence. */
const NO_BROKER: readonly Scenario[] = [
  {
    name: "history of a followed stream is rejected where none is kept",
    steps: [
      ...welcomed(),
      ...subscribed("h1"),
      send({ command: "history", identifier: stream("h1"), history: { since: 1 } }),
      receives(`{"type":"reject_history","identifier":${JSON.stringify(stream("h1"))}}`),
      send({
        command: "history",
        identifier: stream("h1"),
        history: { streams: { h1: { epoch: "a", offset: 1 } } },
      }),
      receives(`{"type":"reject_history","identifier":${JSON.stringify(stream("h1"))}}`),
    ],
  },
  {
    name: "history of streams that are not followed is confirmed, for there is nothing to tell",
    steps: [
      ...welcomed(),
      ...subscribed("h2"),
      send({
        command: "history",
        identifier: stream("h2"),
        history: { streams: { other: { epoch: "a", offset: 1 } } },
      }),
      receives(`{"type":"confirm_history","identifier":${JSON.stringify(stream("h2"))}}`),
    ],
  },
  {
    name: "a subscribe may ask for history at once",
    steps: [
      ...welcomed(),
      send({ command: "subscribe", identifier: stream("h3"), history: { since: 1 } }),
      receives(confirmation(stream("h3"))),
      receives(`{"type":"reject_history","identifier":${JSON.stringify(stream("h3"))}}`),
      QUIET,
    ],
  },
  {
    name: "presence is answered with an error where none is kept",
    steps: [
      ...welcomed(),
      ...subscribed("p1"),
      send({ command: "presence", identifier: stream("p1") }),
      receives(
        `{"type":"presence","identifier":${JSON.stringify(stream("p1"))},"message":{"type":"error","total":0}}`,
      ),
      send({ command: "join", identifier: stream("p1"), presence: { id: "ann" } }),
      send({ command: "leave", identifier: stream("p1") }),
      QUIET,
    ],
  },
];

const COMMAND_GROUP: Group = {
  title: "commands",
  flags: ["--norpc", "--noauth", "--public_streams"],
  scenarios: [...COMMANDS, ...NO_BROKER],
};

/** `hax`, signed with the empty key. */
const FORGED_STREAM = JSON.stringify({
  channel: "$pubsub",
  signed_stream_name: "ImhheCI=--7b2ca79c7f8441d663634747a6450008ced9e27b6f7d8645a5ab9e449cec7887",
});

const NO_PUBLIC_STREAMS: Group = {
  title: "no public streams",
  flags: ["--norpc", "--noauth"],
  scenarios: [
    {
      name: "a public stream is rejected",
      steps: [
        ...welcomed(),
        send({ command: "subscribe", identifier: stream("a") }),
        receives(rejection(stream("a"))),
      ],
    },
    {
      name: "a stream that is signed with an empty key is rejected where there is no key",
      steps: [
        ...welcomed(),
        send({ command: "subscribe", identifier: FORGED_STREAM }),
        {
          do: "differ",
          deviation: "D7",
          ours: [receives(rejection(FORGED_STREAM))],
          reference: [receives(confirmation(FORGED_STREAM))],
        },
      ],
    },
  ],
};

/** Frames that are no command at all. */
const MALFORMED: readonly (readonly [what: string, text: string])[] = [
  ["that is not JSON", "garbage"],
  ["that is empty", ""],
  ["that is an array", "[]"],
  ["that is a string", '"ping"'],
  ["that is a number", "1"],
  ["with something after its JSON", '{"command":"ping"}x'],
  ["whose identifier is a number", '{"command":"subscribe","identifier":1}'],
  ["whose command is a number", '{"command":1}'],
  ["whose history is a string", '{"command":"history","identifier":"x","history":"y"}'],
  ["whose history since is a fraction", '{"command":"history","identifier":"x","history":{"since":1.5}}'],
  [
    "whose history offset is negative",
    '{"command":"history","identifier":"x","history":{"streams":{"a":{"offset":-1}}}}',
  ],
  [
    "whose history offset is a fraction",
    '{"command":"history","identifier":"x","history":{"streams":{"a":{"offset":1.5}}}}',
  ],
  [
    "whose history epoch is a number",
    '{"command":"history","identifier":"x","history":{"streams":{"a":{"epoch":1}}}}',
  ],
  ["whose presence is a string", '{"command":"join","identifier":"x","presence":"y"}'],
  ["whose presence id is a number", '{"command":"join","identifier":"x","presence":{"id":5}}'],
];

const MALFORMED_FRAMES: Group = {
  title: "malformed frames",
  flags: ["--norpc", "--noauth", "--public_streams"],
  scenarios: [
    ...MALFORMED.map(([what, text], index): Scenario => {
      const name = `malformed${index}`;
      const delivered: Step[] = [
        { do: "publish", body: { stream: name, data: "1" } },
        receives(delivery(name, "1")),
      ];
      return {
        name: `after a frame ${what} the session works on`,
        steps: [
          ...welcomed(),
          ...subscribed(name),
          sendText(text),
          {
            do: "differ",
            deviation: "D6",
            ours: [QUIET, ...delivered],
            reference: [send({ command: "ping" }), { do: "silence", forMs: 300 }, ...delivered],
          },
        ],
      };
    }),
    {
      name: "twenty malformed frames a minute are borne, one more is closed with 1008",
      onlyOurs: "D6: the reference reads nothing after the first one",
      steps: [
        ...welcomed(),
        { do: "send", text: "x", times: 20 },
        QUIET,
        sendText("x"),
        { do: "closed", code: 1008, reason: "Too many malformed messages" },
      ],
    },
    {
      name: "a frame of 30,000 brackets ends nobody's session",
      onlyOurs: "the reference bears fewer, and then reads no more",
      steps: [
        ...welcomed(),
        sendText(`{"command":"ping","data":${"[".repeat(30_000)}${"]".repeat(30_000)}}`),
        receives('{"type":"pong"}'),
        sendText("[".repeat(60_000)),
        QUIET,
      ],
    },
    {
      name: "failed commands are not malformed frames, however many",
      steps: [...welcomed(), { do: "send", command: { command: "dance" }, times: 60 }, QUIET],
    },
  ],
};

const FEW_SUBSCRIPTIONS: Group = {
  title: "--max_subscriptions",
  flags: ["--norpc", "--noauth", "--public_streams", "--max_subscriptions=2"],
  onlyOurs: "the option is ours",
  scenarios: [
    {
      name: "one more is rejected, and confirmed once there is room",
      steps: [
        ...welcomed(),
        ...subscribed("few-1"),
        ...subscribed("few-2"),
        send({ command: "subscribe", identifier: stream("few-3") }),
        receives(rejection(stream("few-3"))),
        send({ command: "unsubscribe", identifier: stream("few-1") }),
        ...subscribed("few-3"),
      ],
    },
    {
      name: "long identifiers count for more",
      steps: [
        ...welcomed(),
        send({ command: "subscribe", identifier: stream("x".repeat(600)) }),
        receives(rejection(stream("x".repeat(600)))),
        ...subscribed("few-4"),
      ],
    },
  ],
};

export const COMMAND_GROUPS: readonly Group[] = [
  FEW_SUBSCRIPTIONS,
  COMMAND_GROUP,
  NO_PUBLIC_STREAMS,
  MALFORMED_FRAMES,
];
