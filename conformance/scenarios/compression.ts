import { constants, deflateRawSync } from "node:zlib";
import { connect, publication, receives, stream, subscribed, WELCOME, welcomed } from "../phrases.ts";
import type { Group, RawFrame, Step } from "../scenario.ts";

const OFFER = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";

/** A text message, compressed (RFC 7692 7.2.1). */
function compressed(text: string): RawFrame {
  const whole = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
  return { opcode: 1, bits: 0xc0, payload: whole.subarray(0, -4) };
}

const offering = (offer = OFFER): Step =>
  connect(undefined, undefined, {
    headers: { "Sec-WebSocket-Extensions": offer },
    head: /^Sec-WebSocket-Extensions: permessage-deflate;(?=.*server_no_context_takeover)(?=.*client_no_context_takeover)/im,
  });

const LONG = JSON.stringify("tick ".repeat(500));

const ON: Group = {
  title: "--enable_ws_compression",
  flags: ["--norpc", "--noauth", "--public_streams", "--enable_ws_compression", "--ping_interval=60"],
  scenarios: [
    {
      name: "messages to a client that offers it come compressed, and its own may be",
      steps: [
        offering(),
        { do: "receive", text: WELCOME, compressed: true },
        {
          do: "send",
          frames: [compressed(JSON.stringify({ command: "subscribe", identifier: stream("long") }))],
        },
        { do: "receive", text: /confirm_subscription/, compressed: true },
        { do: "publish", body: publication("long", LONG) },
        {
          do: "receive",
          text: `{"identifier":${JSON.stringify(stream("long"))},"message":${LONG}}`,
          compressed: true,
        },
        { do: "send", command: { command: "ping" } },
        { do: "receive", text: '{"type":"pong"}', compressed: true },
      ],
    },
    {
      name: "an offer without parameters is answered the same",
      steps: [offering("permessage-deflate"), receives(WELCOME)],
    },
    {
      name: "a client that does not offer it gets plain messages of the same publication",
      steps: [
        offering(),
        receives(WELCOME),
        ...subscribed("mixed"),
        connect(undefined, "plain", { answer: { "Sec-WebSocket-Extensions": null } }),
        { do: "receive", on: "plain", text: WELCOME, compressed: false },
        ...subscribed("mixed", "plain"),
        { do: "publish", body: publication("mixed", LONG) },
        { do: "receive", text: /tick/, compressed: true },
        { do: "receive", on: "plain", text: /tick/, compressed: false },
      ],
    },
    {
      name: "a message that is small only while it is packed is closed with 1009",
      steps: [
        offering(),
        receives(WELCOME),
        { do: "send", frames: [compressed(`{"command":"ping","data":"${"x".repeat(1_000_000)}"}`)] },
        {
          do: "differ",
          deviation: "D30",
          ours: [{ do: "closed", code: 1009, reason: /big/ }],
          reference: [{ do: "receive", text: '{"type":"pong"}' }],
        },
      ],
    },
    {
      name: "bytes that cannot be unpacked end that connection alone",
      steps: [
        ...welcomed(undefined, "other"),
        offering(),
        receives(WELCOME),
        { do: "send", frames: [{ opcode: 1, bits: 0xc0, payload: Uint8Array.of(0xff, 0xff, 0xff, 0xff) }] },
        {
          do: "differ",
          deviation: "D17",
          ours: [{ do: "closed", code: 1007 }],
          reference: [{ do: "closed", code: 1006, reason: "Read failed" }],
        },
        { do: "quiet", on: "other" },
      ],
    },
  ],
};

const OFF: Group = {
  title: "without --enable_ws_compression",
  flags: ["--norpc", "--noauth"],
  scenarios: [
    {
      name: "an offer of compression is not taken up",
      steps: [
        connect(undefined, undefined, {
          headers: { "Sec-WebSocket-Extensions": OFFER },
          answer: { "Sec-WebSocket-Extensions": null },
        }),
        { do: "receive", text: WELCOME, compressed: false },
      ],
    },
  ],
};

export const COMPRESSION_GROUPS: readonly Group[] = [ON, OFF];
