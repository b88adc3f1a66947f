import { connect, receives, WELCOME_OF_APPLICATION } from "../phrases.ts";
import type { Group, Scenario } from "../scenario.ts";
import {
  APPLICATION,
  admitted,
  confirmed,
  deliveryTo,
  id,
  perform,
  publish,
  QUIET,
  send,
  subscribe,
} from "./scripted-application.ts";

const CONNECTING: readonly Scenario[] = [
  {
    name: "an application that says nothing to a connect leaves the client without a welcome, and connected",
    steps: [connect("/cable?case=silent"), QUIET],
  },
  {
    name: "its transmissions go out as they are, in their order",
    steps: [
      connect("/cable?case=talkative"),
      receives("not even JSON"),
      receives('{"type":"welcome","sid":"of the application"}'),
      receives('{"b":1, "a":2}'),
      QUIET,
    ],
  },
  {
    name: "its no closes after its transmissions",
    steps: [
      connect("/cable?case=no"),
      receives('{"type":"disconnect","reason":"go_away","reconnect":true}'),
      { do: "closed", code: 1000, reason: "Auth Failed" },
    ],
  },
  {
    name: "its no without a word only closes",
    steps: [connect("/cable?case=silentno"), { do: "closed", code: 1000, reason: "Auth Failed" }],
  },
  {
    name: "its error closes with 1011, and nothing that it said is passed on",
    steps: [connect("/cable?case=error"), { do: "closed", code: 1011, reason: "Auth Error" }],
  },
  {
    name: "what a client says before it is let in waits for the welcome",
    steps: [
      connect("/cable?case=slow"),
      subscribe(id("Streams")),
      send({ command: "ping" }),
      receives(WELCOME_OF_APPLICATION),
      confirmed(id("Streams")),
      receives('{"type":"pong"}'),
    ],
  },
];

const SUBSCRIBING: readonly Scenario[] = [
  {
    name: "its streams are followed, each once though named twice",
    steps: [
      ...admitted(),
      subscribe(id("Streams")),
      confirmed(id("Streams")),
      publish("app-one", "1"),
      deliveryTo(id("Streams"), "1"),
      publish("app-two", "2"),
      deliveryTo(id("Streams"), "2"),
      QUIET,
    ],
  },
  {
    name: "a second subscribe is not answered, nor asked about",
    steps: [
      ...admitted(),
      subscribe(id("Streams")),
      confirmed(id("Streams")),
      subscribe(id("Streams")),
      QUIET,
    ],
  },
  {
    name: "a rejected subscription follows nothing, and may be tried again",
    steps: [
      ...admitted(),
      subscribe(id("Rejecting")),
      receives(JSON.stringify({ type: "reject_subscription", identifier: id("Rejecting") })),
      publish("leak", "1"),
      {
        do: "differ",
        deviation: "D11",
        ours: [QUIET],
        reference: [deliveryTo(id("Rejecting"), "1"), QUIET],
      },
      perform(id("Rejecting"), "echo x"),
      QUIET,
      subscribe(id("Rejecting")),
      receives(JSON.stringify({ type: "reject_subscription", identifier: id("Rejecting") })),
    ],
  },
  {
    name: "a rejection without a word is no word to the client either",
    steps: [
      ...admitted(),
      subscribe(id("RejectingInSilence")),
      QUIET,
      perform(id("RejectingInSilence"), "echo x"),
      QUIET,
    ],
  },
  {
    name: "an error leaves the client without an answer, and nothing of the reply is applied",
    steps: [
      ...admitted(),
      subscribe(id("Broken")),
      QUIET,
      publish("broken", "1"),
      QUIET,
      perform(id("Broken"), "echo x"),
      QUIET,
    ],
  },
  {
    name: "a rejection that disconnects closes after its transmissions",
    steps: [
      ...admitted(),
      subscribe(id("Ending")),
      receives('{"type":"disconnect","reason":"no","reconnect":false}'),
      {
        do: "differ",
        deviation: "D17",
        ours: [{ do: "closed", code: 1000, reason: "Command Failed" }],
        reference: [{ do: "closed", code: 1006, reason: "Command Failed" }],
      },
    ],
  },
  {
    name: "an unsubscribe ends its streams and passes its transmissions on",
    steps: [
      ...admitted(),
      subscribe(id("Streams")),
      confirmed(id("Streams")),
      send({ command: "unsubscribe", identifier: id("Streams") }),
      deliveryTo(id("Streams"), '"left"'),
      publish("app-one", "1"),
      QUIET,
      perform(id("Streams"), "echo x"),
      QUIET,
    ],
  },
  {
    name: "an unsubscribe that fails ends the subscription too",
    steps: [
      ...admitted(),
      subscribe(id("Failing")),
      confirmed(id("Failing")),
      perform(id("Failing"), "follow fail-stream"),
      QUIET,
      send({ command: "unsubscribe", identifier: id("Failing") }),
      deliveryTo(id("Failing"), '"failed, and left"'),
      publish("fail-stream", "1"),
      QUIET,
    ],
  },
  {
    name: "an unsubscribe that ends in an error leaves everything as it was",
    steps: [
      ...admitted(),
      subscribe(id("Sticky")),
      confirmed(id("Sticky")),
      send({ command: "unsubscribe", identifier: id("Sticky") }),
      QUIET,
      publish("sticky", "1"),
      deliveryTo(id("Sticky"), "1"),
    ],
  },
];

