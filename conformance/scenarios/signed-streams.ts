import { confirmation, deliveryTo, publication, receives, rejection, stream, welcomed } from "../phrases.ts";
import type { Group, Scenario, Step } from "../scenario.ts";
import {
  cableReady,
  pubsub,
  STREAMS_SECRET,
  signedJson,
  signedName,
  signedText,
  turbo,
  urlSafeName,
} from "../stream-names.ts";
import { GOOD, SECRET } from "../tokens.ts";

const QUIET: Step = { do: "quiet" };
const send = (command: object, on?: string): Step => ({
  do: "send",
  ...(on === undefined ? {} : { on }),
  command,
});
const subscribe = (identifier: string): Step => send({ command: "subscribe", identifier });
const publish = (name: string, data: string): Step => ({ do: "publish", body: publication(name, data) });

const confirmed = (identifier: string): Step[] => [subscribe(identifier), receives(confirmation(identifier))];
const rejected = (identifier: string): Step[] => [subscribe(identifier), receives(rejection(identifier))];

/** Is confirmed, and gets what is published to the stream. */
function followed(identifier: string, name: string): Step[] {
  return [...confirmed(identifier), publish(name, "1"), receives(deliveryTo(identifier, "1"))];
}

/** Signatures that are taken: a sentence, the stream that is meant, and the signed name. */
const TAKEN: readonly (readonly [what: string, name: string, signed: string])[] = [
  ["a name in the standard alphabet", "chat:2021", signedName("chat:2021")],
  [
    "a name that Rails signed",
    "chat:2021",
    "ImNoYXQ6MjAyMSI=--f9ee45dbccb1da04d8ceb99cc820207804370ba0d06b46fc3b8b373af1315628",
  ],
  ["a name with + and / in its base64", "~~~???>>>", signedName("~~~???>>>")],
  ["a name of other scripts", "чат/😀", signedName("чат/😀")],
  ["a name with escapes in its JSON", "a<b>", signedJson('"a\\u003cb\\u003e"')],
  ["space around the JSON", "spaced", signedJson(' "spaced"\n')],
  ["base64 in lines", "lines", signedText(`${Buffer.from('"lines"').toString("base64")}\r\n`)],
];

/** Signatures that the reference rejects for their base64 alone. */
const TAKEN_HERE: readonly (readonly [what: string, name: string, signed: string])[] = [
  ["a name in the alphabet for URLs", "~~~???>>>", urlSafeName("~~~???>>>")],
  ["two dashes inside such a name", "aac！", urlSafeName("aac！")],
  ["base64 without padding", "pad", signedText(Buffer.from('"pad"').toString("base64url"))],
];

const encoded = Buffer.from('"chat:2021"').toString("base64");

const REJECTED: readonly (readonly [what: string, signed: unknown])[] = [
  ["text without a signature", encoded],
  ["an empty signature", `${encoded}--`],
  ["a signature by another secret", signedName("chat:2021", "another")],
  ["a signature by the empty secret", signedName("chat:2021", "")],
  ["a signature with one digit changed", `${signedName("chat:2021").slice(0, -1)}x`],
  ["a signature of another name", `${encoded}--${signedName("chat:2022").split("--")[1]}`],
  ["a signature in capitals", `${encoded}--${signedName("chat:2021").split("--")[1]?.toUpperCase()}`],
  ["a SHA-1 signature", signedText(encoded, STREAMS_SECRET, "sha1")],
  ["a third part", `${signedName("chat:2021")}--${"0".repeat(64)}`],
  ["a signed array", signedJson('["chat:2021",1]')],
  ["a signed number", signedJson("5")],
  ["a signed null", signedJson("null")],
  [
    "an envelope of Rails with metadata",
    signedJson('{"_rails":{"message":"ImNoYXQi","exp":null,"pur":null}}'),
  ],
  ["text that is not base64, well signed", signedText('"chat:2021"')],
  ["base64 that is not JSON, well signed", signedText(Buffer.from("chat").toString("base64"))],
  ["a number", 5],
  ["an object", { name: "chat" }],
];

