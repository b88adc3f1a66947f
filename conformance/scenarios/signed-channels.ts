import { confirmation, deliveryTo, publication, receives, rejection, welcomed } from "../phrases.ts";
import type { Group, Scenario, Step } from "../scenario.ts";
import {
  cableReady,
  pubsub,
  STREAMS_SECRET,
  signedJson,
  signedName,
  turbo,
  urlSafeName,
} from "../stream-names.ts";
import { GOOD, IDENTITY, SECRET } from "../tokens.ts";

const QUIET: Step = { do: "quiet" };
const send = (command: object): Step => ({ do: "send", command });
const subscribe = (identifier: string): Step => send({ command: "subscribe", identifier });
const publish = (name: string, data: string): Step => ({ do: "publish", body: publication(name, data) });

const confirmed = (identifier: string): Step[] => [subscribe(identifier), receives(confirmation(identifier))];
const rejected = (identifier: string): Step[] => [subscribe(identifier), receives(rejection(identifier))];
const followed = (identifier: string, name: string): Step[] => [
  ...confirmed(identifier),
  publish(name, "1"),
  receives(deliveryTo(identifier, "1")),
];

const CHANNELS = [
  { channel: "Turbo::StreamsChannel", identifier: turbo, on: "turbo_streams", former: "turbo_rails" },
  { channel: "CableReady::Stream", identifier: cableReady, on: "cable_ready", former: "cable_ready" },
] as const;

function signaturesOf({ channel, identifier }: (typeof CHANNELS)[number]): Scenario[] {
  const name = (what: string) => `${channel}: ${what}`;
  return [
    {
      name: name("a well signed stream is followed, under an identifier with whatever else"),
      steps: [
        ...welcomed(),
        ...followed(identifier(signedName("chat:2021")), "chat:2021"),
        ...followed(identifier(signedName(`${channel} more`), { room: 1 }), `${channel} more`),
      ],
    },
    {
      name: name("a stream that is signed in the alphabet for URLs is followed"),
      steps: [
        ...welcomed(),
        {
          do: "differ",
          deviation: "D16",
          ours: followed(identifier(urlSafeName("~~~???>>>")), "~~~???>>>"),
          reference: rejected(identifier(urlSafeName("~~~???>>>"))),
        },
      ],
    },
    {
      name: name("whatever is not well signed is rejected, also beside a public name"),
      steps: [
        ...welcomed(),
        ...[
          "fake_id",
          signedName("chat:2021", "another"),
          signedName("chat:2021", ""),
          signedJson('["chat/2023",1685024017]'),
          "",
          null,
          5,
        ].flatMap((signed) => rejected(identifier(signed, { stream_name: "chat:2021" }))),
        ...rejected(JSON.stringify({ channel, stream_name: "chat:2021" })),
        publish("chat:2021", "1"),
        QUIET,
      ],
    },
    {
      name: name("it has neither presence nor history to tell, and a perform is not answered"),
      steps: [
        ...welcomed(),
        ...confirmed(identifier(signedName(`${channel} bare`))),
        ...["presence", "join", "leave", "message"].map((command) =>
          send({ command, identifier: identifier(signedName(`${channel} bare`)), data: "{}", presence: {} }),
        ),
        QUIET,
      ],
    },
    {
      name: name("after an unsubscribe nothing comes"),
      steps: [
        ...welcomed(),
        ...confirmed(identifier(signedName(`${channel} left`))),
        send({ command: "unsubscribe", identifier: identifier(signedName(`${channel} left`)) }),
        QUIET,
        publish(`${channel} left`, "1"),
        QUIET,
      ],
    },
  ];
}

const SIGNED: Group = {
  title: "channels of other libraries",
  flags: [
    "--norpc",
    "--noauth",
    "--public_streams",
    "--streams_whisper",
    `--streams_secret=${STREAMS_SECRET}`,
    "--turbo_streams",
    "--cable_ready",
  ],
  server: "serial",
  scenarios: [
    ...CHANNELS.flatMap(signaturesOf),
    {
      name: "each looks at its own member of the identifier",
      steps: [
        ...welcomed(),
        ...rejected(JSON.stringify({ channel: "Turbo::StreamsChannel", identifier: signedName("a") })),
        ...rejected(JSON.stringify({ channel: "CableReady::Stream", signed_stream_name: signedName("a") })),
      ],
    },
    {
      name: "one signed name means the same stream on every channel",
      steps: [
        ...welcomed(),
        ...[turbo, cableReady, pubsub].flatMap((identifier) => confirmed(identifier(signedName("shared")))),
        publish("shared", "1"),
        {
          do: "receive",
          anyOrder: [turbo, cableReady, pubsub].map((identifier) =>
            deliveryTo(identifier(signedName("shared")), "1"),
          ),
        },
      ],
    },
  ],
};

const OWN_SECRETS: Group = {
  title: "secrets of their own for channels of other libraries",
  flags: [
    "--norpc",
    `--secret=${SECRET}`,
    `--streams_secret=${STREAMS_SECRET}`,
    "--turbo_streams",
    "--turbo_streams_secret=for turbo",
    "--cable_ready",
    "--cable_ready_secret=for cable ready",
  ],
  scenarios: [
    {
      name: "each channel takes the signatures of its own secret alone",
      steps: [
        ...welcomed(`/cable?jid=${GOOD}`),
        ...[
          { identifier: pubsub, own: STREAMS_SECRET },
          { identifier: turbo, own: "for turbo" },
          { identifier: cableReady, own: "for cable ready" },
        ].flatMap(({ identifier, own }) =>
          [SECRET, STREAMS_SECRET, "for turbo", "for cable ready"].flatMap((secret) =>
            secret === own
              ? confirmed(identifier(signedName("a", secret)))
              : rejected(identifier(signedName("a", secret))),
          ),
        ),
      ],
    },
  ],
};