const PERFORMING: readonly Scenario[] = [
  {
    name: "data goes to the application as it is, and its transmissions come back",
    steps: [
      ...admitted(),
      subscribe(id("Any")),
      confirmed(id("Any")),
      perform(id("Any"), 'echo {"action": "speak" ,"ü":"<b>"}'),
      deliveryTo(id("Any"), JSON.stringify('{"action": "speak" ,"ü":"<b>"}')),
    ],
  },
  {
    name: "streams are added, taken away, and all replaced",
    steps: [
      ...admitted(),
      subscribe(id("Any")),
      confirmed(id("Any")),
      perform(id("Any"), "follow move-a move-b"),
      QUIET,
      publish("move-a", "1"),
      deliveryTo(id("Any"), "1"),
      perform(id("Any"), "leave move-a"),
      QUIET,
      publish("move-a", "2"),
      publish("move-b", "3"),
      deliveryTo(id("Any"), "3"),
      perform(id("Any"), "leaveall move-c"),
      QUIET,
      publish("move-b", "4"),
      publish("move-c", "5"),
      deliveryTo(id("Any"), "5"),
      QUIET,
    ],
  },
  {
    name: "a failed perform is applied all the same",
    steps: [
      ...admitted(),
      subscribe(id("Any")),
      confirmed(id("Any")),
      perform(id("Any"), "fail failed-stream"),
      deliveryTo(id("Any"), '"failed"'),
      publish("failed-stream", "1"),
      deliveryTo(id("Any"), "1"),
    ],
  },
  {
    name: "a perform that ends in an error changes nothing",
    steps: [
      ...admitted(),
      subscribe(id("Any")),
      confirmed(id("Any")),
      perform(id("Any"), "error error-stream"),
      QUIET,
      publish("error-stream", "1"),
      QUIET,
    ],
  },
  {
    name: "a perform that disconnects closes after its transmissions",
    steps: [
      ...admitted(),
      subscribe(id("Any")),
      confirmed(id("Any")),
      perform(id("Any"), "end"),
      deliveryTo(id("Any"), '"bye"'),
      receives('{"type":"disconnect","reason":"ended","reconnect":false}'),
      {
        do: "differ",
        deviation: "D17",
        ours: [{ do: "closed", code: 1000, reason: "Command Failed" }],
        reference: [{ do: "closed", code: 1006, reason: "Command Failed" }],
      },
    ],
  },
  {
    name: "commands are carried out one at a time, in their order, while broadcasts go on",
    steps: [
      ...admitted(),
      subscribe(id("Streams")),
      confirmed(id("Streams")),
      perform(id("Streams"), "slow 400"),
      perform(id("Streams"), "slow 100"),
      perform(id("Streams"), "echo last"),
      send({ command: "ping" }),
      publish("app-two", '"meanwhile"'),
      deliveryTo(id("Streams"), '"meanwhile"'),
      deliveryTo(id("Streams"), '"after 400"'),
      deliveryTo(id("Streams"), '"after 100"'),
      deliveryTo(id("Streams"), '"last"'),
      receives('{"type":"pong"}'),
    ],
  },
];

/** Streams are shared, so scenarios that publish to the same one run one after another. */
const TALK: Group = {
  title: "an application",
  flags: [],
  server: "serial",
  application: APPLICATION,
  scenarios: [...CONNECTING, ...SUBSCRIBING, ...PERFORMING],
};

export const APPLICATION_GROUPS: readonly Group[] = [TALK];
