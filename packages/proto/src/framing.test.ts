import { expect, test } from "bun:test";
import fc from "fast-check";
import { encodeFrame, FRAME_HEADER_BYTES } from "./framing.ts";
import { CommandMessage } from "./gen/rpc.ts";

test("a frame is the flag, the length in big endian and then exactly the message", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (data) => {
      const message = {
        command: "message",
        identifier: "i",
        connectionIdentifiers: "c",
        data,
        env: undefined,
      };
      const frame = encodeFrame(CommandMessage, message);
      const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
      expect(view.getUint8(0)).toBe(0);
      expect(view.getUint32(1)).toBe(frame.length - FRAME_HEADER_BYTES);
      expect(frame.subarray(FRAME_HEADER_BYTES)).toEqual(CommandMessage.encode(message).finish());
    }),
  );
});

test("a frame above 64 KiB keeps its length", () => {
  const message = {
    command: "",
    identifier: "",
    connectionIdentifiers: "",
    data: "x".repeat(20_000_000),
    env: undefined,
  };
  const frame = encodeFrame(CommandMessage, message);
  expect(new DataView(frame.buffer).getUint32(1)).toBe(frame.length - FRAME_HEADER_BYTES);
  expect(CommandMessage.decode(frame.subarray(FRAME_HEADER_BYTES)).data.length).toBe(20_000_000);
});
