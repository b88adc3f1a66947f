import { welcomed } from "../phrases.ts";
import type { Group, RawFrame, Scenario, Step } from "../scenario.ts";

const TEXT_FRAME = 1;
const BINARY_FRAME = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
/** First byte of a frame without FIN. */
const MORE = 0;

const PONG_MESSAGE: Step = { do: "receive", text: '{"type":"pong"}' };

/** The command `ping`, so many bytes long. */
function pingOfSize(bytes: number): string {
  const bare = '{"command":"ping","data":""}';
  return bare.replace('""', `"${"x".repeat(bytes - bare.length)}"`);
}

function tooBig(name: string, frames: readonly RawFrame[]): Scenario {
  return {
    name,
    steps: [
      ...welcomed(),
      { do: "send", frames },
      {
        do: "differ",
        deviation: "D30",
        ours: [{ do: "closed", code: 1009, reason: /big/ }],
        reference: [{ do: "closed", code: 1009, reason: "" }],
      },
    ],
  };
}

/** Frames that break RFC 6455, each closed with 1002 and a text that says what it was. */
const BROKEN: readonly { readonly what: string; readonly frames: readonly RawFrame[] }[] = [
  { what: "a frame without a mask", frames: [{ opcode: TEXT_FRAME, payload: "{}", masked: false }] },
  { what: "a reserved bit", frames: [{ opcode: TEXT_FRAME, payload: "{}", bits: 0xc0 }] },
  { what: "an unknown opcode", frames: [{ opcode: 3, payload: "{}" }] },
  { what: "an unknown control opcode", frames: [{ opcode: 11 }] },
  { what: "a fragmented ping", frames: [{ opcode: PING, bits: MORE }] },
  { what: "a ping of 126 bytes", frames: [{ opcode: PING, payload: "x".repeat(126) }] },
  { what: "a continuation of nothing", frames: [{ opcode: 0, payload: "{}" }] },
  {
    what: "a message inside a message",
    frames: [
      { opcode: TEXT_FRAME, payload: '{"comm', bits: MORE },
      { opcode: TEXT_FRAME, payload: "{}" },
    ],
  },
  {
    what: "a close code that may not be sent",
    frames: [{ opcode: CLOSE, payload: Uint8Array.of(0x03, 0xed) }],
  },
];

const FRAMES: Group = {
  title: "frames",
  flags: ["--norpc", "--noauth"],
  scenarios: [
    {
      name: "a message of 65536 bytes is taken",
      steps: [
        ...welcomed(),
        { do: "send", frames: [{ opcode: TEXT_FRAME, payload: pingOfSize(65536) }] },
        PONG_MESSAGE,
      ],
    },
    tooBig("a message of 65537 bytes is closed with 1009", [
      { opcode: TEXT_FRAME, payload: pingOfSize(65537) },
    ]),
    {
      name: "a message of 65536 bytes in three fragments is taken",
      steps: [
        ...welcomed(),
        {
          do: "send",
          frames: [
            { opcode: TEXT_FRAME, payload: pingOfSize(65536).slice(0, 40_000), bits: MORE },
            { opcode: 0, payload: pingOfSize(65536).slice(40_000, 65_000), bits: MORE },
            { opcode: 0, payload: pingOfSize(65536).slice(65_000) },
          ],
        },
        PONG_MESSAGE,
      ],
    },
    tooBig("fragments of 65537 bytes together are closed with 1009", [
      { opcode: TEXT_FRAME, payload: pingOfSize(65537).slice(0, 40_000), bits: MORE },
      { opcode: 0, payload: pingOfSize(65537).slice(40_000) },
    ]),
    {
      name: "a binary message is read like a text message",
      steps: [
        ...welcomed(),
        { do: "send", frames: [{ opcode: BINARY_FRAME, payload: '{"command":"ping"}' }] },
        PONG_MESSAGE,
      ],
    },
    {
      name: "a WebSocket ping is answered with its payload, also between fragments",
      steps: [
        ...welcomed(),
        { do: "send", frames: [{ opcode: PING, payload: "are you there" }] },
        { do: "control", opcode: 10, payload: "are you there" },
        {
          do: "send",
          frames: [
            { opcode: TEXT_FRAME, payload: '{"command"', bits: MORE },
            { opcode: PING, payload: "between" },
            { opcode: 0, payload: ':"ping"}' },
          ],
        },
        { do: "control", opcode: 10, payload: "between" },
        PONG_MESSAGE,
      ],
    },
    {
      name: "a WebSocket pong that nobody asked for changes nothing",
      steps: [...welcomed(), { do: "send", frames: [{ opcode: PONG, payload: "!" }] }, { do: "quiet" }],
    },
    {
      name: "a client's close is echoed with its code",
      steps: [
        ...welcomed(),
        { do: "send", frames: [{ opcode: CLOSE, payload: Buffer.from([0x03, 0xe8, 0x62, 0x79, 0x65]) }] },
        {
          do: "differ",
          deviation: "D30",
          ours: [{ do: "closed", code: 1000, reason: "bye" }],
          reference: [{ do: "closed", code: 1000, reason: "" }],
        },
      ],
    },
    {
      name: "a client's own close code is echoed",
      steps: [
        ...welcomed(),
        { do: "send", frames: [{ opcode: CLOSE, payload: Buffer.from([0x0f, 0xa1]) }] },
        { do: "closed", code: 4001, reason: "" },
      ],
    },
    {
      name: "a close without a code is echoed without one",
      steps: [...welcomed(), { do: "send", frames: [{ opcode: CLOSE }] }, { do: "closed", code: "empty" }],
    },
    {
      name: "text that is not UTF-8 is closed with 1007",
      steps: [
        ...welcomed(),
        {
          do: "send",
          frames: [
            {
              opcode: TEXT_FRAME,
              payload: Buffer.concat([
                Buffer.from('{"command":"ping","data":"'),
                Buffer.from([0xff]),
                Buffer.from('"}'),
              ]),
            },
          ],
        },
        {
          do: "differ",
          deviation: "D30",
          ours: [{ do: "closed", code: 1007, reason: /UTF-8/ }],
          reference: [PONG_MESSAGE],
        },
      ],
    },
    ...BROKEN.map(
      ({ what, frames }): Scenario => ({
        name: `${what} is closed with 1002`,
        steps: [...welcomed(), { do: "send", frames }, { do: "closed", code: 1002, reason: /./ }],
      }),
    ),
  ],
};

const SMALL_MESSAGES: Group = {
  title: "a small message limit",
  flags: ["--norpc", "--noauth", "--max_message_size=100"],
  scenarios: [
    {
      name: "a message at the limit is taken",
      steps: [
        ...welcomed(),
        { do: "send", frames: [{ opcode: TEXT_FRAME, payload: pingOfSize(100) }] },
        PONG_MESSAGE,
      ],
    },
    tooBig("a message past it is closed with 1009", [{ opcode: TEXT_FRAME, payload: pingOfSize(101) }]),
  ],
};

export const FRAME_GROUPS: readonly Group[] = [FRAMES, SMALL_MESSAGES];
