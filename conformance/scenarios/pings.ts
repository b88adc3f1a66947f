import { connect, receives, WELCOME_OF_APPLICATION, welcomed } from "../phrases.ts";
import type { Group, Scenario, Step } from "../scenario.ts";

/** Half an interval to one and a half, and what a busy machine and a coarse timer add. */
const FIRST_OF_ONE_SECOND = [450, 1900] as const;

const UNITS: readonly (readonly [query: string, unit: "s" | "ms" | "ns"])[] = [
  ["", "s"],
  ["?ptp=s", "s"],
  ["?ptp=ms", "ms"],
  ["?ptp=ns", "ns"],
  ["?ptp=minutes", "s"],
  ["?ptp=ns&ptp=ms", "ms"],
];

const DEFAULT_INTERVAL_QUERIES = ["", "?pi=", "?pi=abc", "?pi=1.5", "?pi=7&pi=1", "?pi=+1"];

const PINGS: Group = {
  title: "pings",
  flags: ["--norpc", "--noauth", "--ping_interval=1"],
  scenarios: [
    ...DEFAULT_INTERVAL_QUERIES.map(
      (query): Scenario => ({
        name: `with "${query}" a ping comes every second, the first after half an interval to one and a half`,
        steps: [
          ...welcomed(`/cable${query.replace("+", "%2B")}`),
          { do: "pings", count: 3, firstMs: FIRST_OF_ONE_SECOND, everyMs: 1000 },
        ],
      }),
    ),
    {
      name: "a client may ask for another interval",
      steps: [...welcomed("/cable?pi=2"), { do: "pings", count: 2, firstMs: [900, 3600], everyMs: 2000 }],
    },
    ...["?pi=0", "?pi=-1", "?pi=1&pi=0", "?x=%zz&pi=0"].map(
      (query): Scenario => ({
        name: `with "${query}" no ping ever comes`,
        steps: [
          ...welcomed(`/cable${query}`),
          { do: "silence", forMs: 2200, evenPings: true },
          { do: "quiet" },
        ],
      }),
    ),
    ...UNITS.map(
      ([query, unit]): Scenario => ({
        name: `with "${query}" the time in a ping is in ${unit}`,
        steps: [...welcomed(`/cable${query}`), { do: "pings", count: 1, unit }],
      }),
    ),
    {
      name: "an interval that is no number is warned of",
      steps: [
        ...welcomed("/cable?pi=soon"),
        { do: "output", has: /WRN.*invalid ping interval value, must be integer.*val=soon/ },
      ],
    },
  ],
};

const PINGS_BEFORE_THE_WELCOME: Group = {
  title: "pings beside an application that takes its time",
  flags: ["--ping_interval=1"],
  application: { connect: () => ({ afterMs: 2500 }) },
  scenarios: [
    {
      name: "a ping may come before the welcome",
      steps: [
        connect(),
        { do: "pings", count: 1, firstMs: FIRST_OF_ONE_SECOND },
        receives(WELCOME_OF_APPLICATION),
        { do: "pings", count: 1 },
      ],
    },
  ],
};

const PRECISION: Group = {
  title: "ping precision",
  flags: ["--norpc", "--noauth", "--ping_interval=1", "--ping_timestamp_precision=ms"],
  scenarios: [
    { name: "the flag sets the unit", steps: [...welcomed(), { do: "pings", count: 1, unit: "ms" }] },
    {
      name: "the client's wish comes first",
      steps: [...welcomed("/cable?ptp=s"), { do: "pings", count: 1, unit: "s" }],
    },
  ],
};

const NO_PINGS: Group = {
  title: "no pings",
  flags: ["--norpc", "--noauth", "--ping_interval=0"],
  scenarios: [
    {
      name: "a client may still ask for them",
      steps: [
        ...welcomed("/cable?pi=1"),
        { do: "pings", count: 2, firstMs: FIRST_OF_ONE_SECOND, everyMs: 1000 },
      ],
    },
  ],
};

const EXTENDED = { protocols: "actioncable-v1-ext-json" };
const NO_PONG: readonly Step[] = [
  { do: "receive", text: '{"type":"disconnect","reason":"no_pong","reconnect":true}' },
  { do: "closed", code: 1000, reason: "No Pong" },
];

/** Waits for a ping and answers it, three times, and is still there. */
function answering(answer: Step): Step[] {
  return [
    ...Array.from({ length: 3 }, (): Step[] => [{ do: "pings", count: 1 }, answer]).flat(),
    { do: "quiet" },
  ];
}

