import { connect, type Socket } from "node:net";
import { constants, inflateRawSync } from "node:zlib";
import { Watchers } from "./watchers.ts";

export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
  /** By `performance.now()`. */
  readonly atMs: number;
}

export interface CloseFrame {
  /** Null when the frame had no code. */
  readonly code: number | null;
  readonly reason: string;
}

/**
 * A WebSocket client down to the bytes: it sends what it is told and keeps what comes, and answers nothing by itself.
 * A proper client would hide a close code that may not be sent, a header's spelling or a fragment.
 */
export class WireClient {
  head = "";
  /** The response's body, when the handshake was refused. */
  body = "";
  openedAtMs = 0;
  /** Whole text and binary messages, without the application's pings. */
  readonly messages: string[] = [];
  /** Which of them came compressed, by their index. */
  readonly compressed = new Set<number>();
  readonly pings: ServerFrame[] = [];
  readonly controls: ServerFrame[] = [];
  closeFrame: CloseFrame | null = null;
  ended = false;
  readonly #socket: Socket;
  readonly #watchers = new Watchers();
  #received = Buffer.alloc(0);
  #upgraded = false;
  #fragments: Buffer[] = [];
  #fragmentOpcode = 0;
  #fragmentsCompressed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#read();
      this.#watchers.wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.ended = true;
      this.#watchers.wake();
    });
  }

  /** Connects over TCP and sends these bytes; what comes back is read as a response and then frames. */
  static async open(port: number, request: Uint8Array | string): Promise<WireClient> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    const client = new WireClient(socket);
    client.openedAtMs = performance.now();
    socket.write(request);
    return client;
  }

  get status(): number {
    return Number(/^HTTP\/1\.[01] (\d{3})/.exec(this.head)?.[1] ?? 0);
  }

  /** A header of the response, or null. */
  header(name: string): string | null {
    for (const line of this.head.split("\r\n").slice(1)) {
      const colon = line.indexOf(":");
      if (line.slice(0, colon).toLowerCase() === name.toLowerCase()) return line.slice(colon + 1).trim();
    }
    return null;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Reads nothing more, so that what is sent to it waits in the server once the kernel's buffers are full. */
  stall(): void {
    this.#socket.pause();
  }

  /** Reads again. */
  resume(): void {
    this.#socket.resume();
  }

  drop(): void {
    this.#socket.destroy();
  }

  /** Resolves true when `done` holds, false after `withinMs`. */
  until(done: () => boolean, withinMs: number): Promise<boolean> {
    return this.#watchers.until(done, withinMs);
  }

  #read(): void {
    if (!this.#upgraded) {
      if (this.head === "") {
        const end = this.#received.indexOf("\r\n\r\n");
        if (end < 0) return;
        this.head = this.#received.subarray(0, end).toString("latin1");
        this.#received = this.#received.subarray(end + 4);
      }
      if (this.status !== 101) {
        this.body = this.#received.toString("utf8");
        return;
      }
      this.#upgraded = true;
    }
    for (;;) {
      const frame = cutFrame(this.#received);
      if (frame === null) return;
      this.#received = this.#received.subarray(frame.size);
      this.#take(frame);
    }
  }

  #take({ opcode, final, compressed, payload }: CutFrame): void {
    const atMs = performance.now();
    if (opcode === 8) {
      this.closeFrame =
        payload.length < 2
          ? { code: null, reason: "" }
          : { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString("utf8") };
      return;
    }
    if (opcode > 8) {
      this.controls.push({ opcode, payload, atMs });
      return;
    }
    this.#fragments.push(payload);
    if (opcode !== 0) {
      this.#fragmentOpcode = opcode;
      this.#fragmentsCompressed = compressed;
    }
    if (!final) return;
    const joined = Buffer.concat(this.#fragments);
    const whole = this.#fragmentsCompressed ? inflated(joined) : joined;
    this.#fragments = [];
    const text = whole.toString("utf8");
    if (text.startsWith('{"type":"ping"')) {
      this.pings.push({ opcode: this.#fragmentOpcode, payload: whole, atMs });
    } else {
      if (this.#fragmentsCompressed) this.compressed.add(this.messages.length);
      this.messages.push(text);
    }
  }
}

interface CutFrame {
  readonly opcode: number;
  readonly final: boolean;
  readonly compressed: boolean;
  readonly payload: Buffer;
  readonly size: number;
}

/** The first frame of these bytes, or null while it is incomplete. */
function cutFrame(bytes: Buffer): CutFrame | null {
  if (bytes.length < 2) return null;
  const first = bytes.readUInt8(0);
  let length = bytes.readUInt8(1) & 0x7f;
  let start = 2;
  if (length === 126) {
    if (bytes.length < 4) return null;
    length = bytes.readUInt16BE(2);
    start = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return null;
    length = Number(bytes.readBigUInt64BE(2));
    start = 10;
  }
  const size = start + length;
  if (bytes.length < size) return null;
  const payload = Buffer.from(bytes.subarray(start, size));
  return {
    opcode: first & 0x0f,
    final: (first & 0x80) !== 0,
    compressed: (first & 0x40) !== 0,
    payload,
    size,
  };
}

/** A message of a connection without context takeover (RFC 7692 7.2.2). */
function inflated(payload: Buffer): Buffer {
  const tail = Buffer.from([0x00, 0x00, 0xff, 0xff]);
  return inflateRawSync(Buffer.concat([payload, tail]), { finishFlush: constants.Z_SYNC_FLUSH });
}

/** A client's frame (RFC 6455 5.2). */
export function clientFrame(
  opcode: number,
  payload: string | Uint8Array = "",
  { bits = 0x80, masked = true }: { readonly bits?: number; readonly masked?: boolean } = {},
): Buffer {
  const body = Buffer.from(payload as string); // both kinds are taken
  const maskBit = masked ? 0x80 : 0;
  const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
  let length: Buffer;
  if (body.length < 126) {
    length = Buffer.from([maskBit | body.length]);
  } else if (body.length < 65536) {
    length = Buffer.from([maskBit | 126, body.length >> 8, body.length & 255]);
  } else {
    length = Buffer.alloc(9);
    length.writeUInt8(maskBit | 127, 0);
    length.writeBigUInt64BE(BigInt(body.length), 1);
  }
  if (masked) for (let at = 0; at < body.length; at += 1) body[at] = body[at]! ^ mask[at & 3]!;
  return Buffer.concat([Buffer.from([bits | opcode]), length, masked ? mask : Buffer.alloc(0), body]);
}

/** The key of RFC 6455 1.3 and what a server makes of it. */
export const HANDSHAKE_KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const HANDSHAKE_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** An upgrade request; `headers` replace or, with null, remove the usual ones. */
export function upgradeRequest(
  target: string,
  host: string,
  headers: Readonly<Record<string, string | null>>,
  method = "GET",
  httpVersion = "1.1",
): string {
  const all: Record<string, string | null> = {
    Host: host,
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": HANDSHAKE_KEY,
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]));
  return `${method} ${target} HTTP/${httpVersion}\r\n${lines.join("\r\n")}\r\n\r\n`;
}
