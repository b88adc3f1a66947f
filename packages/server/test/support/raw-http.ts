import { connect } from "node:net";

/**
 * Sends bytes over TCP and resolves with what came back once the peer has closed, `done` says so, or `withinMs` is
 * over. For requests and frames that no proper client would make.
 */
export function exchangeRaw(
  port: number,
  request: string | Uint8Array,
  {
    withinMs = 1500,
    done,
    from = "127.0.0.1",
  }: { withinMs?: number; done?: (received: Buffer) => boolean; from?: string } = {},
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", localAddress: from });
    let received = Buffer.alloc(0);
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(received);
    };
    const timer = setTimeout(finish, withinMs);
    socket.on("connect", () => socket.write(request));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (done?.(received)) finish();
    });
    socket.on("close", finish);
    socket.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

/** An upgrade request; `headers` replace or, with null, remove the usual ones. */
export function upgradeRequest(
  path: string,
  headers: Record<string, string | null> = {},
  method = "GET",
): string {
  const all: Record<string, string | null> = {
    Host: "127.0.0.1",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]));
  return `${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}

/** A masked client frame (RFC 6455 5.2); the mask is zero, so that the payload stays readable. */
export function clientFrame(opcode: number, payload: string | Uint8Array, final = true): Buffer {
  const body = Buffer.from(payload as string);
  const length =
    body.length < 126
      ? Buffer.from([0x80 | body.length])
      : Buffer.from([0x80 | 126, body.length >> 8, body.length & 255]);
  return Buffer.concat([Buffer.from([(final ? 0x80 : 0) | opcode]), length, Buffer.alloc(4), body]);
}
