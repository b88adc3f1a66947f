import { confirmation, connect, receives, rejection, WELCOME_OF_APPLICATION } from "../phrases.ts";
import type { ApplicationScript, Group, Step } from "../scenario.ts";
import { alone, asks, came, hears, joins, leaves, quiet, send, went } from "./presence-steps.ts";

const FAILURE = 2;

/** What a word in the data says of presence; `[type, id, info]`. */
const APPLICATION: ApplicationScript = {
  command: ({ command, channel, identifier, data }) => {
    const istate = channel === "Nowhere" ? {} : { $p: `of ${channel}` };
    const said: [type?: string, id?: string, info?: string] = data === "" ? [] : JSON.parse(data);
    const presence = (type = "", id = "", info = "") => ({ type, id, info, ttl: 0 });
    if (command === "message") return { presence: presence(...said) };
    if (command === "unsubscribe") return { transmissions: ['"gone"'] };
    const joined = presence("join", "u1", '{"name":"Ann"}');
    if (channel === "Rejecting") {
      const env = { cstate: {}, istate };
      return {
        status: FAILURE,
        streams: ["of Joining"],
        env,
        presence: joined,
        transmissions: [rejection(identifier)],
      };
    }
    return {
      streams: [`of ${channel}`],
      env: { cstate: {}, istate },
      transmissions: [confirmation(identifier)],
      ...(channel === "Present" ? {} : { presence: joined }),
    };
  },
};

const id = (channel: string, more: object = {}) => JSON.stringify({ channel, ...more });

function subscribes(on: string, identifier: string): Step[] {
  return [
    connect(undefined, on),
    receives(WELCOME_OF_APPLICATION, on),
    send(on, { command: "subscribe", identifier }),
    receives(confirmation(identifier), on),
  ];
}

const performs = (on: string, identifier: string, ...said: string[]): Step =>
  send(on, { command: "message", identifier, data: JSON.stringify(said) });

export const PRESENCE_OF_APPLICATION: Group = {
  title: "presence on channels of an application",
  flags: ["--broker=memory"],
  server: "each",
  application: APPLICATION,
  scenarios: [
    {
      name: "begins with the application's reply, behind its transmissions, and ends as any other",
      steps: [
        ...subscribes("a", id("Joining")),
        hears("a", id("Joining"), came("u1", '{"name":"Ann"}')),
        asks("a", id("Joining")),
        hears("a", id("Joining"), alone("u1", '{"name":"Ann"}')),
        leaves("a", id("Joining")),
        hears("a", id("Joining"), went("u1")),
      ],
    },
    {
      name: "is where its state says, for the client's own commands too",
      steps: [
        ...subscribes("a", id("Present")),
        joins("a", id("Present"), { id: "u", info: 1 }),
        hears("a", id("Present"), came("u", "1")),
        ...subscribes("b", id("Present")),
        asks("b", id("Present")),
        hears("b", id("Present"), alone("u", "1")),
        { do: "calls", method: "Command", count: 2 },
      ],
    },
    {
      name: "comes and goes by what it answers to an action; info that is no JSON is a string, and null none",
      steps: [
        ...subscribes("a", id("Present")),
        ...[
          ['{"a":1}', '{"a":1}'],
          ["plain text", '"plain text"'],
          ["", undefined],
          ["null", undefined],
          ["0", "0"],
        ].flatMap(([info = "", seen]) => [
          performs("a", id("Present"), "join", "u", info),
          hears("a", id("Present"), came("u", seen)),
          performs("a", id("Present"), "leave"),
          hears("a", id("Present"), went("u")),
        ]),
      ],
    },
    {
      name: "does not begin where its reply cannot be carried out, which is no failure of the command",
      steps: [
        ...subscribes("a", id("Nowhere")),
        asks("a", id("Nowhere")),
        quiet("a"),
        ...subscribes("b", id("Present")),
        performs("b", id("Present"), "dance", "u"),
        performs("b", id("Present"), "leave"),
        performs("b", id("Present"), "join", "u"),
        hears("b", id("Present"), came("u")),
        performs("b", id("Present"), "join", "v"),
        quiet("b"),
        asks("b", id("Present")),
        hears("b", id("Present"), alone("u")),
      ],
    },
    {
      name: "does not begin for a subscription that it rejects",
      steps: [
        ...subscribes("b", id("Joining")),
        hears("b", id("Joining"), came("u1", '{"name":"Ann"}')),
        leaves("b", id("Joining")),
        hears("b", id("Joining"), went("u1")),
        connect(undefined, "a"),
        receives(WELCOME_OF_APPLICATION, "a"),
        send("a", { command: "subscribe", identifier: id("Rejecting") }),
        receives(rejection(id("Rejecting")), "a"),
        asks("a", id("Rejecting")),
        quiet("a"),
        quiet("b"),
      ],
    },
    {
      name: "ends with the subscription, behind what the application says to that",
      steps: [
        ...subscribes("a", id("Joining")),
        hears("a", id("Joining"), came("u1", '{"name":"Ann"}')),
        ...subscribes("b", id("Joining", { other: true })),
        send("a", { command: "unsubscribe", identifier: id("Joining") }),
        receives('"gone"', "a"),
        quiet("a"),
        quiet("b"),
        send("b", { command: "leave", identifier: id("Joining", { other: true }) }),
        hears("b", id("Joining", { other: true }), went("u1")),
      ],
    },
  ],
};