const SIGNED: Group = {
  title: "signed streams",
  flags: ["--norpc", "--noauth", `--streams_secret=${STREAMS_SECRET}`],
  server: "serial",
  scenarios: [
    ...TAKEN.map(
      ([what, name, signed]): Scenario => ({
        name: `${what} is confirmed, and its stream followed`,
        steps: [...welcomed(), ...followed(pubsub(signed), name)],
      }),
    ),
    ...TAKEN_HERE.map(
      ([what, name, signed]): Scenario => ({
        name: `${what}: confirmed, and its stream followed`,
        steps: [
          ...welcomed(),
          {
            do: "differ",
            deviation: "D16",
            ours: followed(pubsub(signed), name),
            reference: rejected(pubsub(signed)),
          },
        ],
      }),
    ),
    ...REJECTED.map(
      ([what, signed]): Scenario => ({
        name: `${what} is rejected, each time`,
        steps: [
          ...welcomed(),
          ...rejected(pubsub(signed)),
          ...rejected(pubsub(signed)),
          publish("chat:2021", "1"),
          QUIET,
        ],
      }),
    ),
    {
      name: "an empty name, well signed, is confirmed",
      steps: [...welcomed(), ...confirmed(pubsub(signedName("")))],
    },
    {
      name: "a public stream is rejected",
      steps: [...welcomed(), ...rejected(stream("chat:2021"))],
    },
    {
      name: "further members change nothing but the identifier",
      steps: [...welcomed(), ...followed(pubsub(signedName("more"), { room: 1, nested: { a: [] } }), "more")],
    },
    {
      name: "one stream under two identifiers comes once for each",
      steps: [
        ...welcomed(),
        ...confirmed(pubsub(signedName("two"), { a: 1 })),
        ...confirmed(pubsub(signedName("two"), { b: 1 })),
        publish("two", "1"),
        {
          do: "receive",
          anyOrder: [
            deliveryTo(pubsub(signedName("two"), { a: 1 }), "1"),
            deliveryTo(pubsub(signedName("two"), { b: 1 }), "1"),
          ],
        },
        QUIET,
      ],
    },
    {
      name: "a second subscribe is not answered, and after an unsubscribe nothing comes",
      steps: [
        ...welcomed(),
        ...confirmed(pubsub(signedName("left"))),
        subscribe(pubsub(signedName("left"))),
        QUIET,
        send({ command: "unsubscribe", identifier: pubsub(signedName("left")) }),
        QUIET,
        publish("left", "1"),
        QUIET,
        ...followed(pubsub(signedName("left")), "left"),
      ],
    },
    {
      name: "a perform without an application is not answered",
      steps: [
        ...welcomed(),
        ...confirmed(pubsub(signedName("perform"))),
        send({ command: "message", identifier: pubsub(signedName("perform")), data: "{}" }),
        QUIET,
      ],
    },
    {
      name: "they have presence, so that a question for it is answered with an error where none is kept",
      steps: [
        ...welcomed(),
        ...confirmed(pubsub(signedName("present"))),
        send({ command: "presence", identifier: pubsub(signedName("present")) }),
        receives(/^\{"type":"presence",.*"message":\{"type":"error","total":0\}\}$/),
      ],
    },
    {
      name: "channels of Turbo and CableReady are nobody's without their options",
      steps: [
        ...welcomed(),
        ...rejected(turbo(signedName("chat:2021"))),
        ...rejected(cableReady(signedName("chat:2021"))),
      ],
    },
  ],
};

