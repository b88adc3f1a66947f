import { frameOf, serveTcp, WELCOME } from "./grpc-servers.ts";

/** HTTP/2 frame by frame (RFC 9113 4.1), where the runtime's server does not do as it is told. */

export const [DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY] = [0, 1, 3, 4, 7];
export const [END_STREAM, ACK, END_HEADERS] = [1, 1, 4];

export type WriteFrame = (type: number, flags: number, stream: number, payload: Buffer) => void;

/** Answers each request with the frames that `onRequest` writes. */
export function serveFrames(onRequest: (stream: number, write: WriteFrame) => void) {
  return serveTcp((socket) => {
    const write: WriteFrame = (type, flags, stream, payload) => {
      const header = Buffer.alloc(9);
      header.writeUIntBE(payload.length, 0, 3);
      header.writeUInt8(type, 3);
      header.writeUInt8(flags, 4);
      header.writeUInt32BE(stream, 5);
      socket.write(Buffer.concat([header, payload]));
    };
    write(SETTINGS, 0, 0, Buffer.alloc(0));
    let pending = Buffer.alloc(0);
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length;
    socket.on("data", (bytes) => {
      pending = Buffer.concat([pending, bytes]);
      if (pending.length < preface) return;
      pending = pending.subarray(preface);
      preface = 0;
      while (pending.length >= 9 && pending.length >= 9 + pending.readUIntBE(0, 3)) {
        const type = pending.readUInt8(3);
        if (type === SETTINGS && pending.readUInt8(4) !== ACK) write(SETTINGS, ACK, 0, Buffer.alloc(0));
        if (type === HEADERS) onRequest(pending.readUInt32BE(5), write);
        pending = pending.subarray(9 + pending.readUIntBE(0, 3));
      }
    });
  });
}

/** RFC 7541: `:status: 200` by its index. */
export const STATUS_200 = Buffer.from([0x88]);

/** RFC 7541: a literal header that is not indexed. */
export function literal(name: string, value: string): Buffer {
  const [length, rest] = [String.fromCharCode(name.length), String.fromCharCode(value.length)];
  return Buffer.from(`\0${length}${name}${rest}${value}`, "latin1");
}

/** A whole answer, its message in pieces of so many bytes. */
export function answerStream(stream: number, write: WriteFrame, pieceBytes = 1 << 14): void {
  write(HEADERS, END_HEADERS, stream, STATUS_200);
  const frame = frameOf(WELCOME);
  for (let at = 0; at < frame.length; at += pieceBytes) {
    write(DATA, 0, stream, frame.subarray(at, at + pieceBytes));
  }
  write(HEADERS, END_HEADERS | END_STREAM, stream, literal("grpc-status", "0"));
}
