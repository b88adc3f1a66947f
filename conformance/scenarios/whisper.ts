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
import { FOLLOWED_ONLY, pubsub, STREAMS_SECRET, signedName } from "../stream-names.ts";

const send = (on: string, command: object): Step => ({ do: "send", on, command });
const subscribe = (on: string, identifier: string): Step[] => [
  send(on, { command: "subscribe", identifier }),
  receives(confirmation(identifier), on),
];
const whisper = (on: string, identifier: string, data?: unknown): Step =>
  send(on, { command: "whisper", identifier, data });
const quiet = (on: string): Step => ({ do: "quiet", on });
const publish = (name: string, data: string): Step => ({ do: "publish", body: publication(name, data) });

/** Clients, welcomed, each following the public stream. */
function room(name: string, ...clients: string[]): Step[] {
  return clients.flatMap((on) => [...welcomed(undefined, on), ...subscribed(name, on)]);
}

const DATA: readonly unknown[] = [
  { typing: true },
  { b: 1, a: { d: [1, null], c: "x" } },
  "text",
  "",
  "null",
  0,
  false,
  [],
  [1, "2", {}],
  "<b>&</b>\u2028 ü 😀",
];

const PUBLIC: Group = {
  title: "whispers on public streams",
  flags: ["--norpc", "--noauth", "--public_streams"],
  scenarios: [
    {
      name: "reach every other follower, and not their sender",
      steps: [
        ...room("all", "a", "b", "c"),
        whisper("a", stream("all"), 1),
        receives(delivery("all", "1"), "b"),
        receives(delivery("all", "1"), "c"),
        quiet("a"),
        whisper("b", stream("all"), 2),
        receives(delivery("all", "2"), "a"),
        receives(delivery("all", "2"), "c"),
        quiet("b"),
      ],
    },
    ...DATA.map((data, index): Scenario => {
      const name = `data${index}`;
      return {
        name: `the data ${JSON.stringify(data)} comes as the same JSON`,
        steps: [
          ...room(name, "a", "b"),
          whisper("a", stream(name), data),
          { do: "receive", on: "b", json: { identifier: stream(name), message: data } },
        ],
      };
    }),
    {
      name: "without data, and with null, come as the string null",
      steps: [
        ...room("nothing", "a", "b"),
        whisper("a", stream("nothing")),
        receives(delivery("nothing", '"null"'), "b"),
        whisper("a", stream("nothing"), null),
        receives(delivery("nothing", '"null"'), "b"),
      ],
    },
    {
      name: "of one client arrive in their order",
      steps: [
        ...room("order", "a", "b"),
        ...[1, 2, 3, 4, 5, 6, 7, 8].map((number) => whisper("a", stream("order"), number)),
        ...[1, 2, 3, 4, 5, 6, 7, 8].map((number) => receives(delivery("order", String(number)), "b")),
        quiet("a"),
      ],
    },
    {
      name: "leave the sender its place: what is published next reaches it",
      steps: [
        ...room("place", "a", "b"),
        whisper("a", stream("place"), 1),
        receives(delivery("place", "1"), "b"),
        publish("place", "2"),
        receives(delivery("place", "2"), "a"),
        receives(delivery("place", "2"), "b"),
        whisper("a", stream("place"), 3),
        receives(delivery("place", "3"), "b"),
        quiet("a"),
      ],
    },
    {
      name: "come under the identifier of who hears them, and to no second one of their sender",
      steps: [
        ...room("named", "a", "b"),
        ...subscribe("a", `${stream("named")} `),
        send("b", { command: "unsubscribe", identifier: stream("named") }),
        ...subscribe("b", `${stream("named")}  `),
        whisper("a", stream("named"), 1),
        receives(deliveryTo(`${stream("named")}  `, "1"), "b"),
        quiet("a"),
      ],
    },
    {
      name: "about a subscription that is not there are passed over",
      steps: [
        ...room("nobody", "a", "b"),
        whisper("a", stream("elsewhere"), 1),
        whisper("a", "no JSON", 1),
        send("a", { command: "whisper", data: 1 }),
        send("a", { command: "unsubscribe", identifier: stream("nobody") }),
        whisper("a", stream("nobody"), 1),
        quiet("a"),
        quiet("b"),
      ],
    },
    {
      name: "are not answered where nobody else follows the stream",
      steps: [...room("alone", "a"), whisper("a", stream("alone"), 1), quiet("a")],
    },
    {
      name: "end with the connection of their sender, and not with that of another",
      steps: [
        ...room("ended", "a", "b", "c"),
        { do: "drop", on: "c" },
        whisper("a", stream("ended"), 1),
        receives(delivery("ended", "1"), "b"),
      ],
    },
  ],
};

const SIGNED: Group = {
  title: "whispers on signed streams",
  flags: ["--norpc", "--noauth", "--public_streams", `--streams_secret=${STREAMS_SECRET}`],
  scenarios: [
    {
      name: "are passed over unless they are turned on",
      steps: [
        ...["a", "b"].flatMap((on) => [
          ...welcomed(undefined, on),
          ...subscribe(on, pubsub(signedName("off"))),
        ]),
        whisper("a", pubsub(signedName("off")), 1),
        quiet("a"),
        quiet("b"),
      ],
    },
    {
      name: "reach those who follow by a signature from one who follows the public name",
      steps: [
        ...welcomed(undefined, "a"),
        ...welcomed(undefined, "b"),
        ...subscribed("both", "a"),
        ...subscribe("b", pubsub(signedName("both"))),
        whisper("a", stream("both"), 1),
        receives(deliveryTo(pubsub(signedName("both")), "1"), "b"),
        whisper("b", pubsub(signedName("both")), 2),
        quiet("b"),
        quiet("a"),
      ],
    },
  ],
};