const PONG_TIMEOUT: Group = {
  title: "pong timeout",
  flags: ["--norpc", "--noauth", "--ping_interval=1", "--pong_timeout=2"],
  scenarios: [
    {
      name: "a client of the extended protocol that leaves a ping unanswered is disconnected, and the output says so",
      steps: [
        ...welcomed(undefined, undefined, EXTENDED),
        { do: "pings", count: 1 },
        ...NO_PONG,
        { do: "output", has: /WRN disconnecting session due to no pongs/ },
      ],
    },
    {
      name: "one that answers stays",
      steps: [
        ...welcomed(undefined, undefined, EXTENDED),
        ...answering({ do: "send", command: { command: "pong" } }),
      ],
    },
    {
      name: "any command counts as an answer",
      steps: [...welcomed(undefined, undefined, EXTENDED), ...answering({ do: "quiet" })],
    },
    {
      name: "a client of the base protocol need not answer",
      steps: [...welcomed(), { do: "pings", count: 4 }, { do: "quiet" }],
    },
    {
      name: "without pings there is nothing to answer",
      steps: [
        ...welcomed("/cable?pi=0", undefined, EXTENDED),
        { do: "silence", forMs: 3000, evenPings: true },
        { do: "quiet" },
      ],
    },
  ],
};

const NATIVE_PINGS: Group = {
  title: "native pings",
  flags: ["--norpc", "--noauth", "--ping_interval=1", "--pong_timeout=2", "--enable_native_pings"],
  scenarios: [
    {
      name: "a WebSocket ping goes with each ping",
      steps: [...welcomed(), { do: "pings", count: 1 }, { do: "control", opcode: 9, payload: "" }],
    },
    {
      name: "a client of the base protocol must answer them too",
      steps: [...welcomed(), { do: "pings", count: 1 }, ...NO_PONG],
    },
    {
      name: "a WebSocket pong is an answer",
      steps: [...welcomed(), ...answering({ do: "send", frames: [{ opcode: 10 }] })],
    },
  ],
};

const RARE_PINGS: Group = {
  title: "native pings further apart than the pong timeout",
  flags: ["--norpc", "--noauth", "--ping_interval=4", "--pong_timeout=1", "--enable_native_pings"],
  scenarios: [
    {
      name: "an answered ping leaves nothing to wait for, however far the next one is",
      steps: [
        ...welcomed(),
        { do: "pings", count: 1 },
        { do: "send", frames: [{ opcode: 10 }] },
        {
          do: "differ",
          deviation:
            "unlisted: a pong puts the reference's deadline off by the timeout, where it should lift it",
          ours: [{ do: "silence", forMs: 3200 }, { do: "quiet" }],
          reference: NO_PONG,
        },
      ],
    },
  ],
};

const ANSWERED_PING: readonly Step[] = [
  { do: "pings", count: 1 },
  { do: "send", command: { command: "pong" } },
];

/** The application takes longer over a perform than a client may stay silent. */
const BUSY: Group = {
  title: "pong timeout beside a slow application",
  flags: ["--ping_interval=1", "--pong_timeout=2", "--rpc_command_timeout=20000"],
  application: {
    command: ({ command, identifier }) =>
      command === "message"
        ? { afterMs: 4500, transmissions: ["done"] }
        : { transmissions: [JSON.stringify({ type: "confirm_subscription", identifier })] },
  },
  scenarios: [
    {
      name: "a client that answers while its command is carried out stays",
      steps: [
        connect(undefined, undefined, EXTENDED),
        receives(WELCOME_OF_APPLICATION),
        { do: "send", command: { command: "subscribe", identifier: "x" } },
        receives(/confirm_subscription/),
        { do: "send", command: { command: "message", identifier: "x", data: "slow" } },
        ...ANSWERED_PING,
        {
          do: "differ",
          deviation: "unlisted: the reference reads no pong while a command is carried out",
          ours: [...ANSWERED_PING, ...ANSWERED_PING, receives("done"), { do: "quiet" }],
          reference: [{ do: "pass over" }, { do: "closed", code: 1000, reason: "No Pong" }],
        },
      ],
    },
  ],
};

export const PING_GROUPS: readonly Group[] = [
  RARE_PINGS,
  PINGS_BEFORE_THE_WELCOME,
  BUSY,
  PINGS,
  PONG_TIMEOUT,
  NATIVE_PINGS,
  PRECISION,
  NO_PINGS,
];
