import { connect, publication, receives, WELCOME_OF_APPLICATION } from "../phrases.ts";
import type { ApplicationScript, Step } from "../scenario.ts";

/** An application that does what the channel's name and the data say, and the words to speak to it. */

/** Statuses of the contract. */
const ERROR = 0;
const FAILURE = 2;

export const id = (channel: string, more: object = {}) => JSON.stringify({ channel, ...more });
export const send = (command: object): Step => ({ do: "send", command });
export const subscribe = (identifier: string): Step => send({ command: "subscribe", identifier });
export const perform = (identifier: string, data: string): Step =>
  send({ command: "message", identifier, data });
export const publish = (name: string, data: string): Step => ({
  do: "publish",
  body: publication(name, data),
});
export const QUIET: Step = { do: "quiet" };

/** As the application writes its own confirmation: members in its order. */
export const confirmed = (identifier: string): Step => ({
  do: "receive",
  text: JSON.stringify({ type: "confirm_subscription", identifier }),
});

export function deliveryTo(identifier: string, message: string): Step {
  return { do: "receive", text: `{"identifier":${JSON.stringify(identifier)},"message":${message}}` };
}

/** Connect by a word in the URL. */
const CONNECTS: NonNullable<ApplicationScript["connect"]> = (url) => {
  const word = /[?&]case=(\w+)/.exec(url)?.[1];
  switch (word) {
    case "silent":
      return { transmissions: [] };
    case "talkative":
      return {
        transmissions: ["not even JSON", '{"type":"welcome","sid":"of the application"}', '{"b":1, "a":2}'],
      };
    case "no":
      return {
        status: FAILURE,
        transmissions: ['{"type":"disconnect","reason":"go_away","reconnect":true}'],
      };
    case "silentno":
      return { status: FAILURE, transmissions: [] };
    case "error":
      return { status: ERROR, transmissions: ['{"type":"never"}'], errorMsg: "a stack trace" };
    case "slow":
      return { afterMs: 400 };
    case "state":
      return { identifiers: '{"user":"state"}', env: { cstate: { count: "1", gone: "soon" }, istate: {} } };
    default:
      return {};
  }
};

const COMMANDS: NonNullable<ApplicationScript["command"]> = ({ command, channel, identifier, data }) => {
  const say = (text: string) =>
    `{"identifier":${JSON.stringify(identifier)},"message":${JSON.stringify(text)}}`;
  if (command === "subscribe") return SUBSCRIBES[channel]?.(identifier) ?? {};
  if (command === "unsubscribe") {
    if (channel === "Sticky") return { status: ERROR, errorMsg: "no" };
    if (channel === "Failing") return { status: FAILURE, transmissions: [say("failed, and left")] };
    return { transmissions: [say("left")] };
  }
  const [word = "", ...rest] = data.split(" ");
  switch (word) {
    case "echo":
      return { transmissions: [say(rest.join(" "))] };
    case "slow":
      return { afterMs: Number(rest[0]), transmissions: [say(`after ${rest[0]}`)] };
    case "follow":
      return { streams: rest };
    case "leave":
      return { stoppedStreams: rest };
    case "leaveall":
      return { stopStreams: true, stoppedStreams: [], streams: rest };
    case "fail":
      return { status: FAILURE, transmissions: [say("failed")], streams: rest };
    case "error":
      return { status: ERROR, transmissions: [say("never")], streams: rest, errorMsg: "broken" };
    case "end":
      return {
        disconnect: true,
        transmissions: [say("bye"), '{"type":"disconnect","reason":"ended","reconnect":false}'],
      };
    case "state":
      return { env: { cstate: { count: "2", gone: "" }, istate: { room: "1", word: "x" } } };
    case "forget":
      return { env: { cstate: {}, istate: { word: "" } } };
    default:
      return {};
  }
};

const SUBSCRIBES: Readonly<Record<string, (identifier: string) => ReturnType<typeof COMMANDS>>> = {
  Rejecting: (identifier) => ({
    status: FAILURE,
    streams: ["leak"],
    transmissions: [JSON.stringify({ type: "reject_subscription", identifier })],
  }),
  RejectingInSilence: () => ({ status: FAILURE, transmissions: [] }),
  Broken: () => ({ status: ERROR, transmissions: ['{"never":1}'], streams: ["broken"], errorMsg: "broken" }),
  Streams: (identifier) => ({
    streams: ["app-one", "app-two", "app-one"],
    transmissions: [JSON.stringify({ type: "confirm_subscription", identifier })],
  }),
  Sticky: (identifier) => ({
    streams: ["sticky"],
    transmissions: [JSON.stringify({ type: "confirm_subscription", identifier })],
  }),
  Ending: () => ({
    status: FAILURE,
    disconnect: true,
    transmissions: ['{"type":"disconnect","reason":"no","reconnect":false}'],
  }),
};

export const APPLICATION: ApplicationScript = { connect: CONNECTS, command: COMMANDS };

/** Connects by the application's word. */
export function admitted(on?: string): Step[] {
  return [connect("/cable", on), receives(WELCOME_OF_APPLICATION, on)];
}