const ON: Group = {
  title: "--streams_whisper",
  flags: [
    "--norpc",
    "--noauth",
    "--streams_whisper",
    `--streams_secret=${STREAMS_SECRET}`,
    "--turbo_streams",
    "--cable_ready",
  ],
  scenarios: [
    {
      name: "lets whispers through on signed streams",
      steps: [
        ...["a", "b"].flatMap((on) => [
          ...welcomed(undefined, on),
          ...subscribe(on, pubsub(signedName("on"))),
        ]),
        whisper("a", pubsub(signedName("on")), 1),
        receives(deliveryTo(pubsub(signedName("on")), "1"), "b"),
        quiet("a"),
      ],
    },
    ...Object.entries(FOLLOWED_ONLY).map(
      ([channel, identifier]): Scenario => ({
        name: `does nothing for ${channel}`,
        steps: [
          ...["a", "b"].flatMap((on) => [
            ...welcomed(undefined, on),
            ...subscribe(on, identifier(signedName("neither"))),
          ]),
          whisper("a", identifier(signedName("neither")), 1),
          quiet("a"),
          quiet("b"),
        ],
      }),
    ),
  ],
};

const APPLICATION: ApplicationScript = {
  command: ({ command, channel, identifier, data }) => {
    if (command === "message") {
      return data === "stop"
        ? { env: { cstate: {}, istate: { $w: "" } } }
        : { env: { cstate: {}, istate: { $w: data } } };
    }
    return {
      streams: [`of ${channel}`],
      ...(channel === "Talking" ? { env: { cstate: {}, istate: { $w: `of ${channel}` } } } : {}),
      transmissions: [confirmation(identifier)],
    };
  },
};

const id = (channel: string, more: object = {}) => JSON.stringify({ channel, ...more });

function members(identifier: string, ...clients: string[]): Step[] {
  return clients.flatMap((on) => [
    connect(undefined, on),
    receives(WELCOME_OF_APPLICATION, on),
    ...subscribe(on, identifier),
  ]);
}

const OF_APPLICATION: Group = {
  title: "whispers on channels of an application",
  flags: [],
  server: "each",
  application: APPLICATION,
  scenarios: [
    {
      name: "go where the application said, without its being asked",
      steps: [
        ...members(id("Talking"), "a", "b"),
        whisper("a", id("Talking"), { typing: true }),
        receives(deliveryTo(id("Talking"), '{"typing":true}'), "b"),
        quiet("a"),
        { do: "calls", method: "Command", count: 2 },
      ],
    },
    {
      name: "are passed over where it said nothing",
      steps: [...members(id("Silent"), "a", "b"), whisper("a", id("Silent"), 1), quiet("a"), quiet("b")],
    },
    {
      name: "begin, go elsewhere and end when it says so",
      steps: [
        ...members(id("Silent"), "a", "b"),
        send("a", { command: "message", identifier: id("Silent"), data: "of Silent" }),
        whisper("a", id("Silent"), 1),
        receives(deliveryTo(id("Silent"), "1"), "b"),
        send("a", { command: "message", identifier: id("Silent"), data: "elsewhere" }),
        whisper("a", id("Silent"), 2),
        quiet("a"),
        quiet("b"),
        send("a", { command: "message", identifier: id("Silent"), data: "stop" }),
        whisper("a", id("Silent"), 3),
        quiet("a"),
        quiet("b"),
      ],
    },
    {
      name: "are of one channel alone",
      steps: [
        ...members(id("Talking"), "a", "b"),
        ...subscribe("a", id("Silent")),
        whisper("a", id("Silent"), 1),
        whisper("a", id("Talking", { other: true }), 2),
        quiet("a"),
        quiet("b"),
      ],
    },
  ],
};

const sample = (name: string, is: number): Step => ({ do: "metric", name, is });

const COUNTED: Group = {
  title: "whispers on the metrics",
  flags: ["--norpc", "--noauth", "--public_streams", "--metrics_http=/metrics", "--ping_interval=60"],
  server: "each",
  scenarios: [
    {
      name: "count as a client's message and a broadcast, and one that is passed over as the former",
      steps: [
        ...room("counted", "a", "b", "c"),
        whisper("a", stream("counted"), 1),
        receives(delivery("counted", "1"), "b"),
        receives(delivery("counted", "1"), "c"),
        whisper("a", stream("elsewhere"), 1),
        quiet("a"),
        // Three subscribes, two whispers, a ping.
        sample("client_msg_total", 6),
        sample("failed_client_msg_total", 0),
        sample("publications_total", 0),
        sample("broadcast_msg_total", 1),
        // Three welcomes, three confirmations, two deliveries, a pong.
        sample("server_msg_total", 9),
      ],
    },
  ],
};

export const WHISPER_GROUPS: readonly Group[] = [PUBLIC, SIGNED, ON, OF_APPLICATION, COUNTED];