const APP_SECRET: Group = {
  title: "the application's secret for channels of other libraries",
  flags: ["--norpc", `--secret=${SECRET}`, "--turbo_streams", "--cable_ready"],
  scenarios: [
    {
      name: "signs their streams too",
      steps: [
        ...welcomed(`/cable?jid=${GOOD}`),
        ...confirmed(turbo(signedName("a", SECRET))),
        ...confirmed(cableReady(signedName("a", SECRET))),
      ],
    },
  ],
};

const FORMER: Group = {
  title: "former names of secrets for streams",
  flags: [
    "--norpc",
    "--noauth",
    "--turbo_rails_key=old turbo",
    "--turbo_streams_secret=new",
    "--cable_ready_key=old cable ready",
  ],
  scenarios: [
    {
      name: "turn their channels on and win over the newer ones, and the output says that they are deprecated",
      steps: [
        ...welcomed(),
        ...confirmed(turbo(signedName("a", "old turbo"))),
        ...rejected(turbo(signedName("a", "new"))),
        ...confirmed(cableReady(signedName("a", "old cable ready"))),
        { do: "output", has: /deprecat[\s\S]*deprecat/i },
      ],
    },
  ],
};

const NONE: Group = {
  title: "the word none as a secret of Turbo",
  flags: ["--norpc", "--noauth", "--turbo_streams", "--turbo_streams_secret=none"],
  scenarios: [
    {
      name: "is no secret: nobody can sign with it",
      steps: [
        ...welcomed(),
        {
          do: "differ",
          deviation: "D7",
          ours: rejected(turbo(signedName("a", "none"))),
          reference: confirmed(turbo(signedName("a", "none"))),
        },
      ],
    },
  ],
};

/** How the application's own word is told from the server's: a member more. */
const APPLICATION: Group["application"] = {
  command: ({ command, identifier }) =>
    command === "message"
      ? { transmissions: [deliveryTo(identifier, '"of the application"')] }
      : { transmissions: [JSON.stringify({ type: "confirm_subscription", identifier, by: "application" })] },
};

const confirmedByApplication = (identifier: string): Step[] => [
  subscribe(identifier),
  receives(JSON.stringify({ type: "confirm_subscription", identifier, by: "application" })),
];

const LEFT: readonly Group[] = [
  ["without any secret", ["--turbo_streams", "--cable_ready"]],
  ["without their switches", [`--streams_secret=${STREAMS_SECRET}`]],
  ["in plain text", ["--turbo_rails_cleartext", "--cable_ready_cleartext"]],
].map(
  ([how, flags]): Group => ({
    title: `channels of other libraries ${how}`,
    flags: [`--jwt_secret=${SECRET}`, ...(flags as string[])],
    server: "each",
    application: APPLICATION,
    scenarios: [
      {
        name: "are the application's",
        steps: [
          ...welcomed(`/cable?jid=${GOOD}`),
          ...confirmedByApplication(turbo(signedName("a"))),
          ...confirmedByApplication(cableReady("plain")),
          { do: "calls", method: "Command", count: 2 },
        ],
      },
    ],
  }),
);

const BESIDE_APPLICATION: Group = {
  title: "channels of other libraries beside an application",
  flags: [`--jwt_secret=${SECRET}`, `--streams_secret=${STREAMS_SECRET}`, "--turbo_streams", "--cable_ready"],
  server: "each",
  application: APPLICATION,
  scenarios: [
    ...[turbo, cableReady, pubsub].map((identifier, index): Scenario => {
      const signed = identifier(signedName("a"));
      return {
        name: `${CHANNELS[index]?.channel ?? "$pubsub"}: neither its subscriptions nor the end of its session are told`,
        steps: [
          ...welcomed(`/cable?jid=${GOOD}`),
          ...confirmed(signed),
          send({ command: "unsubscribe", identifier: signed }),
          ...confirmed(signed),
          { do: "drop" },
          { do: "wait", ms: 250 },
          { do: "calls", method: "Command", count: 0 },
          { do: "calls", method: "Disconnect", count: 0 },
        ],
      };
    }),
    {
      name: "a perform is the application's, which is told the channel's state",
      steps: [
        ...welcomed(`/cable?jid=${GOOD}`),
        ...confirmed(pubsub(signedName("state"))),
        send({ command: "message", identifier: pubsub(signedName("state")), data: "hi" }),
        receives(deliveryTo(pubsub(signedName("state")), '"of the application"')),
        {
          do: "calls",
          method: "Command",
          count: 1,
          holds: { data: "hi", env: { istate: { $p: "state" } } },
        },
        ...confirmed(turbo(signedName("state"))),
        send({ command: "message", identifier: turbo(signedName("state")), data: "hi" }),
        receives(deliveryTo(turbo(signedName("state")), '"of the application"')),
      ],
    },
    {
      name: "the end of a session whose signed stream was rejected is told",
      steps: [
        ...welcomed(`/cable?jid=${GOOD}`),
        ...rejected(turbo("fake")),
        { do: "drop" },
        { do: "calls", method: "Disconnect", count: 1, holds: { identifiers: IDENTITY } },
      ],
    },
  ],
};

export const SIGNED_CHANNEL_GROUPS: readonly Group[] = [
  SIGNED,
  OWN_SECRETS,
  APP_SECRET,
  FORMER,
  NONE,
  ...LEFT,
  BESIDE_APPLICATION,
];
