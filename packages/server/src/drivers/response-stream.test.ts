import { afterEach, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { type Listener, listen } from "./http.ts";
import { chunkOf, ResponseStream } from "./response-stream.ts";

const parts: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of parts.splice(0).reverse()) await stop();
});

/** An owner that keeps what it is told. */
class Owner {
  gones = 0;
  drains = 0;
  readonly stream = new ResponseStream(this);
  gone(): void {
    this.gones += 1;
  }
  drained(): void {
    this.drains += 1;
  }
}

/** A server that answers with the owner's stream, once `ready` has come. */
function serve(owner: Owner, ready: Promise<void> | null = null): Listener {
  const respond = () => owner.stream.response({ "Content-Type": "text/event-stream" });
  const listener = listen({
    ...{ host: "127.0.0.1", port: 0, hostOption: "--host", portOption: "--port", tls: null, sockets: null },
    routes: [
      {
        paths: ["/"],
        pattern: null,
        handle(exchange) {
          exchange.allowSilence(0);
          return ready === null ? respond() : ready.then(respond);
        },
      },
    ],
    onFault: (thrown) => {
      throw thrown;
    },
  });
  parts.push(() => listener.closeNow());
  return listener;
}

class Client {
  received = "";
  closed = false;
  readonly socket: Socket;

  constructor({ port }: Listener) {
    this.socket = connect({ port, host: "127.0.0.1" });
    parts.push(() => this.socket.destroy());
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
    });
    this.socket.on("data", (chunk) => {
      this.received += chunk.toString("latin1");
    });
    this.socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  }

  /** The chunks of the body (RFC 9112 7.1), put together; none of the texts here ends like a length. */
  get body(): string {
    const body = this.received.slice(this.received.indexOf("\r\n\r\n") + 4);
    return body.replace(/([0-9a-f]+)\r\n/g, "").replaceAll("\r\n", "");
  }
}

async function until(done: () => boolean, what: string, withinMs = 10_000): Promise<void> {
  for (const endMs = performance.now() + withinMs; !done(); await Bun.sleep(5)) {
    if (performance.now() > endMs) throw new Error(`no ${what} within ${withinMs} ms`);
  }
}

const BIG = new Uint8Array(100_000).fill(120);

/** Writes until the socket is full, and then more than it takes at once when it is read again; the bytes of it. */
function overfill(stream: ResponseStream): number {
  let bytes = 0;
  while (stream.waiting < 16_000_000) {
    stream.write(BIG);
    bytes += BIG.length;
  }
  return bytes;
}

describe("a response that is written as it goes", () => {
  test("begins with what was written before it, and goes on in order", async () => {
    const owner = new Owner();
    const { stream } = owner;
    expect(stream.write(chunkOf("one,"))).toBe(-1);
    stream.write(chunkOf("two,"));
    expect(stream.waiting).toBe(8);
    const client = new Client(serve(owner));
    await until(() => client.body === "one,two,", "beginning");
    expect(stream.waiting).toBe(0);
    expect(stream.write(chunkOf("tröst"))).toBe(6);
    await until(() => client.body.endsWith(Buffer.from("tröst").toString("latin1")), "third part");
  });

  test("has its head ended even when nothing is written", async () => {
    const client = new Client(serve(new Owner()));
    await until(() => client.received.includes("\r\n\r\n"), "end of the head");
    await until(() => client.body === ":\n\n", "comment");
  });

  test("keeps what a client does not read, counts it, and sends it once it reads", async () => {
    const owner = new Owner();
    const client = new Client(serve(owner));
    await until(() => owner.stream.begun, "beginning");
    client.socket.pause();
    const bytes = overfill(owner.stream);
    expect(owner.stream.write(chunkOf("the last"))).toBe(-1);
    expect(owner.drains).toBe(0);
    client.socket.resume();
    await until(() => client.received.includes("the last"), "last of it");
    await until(() => owner.stream.waiting === 0, "empty queue");
    expect(owner.drains).toBeGreaterThan(0);
    expect(client.body.match(/x+/g)?.join("")).toHaveLength(bytes);
    expect(owner.stream.write(chunkOf("again"))).toBe(5);
  }, 20_000);

  test("ends behind what waits, takes nothing more, and leaves its owner alone", async () => {
    const owner = new Owner();
    const client = new Client(serve(owner));
    await until(() => owner.stream.begun, "beginning");
    client.socket.pause();
    overfill(owner.stream);
    owner.stream.write(chunkOf("the last"));
    owner.stream.end();
    expect(owner.stream.write(chunkOf("too late"))).toBe(0);
    client.socket.resume();
    await until(() => client.received.endsWith("\r\n0\r\n\r\n"), "end");
    expect(client.received).toContain("the last");
    expect(client.received).not.toContain("too late");
    client.socket.destroy();
    await until(() => client.closed, "close");
    expect(owner.gones).toBe(0);
  }, 20_000);

  test("that ended before it began is sent whole", async () => {
    const owner = new Owner();
    owner.stream.write(chunkOf("all of it"));
    owner.stream.end();
    const response = await fetch(`http://127.0.0.1:${serve(owner).port}/`);
    expect(await response.text()).toBe("all of it");
  });

  test("that has ended is cut from a client that does not read the rest", async () => {
    const owner = new Owner();
    const listener = serve(owner);
    const client = new Client(listener);
    await until(() => owner.stream.begun, "beginning");
    client.socket.pause();
    overfill(owner.stream);
    owner.stream.end();
    await until(() => owner.stream.waiting === 0, "cut");
    client.socket.resume();
    await until(() => client.closed, "close");
    expect(client.received).not.toContain("\r\n0\r\n\r\n");
  }, 20_000);

  test("is cut at once where it has to be", async () => {
    const owner = new Owner();
    const client = new Client(serve(owner));
    await until(() => owner.stream.begun, "beginning");
    client.socket.pause();
    overfill(owner.stream);
    owner.stream.cut();
    expect(owner.stream.waiting).toBe(0);
    expect(owner.stream.write(BIG)).toBe(0);
    client.socket.resume();
    await until(() => client.closed, "close");
    expect(owner.gones).toBe(0);
  }, 20_000);

  test("tells its owner when the client goes, once, also while something waits", async () => {
    for (const stall of [false, true]) {
      const owner = new Owner();
      const client = new Client(serve(owner));
      await until(() => owner.stream.begun, "beginning");
      if (stall) {
        client.socket.pause();
        overfill(owner.stream);
      }
      client.socket.destroy();
      await until(() => owner.gones > 0, "word of it");
      expect(owner.stream.waiting).toBe(0);
      expect(owner.stream.write(BIG)).toBe(0);
      owner.stream.end();
      owner.stream.cut();
      expect(owner.gones).toBe(1);
    }
  }, 20_000);

  test("tells its owner of a client that has gone before it began", async () => {
    const owner = new Owner();
    const ready = Promise.withResolvers<void>();
    const client = new Client(serve(owner, ready.promise));
    await until(() => client.socket.readyState === "open", "connection");
    await Bun.sleep(50); // the request is on its way
    client.socket.destroy();
    await until(() => client.closed, "close");
    await Bun.sleep(50); // and so is the news of its end
    ready.resolve();
    await until(() => owner.gones === 1, "word of it");
    expect(owner.stream.write(BIG)).toBe(0);
  });
});
