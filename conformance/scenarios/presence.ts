import { confirmation, delivery, receives, stream, subscribed, welcomed } from "../phrases.ts";
import type { Group, Scenario } from "../scenario.ts";
import { FOLLOWED_ONLY, pubsub, STREAMS_SECRET, signedName } from "../stream-names.ts";
import {
  alone,
  asks,
  came,
  hears,
  joins,
  leaves,
  NOBODY,
  OPEN,
  quiet,
  room,
  send,
  told,
  went,
} from "./presence-steps.ts";

const INFOS: readonly unknown[] = [
  { name: "Ann" },
  { b: 1, a: { d: [1, null], c: "x" } },
  "text",
  "",
  0,
  false,
  [],
  {},
  "<b>&</b>\u2028 ü 😀",
];

const IDS: readonly string[] = ["__proto__", "constructor", "", " ", '"', "ü😀", "a/b:c,d"];

const PUBLIC: Group = {
  title: "presence on public streams",
  flags: OPEN,
  scenarios: [
    {
      name: "tells everybody who comes and who goes, the one who does among them",
      steps: [
        ...room("come", "a", "b"),
        joins("a", stream("come"), { id: "u1", info: { name: "Ann" } }),
        hears("a", stream("come"), came("u1", '{"name":"Ann"}')),
        hears("b", stream("come"), came("u1", '{"name":"Ann"}')),
        leaves("a", stream("come")),
        hears("a", stream("come"), went("u1")),
        hears("b", stream("come"), went("u1")),
        quiet("a"),
        quiet("b"),
      ],
    },
    {
      name: "answers who is there, to whoever follows the stream",
      steps: [
        ...room("who", "a", "b"),
        asks("b", stream("who")),
        hears("b", stream("who"), NOBODY),
        joins("a", stream("who"), { id: "u1", info: { name: "Ann" } }),
        hears("b", stream("who"), came("u1", '{"name":"Ann"}')),
        asks("b", stream("who")),
        hears("b", stream("who"), alone("u1", '{"name":"Ann"}')),
        asks("b", stream("who"), { data: { return_records: false } }),
        hears("b", stream("who"), alone("u1", '{"name":"Ann"}')),
      ],
    },
    {
      name: "lists everybody once",
      steps: [
        ...room("list", "a", "b", "c"),
        joins("a", stream("list"), { id: "u1", info: 1 }),
        hears("c", stream("list"), came("u1", "1")),
        joins("b", stream("list"), { id: "u2" }),
        hears("c", stream("list"), came("u2")),
        joins("c", stream("list"), { id: "u1", info: 2 }),
        asks("c", stream("list")),
        {
          do: "pass over",
          on: "c",
          until: /"type":"info","total":2,"records":\[(?=.*\{"info":2,"id":"u1"\})(?=.*\{"id":"u2"\})/,
        },
      ],
    },
    ...INFOS.map((info, index): Scenario => {
      const name = `info${index}`;
      return {
        name: `the info ${JSON.stringify(info)} comes as the same JSON`,
        steps: [
          ...room(name, "a"),
          joins("a", stream(name), { id: "u", info }),
          {
            do: "receive",
            on: "a",
            json: { type: "presence", identifier: stream(name), message: { id: "u", info, type: "join" } },
          },
          asks("a", stream(name)),
          {
            do: "receive",
            on: "a",
            json: {
              type: "presence",
              identifier: stream(name),
              message: { type: "info", total: 1, records: [{ info, id: "u" }] },
            },
          },
        ],
      };
    }),
    ...IDS.map((id, index): Scenario => {
      const name = `id${index}`;
      return {
        name: `the id ${JSON.stringify(id)} is one like any other`,
        steps: [
          ...room(name, "a"),
          joins("a", stream(name), { id, info: 1 }),
          hears("a", stream(name), came(id, "1")),
          asks("a", stream(name)),
          hears("a", stream(name), alone(id, "1")),
          leaves("a", stream(name)),
          hears("a", stream(name), went(id)),
          asks("a", stream(name)),
          hears("a", stream(name), NOBODY),
        ],
      };
    }),
    {
      name: "without info, and with null, has none to tell",
      steps: [
        ...room("bare", "a"),
        joins("a", stream("bare"), { id: "u" }),
        hears("a", stream("bare"), came("u")),
        asks("a", stream("bare")),
        hears("a", stream("bare"), alone("u")),
        leaves("a", stream("bare")),
        hears("a", stream("bare"), went("u")),
        joins("a", stream("bare"), { id: "u", info: null }),
        hears("a", stream("bare"), came("u")),
      ],
    },
    {
      name: "of one id from two clients begins with the first and ends with the last",
      steps: [
        ...room("two", "a", "b"),
        joins("a", stream("two"), { id: "u" }),
        hears("a", stream("two"), came("u")),
        hears("b", stream("two"), came("u")),
        joins("b", stream("two"), { id: "u" }),
        quiet("b"),
        leaves("a", stream("two")),
        quiet("a"),
        leaves("b", stream("two")),
        hears("a", stream("two"), went("u")),
        hears("b", stream("two"), went("u")),
      ],
    },
    {
      name: "takes the newest info of an id, and tells nobody",
      steps: [
        ...room("newest", "a", "b"),
        joins("a", stream("newest"), { id: "u", info: 1 }),
        hears("b", stream("newest"), came("u", "1")),
        joins("a", stream("newest"), { id: "u", info: 2 }),
        { do: "receive", on: "a", text: told(stream("newest"), came("u", "1")) },
        quiet("a"),
        asks("b", stream("newest")),
        hears("b", stream("newest"), alone("u", "2")),
        joins("b", stream("newest"), { id: "u", info: 3 }),
        asks("b", stream("newest")),
        hears("b", stream("newest"), alone("u", "3")),
      ],
    },
    {
      name: "of a session is under one id on a stream, and a second one is not answered",
      steps: [
        ...room("second", "a"),
        joins("a", stream("second"), { id: "u" }),
        hears("a", stream("second"), came("u")),
        joins("a", stream("second"), { id: "v" }),
        quiet("a"),
        asks("a", stream("second")),
        hears("a", stream("second"), alone("u")),
        leaves("a", stream("second")),
        hears("a", stream("second"), went("u")),
        joins("a", stream("second"), { id: "v" }),
        hears("a", stream("second"), came("v")),
      ],
    },
    {
      name: "that was not there cannot be left, and no answer says so",
      steps: [
        ...room("never", "a", "b"),
        leaves("a", stream("never")),
        joins("b", stream("never"), { id: "u" }),
        hears("a", stream("never"), came("u")),
        leaves("a", stream("never")),
        send("a", { command: "leave", identifier: stream("never"), presence: { id: "u" } }),
        quiet("a"),
        asks("a", stream("never")),
        hears("a", stream("never"), alone("u")),
      ],
    },
    {
      name: "asks for a subscription, and a join for what to say of it",
      steps: [
        ...room("asked", "a"),
        joins("a", stream("elsewhere"), { id: "u" }),
        leaves("a", stream("elsewhere")),
        asks("a", stream("elsewhere")),
        joins("a", stream("asked"), undefined),
        joins("a", stream("asked"), null),
        quiet("a"),
        joins("a", stream("asked"), {}),
        hears("a", stream("asked"), came("")),
      ],
    },
    {
      name: "is the stream's, so that a subscription of another name is told of it, and ends it",
      steps: [
        ...room("named", "a"),
        ...welcomed(undefined, "b"),
        send("b", { command: "subscribe", identifier: `${stream("named")} ` }),
        receives(confirmation(`${stream("named")} `), "b"),
        joins("b", `${stream("named")} `, { id: "u" }),
        hears("a", stream("named"), came("u")),
        hears("b", `${stream("named")} `, came("u")),
        ...subscribed("named", "b"),
        send("b", { command: "unsubscribe", identifier: stream("named") }),
        hears("a", stream("named"), went("u")),
        hears("b", `${stream("named")} `, went("u")),
      ],
    },
    {
      name: "ends with the subscription, and the client itself hears no more of it",
      steps: [
        ...room("unsubscribed", "a", "b"),
        joins("a", stream("unsubscribed"), { id: "u" }),
        hears("a", stream("unsubscribed"), came("u")),
        hears("b", stream("unsubscribed"), came("u")),
        send("a", { command: "unsubscribe", identifier: stream("unsubscribed") }),
        hears("b", stream("unsubscribed"), went("u")),
        quiet("a"),
        ...subscribed("unsubscribed", "a"),
        asks("a", stream("unsubscribed")),
        hears("a", stream("unsubscribed"), NOBODY),
      ],
    },
    {
      name: "can begin with the subscription, after its confirmation and the history it asked for",
      steps: [
        ...room("with", "b"),
        ...welcomed(undefined, "a"),
        send("a", {
          command: "subscribe",
          identifier: stream("with"),
          history: { since: 1 },
          presence: { id: "u", info: { name: "Ann" } },
        }),
        receives(confirmation(stream("with")), "a"),
        receives(`{"type":"confirm_history","identifier":${JSON.stringify(stream("with"))}}`, "a"),
        hears("a", stream("with"), came("u", '{"name":"Ann"}')),
        hears("b", stream("with"), came("u", '{"name":"Ann"}')),
      ],
    },
    {
      name: "is nothing that the history keeps",
      steps: [
        ...room("kept", "a"),
        joins("a", stream("kept"), { id: "u" }),
        hears("a", stream("kept"), came("u")),
        send("a", { command: "history", identifier: stream("kept"), history: { since: 1 } }),
        receives(`{"type":"confirm_history","identifier":${JSON.stringify(stream("kept"))}}`, "a"),
        quiet("a"),
      ],
    },
    {
      name: "is of one stream alone",
      steps: [
        ...room("one", "a"),
        ...subscribed("other", "a"),
        joins("a", stream("one"), { id: "u" }),
        hears("a", stream("one"), came("u")),
        joins("a", stream("other"), { id: "v" }),
        hears("a", stream("other"), came("v")),
        leaves("a", stream("one")),
        hears("a", stream("one"), went("u")),
        asks("a", stream("other")),
        hears("a", stream("other"), alone("v")),
      ],
    },
    {
      name: "of more than 4096 characters is not taken",
      onlyOurs: "the reference has no bound but that of a message",
      steps: [
        ...room("long", "a"),
        joins("a", stream("long"), { id: "u", info: "x".repeat(4096) }),
        quiet("a"),
        asks("a", stream("long")),
        hears("a", stream("long"), NOBODY),
      ],
    },
  ],
};

const SIGNED: Group = {
  title: "presence on signed streams",
  flags: [...OPEN, `--streams_secret=${STREAMS_SECRET}`, "--turbo_streams", "--cable_ready"],
  scenarios: [
    {
      name: "is there for followers by a signature and by the public name together",
      steps: [
        ...welcomed(undefined, "a"),
        send("a", { command: "subscribe", identifier: pubsub(signedName("both")) }),
        receives(confirmation(pubsub(signedName("both"))), "a"),
        ...room("both", "b"),
        joins("a", pubsub(signedName("both")), { id: "u" }),
        hears("a", pubsub(signedName("both")), came("u")),
        hears("b", stream("both"), came("u")),
        asks("b", stream("both")),
        hears("b", stream("both"), alone("u")),
      ],
    },
    ...Object.entries(FOLLOWED_ONLY).map(
      ([channel, identifier]): Scenario => ({
        name: `does not exist for ${channel}`,
        steps: [
          ...welcomed(undefined, "a"),
          send("a", { command: "subscribe", identifier: identifier(signedName("none")) }),
          receives(confirmation(identifier(signedName("none"))), "a"),
          joins("a", identifier(signedName("none")), { id: "u" }),
          asks("a", identifier(signedName("none"))),
          quiet("a"),
        ],
      }),
    ),
  ],
};

const OFF: Group = {
  title: "presence with --streams_presence=false",
  flags: [...OPEN, `--streams_secret=${STREAMS_SECRET}`, "--streams_presence=false"],
  scenarios: [
    {
      name: "is off for those who follow by a signature, and on for the others",
      steps: [
        ...welcomed(undefined, "a"),
        send("a", { command: "subscribe", identifier: pubsub(signedName("off")), presence: { id: "u" } }),
        receives(confirmation(pubsub(signedName("off"))), "a"),
        joins("a", pubsub(signedName("off")), { id: "u" }),
        asks("a", pubsub(signedName("off"))),
        quiet("a"),
        ...room("off", "b"),
        joins("b", stream("off"), { id: "u" }),
        hears("b", stream("off"), came("u")),
        hears("a", pubsub(signedName("off")), came("u")),
      ],
    },
  ],
};

const NONE: Group = {
  title: "presence without a broker",
  flags: ["--norpc", "--noauth", "--public_streams"],
  scenarios: [
    {
      name: "cannot be told, and does not begin with a subscription",
      steps: [
        ...welcomed(undefined, "a"),
        send("a", { command: "subscribe", identifier: stream("none"), presence: { id: "u" } }),
        receives(confirmation(stream("none")), "a"),
        joins("a", stream("none"), { id: "u" }),
        leaves("a", stream("none")),
        asks("a", stream("none")),
        hears("a", stream("none"), '{"type":"error","total":0}'),
        { do: "publish", body: { stream: "none", data: "1" } },
        receives(delivery("none", "1"), "a"),
        send("a", { command: "unsubscribe", identifier: stream("none") }),
        quiet("a"),
      ],
    },
  ],
};

export const PRESENCE_GROUPS: readonly Group[] = [PUBLIC, SIGNED, OFF, NONE];
