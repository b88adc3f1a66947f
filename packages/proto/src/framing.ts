import { BinaryWriter } from "@bufbuild/protobuf/wire";

/** What a generated message object offers; `Env`, `CommandMessage` and the others of `gen/rpc` fit. */
export interface Encodable<T> {
  encode(message: T, writer: BinaryWriter): BinaryWriter;
}

/** The bytes in front of a gRPC message: one of compression flag, four of length (PROTOCOL-HTTP2, Length-Prefixed-Message). */
export const FRAME_HEADER_BYTES = 5;

const BLANK_HEADER = new Uint8Array(FRAME_HEADER_BYTES);

/**
 * Encodes `message` as one uncompressed gRPC frame. The header is reserved first and filled in last, so that the message
 * is written once and never copied behind it.
 */
export function encodeFrame<T>(kind: Encodable<T>, message: T): Uint8Array {
  const frame = kind.encode(message, new BinaryWriter().raw(BLANK_HEADER)).finish();
  const length = frame.length - FRAME_HEADER_BYTES;
  frame[1] = length >>> 24;
  frame[2] = length >>> 16;
  frame[3] = length >>> 8;
  frame[4] = length;
  return frame;
}