const BESIDE_PUBLIC: Group = {
  title: "signed streams beside public ones",
  flags: ["--norpc", "--noauth", "--public_streams", `--streams_secret=${STREAMS_SECRET}`],
  scenarios: [
    {
      name: "the signed name counts where both are given",
      steps: [
        ...welcomed(),
        ...confirmed(pubsub(signedName("won"), { stream_name: "lost" })),
        publish("lost", "1"),
        publish("won", "2"),
        receives(deliveryTo(pubsub(signedName("won"), { stream_name: "lost" }), "2")),
      ],
    },
    {
      name: "a bad signed name is rejected whatever public name comes with it",
      steps: [...welcomed(), ...rejected(pubsub(signedName("a", "another"), { stream_name: "fine" }))],
    },
    ...["", null].map(
      (none): Scenario => ({
        name: `the signed name ${JSON.stringify(none)} is none, and the public one counts`,
        steps: [
          ...welcomed(),
          ...followed(pubsub(none, { stream_name: `beside ${none}` }), `beside ${none}`),
        ],
      }),
    ),
    {
      name: "a public name that is a number is rejected beside a good signed one",
      steps: [...welcomed(), ...rejected(pubsub(signedName("a"), { stream_name: 5 }))],
    },
    {
      name: "both kinds of name mean one stream",
      steps: [
        ...welcomed(undefined, "a"),
        ...welcomed(undefined, "b"),
        send({ command: "subscribe", identifier: pubsub(signedName("one")) }, "a"),
        receives(confirmation(pubsub(signedName("one"))), "a"),
        send({ command: "subscribe", identifier: stream("one") }, "b"),
        receives(confirmation(stream("one")), "b"),
        publish("one", "1"),
        receives(deliveryTo(pubsub(signedName("one")), "1"), "a"),
        receives(deliveryTo(stream("one"), "1"), "b"),
      ],
    },
  ],
};

const NO_PRESENCE: Group = {
  title: "--streams_presence=false",
  flags: [
    "--norpc",
    "--noauth",
    "--public_streams",
    "--streams_presence=false",
    `--streams_secret=${STREAMS_SECRET}`,
  ],
  scenarios: [
    {
      name: "a question for presence of a signed stream is not answered",
      steps: [
        ...welcomed(),
        ...confirmed(pubsub(signedName("absent"))),
        send({ command: "presence", identifier: pubsub(signedName("absent")) }),
        QUIET,
      ],
    },
    {
      name: "a question for presence of a public stream is",
      steps: [
        ...welcomed(),
        ...confirmed(stream("public")),
        send({ command: "presence", identifier: stream("public") }),
        receives(/"type":"error"/),
      ],
    },
  ],
};

/** Where the key comes from. `good` is the secret that signs, `bad` others that do not. */
const KEYS: readonly {
  readonly title: string;
  readonly flags: readonly string[];
  readonly good: string | null;
  readonly bad: readonly string[];
}[] = [
  {
    title: "the application's secret signs streams",
    flags: [`--secret=${SECRET}`],
    good: SECRET,
    bad: ["", "none", "another"],
  },
  {
    title: "a secret of their own for streams",
    flags: [`--secret=${SECRET}`, `--streams_secret=${STREAMS_SECRET}`],
    good: STREAMS_SECRET,
    bad: ["", SECRET],
  },
  {
    title: "no secret for streams beside the application's",
    flags: [`--secret=${SECRET}`, "--streams_secret=none"],
    good: null,
    bad: [SECRET, "none"],
  },
  {
    title: "no secret for streams",
    flags: [`--jwt_secret=${SECRET}`],
    good: null,
    bad: [SECRET, "none"],
  },
];

function keyGroup({ title, flags, good, bad }: (typeof KEYS)[number]): Group {
  const forged = pubsub(signedName("forged", ""));
  return {
    title,
    flags: ["--norpc", ...flags],
    server: "serial",
    scenarios: [
      ...(good === null ? [] : [good]).map(
        (secret): Scenario => ({
          name: "its signature is taken",
          steps: [...welcomed(`/cable?jid=${GOOD}`), ...confirmed(pubsub(signedName("keyed", secret)))],
        }),
      ),
      {
        name: "no other signature is",
        steps: [
          ...welcomed(`/cable?jid=${GOOD}`),
          ...bad.flatMap((secret) => rejected(pubsub(signedName("keyed", secret)))),
        ],
      },
      ...(good === null ? [forged] : []).map(
        (identifier): Scenario => ({
          name: "nor is that of the empty secret, and the output says so",
          steps: [
            ...welcomed(`/cable?jid=${GOOD}`),
            {
              do: "differ",
              deviation: "D7",
              ours: [...rejected(identifier), { do: "output", has: /signed streams are rejected/ }],
              reference: confirmed(identifier),
            },
          ],
        }),
      ),
    ],
  };
}

export const SIGNED_STREAM_GROUPS: readonly Group[] = [
  SIGNED,
  BESIDE_PUBLIC,
  NO_PRESENCE,
  ...KEYS.map(keyGroup),
];
