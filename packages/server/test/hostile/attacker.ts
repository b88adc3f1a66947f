import { connect, type Socket } from "node:net";
import { SeededRandom } from "@hawser/core/testing/seeded-random";
import { clientFrame, upgradeRequest } from "../support/raw-http.ts";
import { inSeconds, signToken } from "../support/tokens.ts";
import type { AttackKind, AttackReport, AttackTask } from "./attack.ts";

/** Plays the attack that its argument describes against a server of this machine, and prints what came of it. */

const task = JSON.parse(process.argv[2] ?? "") as AttackTask; // written by attack.ts
const random = new SeededRandom(task.seed);
const report = { answered: 0, cut: 0 };

const upTo = (most: number) => Math.floor(random.fraction() * most);
const bytes = (most: number) => Buffer.from(Array.from({ length: 1 + upTo(most) }, () => upTo(256)));

/** A connection, and what it has received so far. */
interface Peer {
  readonly socket: Socket;
  received: string;
  /** Resolves once the server has ended it, or it has ended itself. */
  readonly ended: Promise<void>;
}

async function open(port = task.port): Promise<Peer> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const ended = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  const peer: Peer = { socket, received: "", ended };
  socket.on("error", () => {}); // being cut off is what it is there for
  socket.on("end", () => {
    report.cut += 1;
    socket.destroy();
  });
  socket.on("data", (chunk) => {
    if (peer.received === "") report.answered += 1;
    if (peer.received.length < 4096) peer.received += chunk.toString("latin1");
  });
  await new Promise<void>((resolve) => {
    socket.on("connect", resolve);
    socket.on("close", () => resolve());
  });
  return peer;
}

/** A connection that was upgraded and welcomed. */
async function openCable(path = "/cable"): Promise<Peer> {
  const peer = await open();
  peer.socket.write(upgradeRequest(path));
  await Promise.race([until(() => peer.received.includes("welcome")), peer.ended]);
  return peer;
}

async function until(done: () => boolean, withinMs = 20_000): Promise<void> {
  for (const untilMs = performance.now() + withinMs; !done() && performance.now() < untilMs; )
    await Bun.sleep(5);
}

const withinSeconds = (seconds: number, wait: Promise<unknown>) =>
  Promise.race([wait, Bun.sleep(seconds * 1000)]);

/** Starts `count` of them evenly over `seconds` and waits for all. */
async function spread(once: (index: number) => Promise<unknown>): Promise<void> {
  const all: Promise<unknown>[] = [];
  const startedMs = performance.now();
  for (let index = 0; index < task.count; index++) {
    const lateMs = performance.now() - startedMs - (index / task.count) * task.seconds * 1000;
    if (lateMs < 0) await Bun.sleep(-lateMs);
    all.push(once(index));
  }
  await Promise.all(all);
}

/** Runs them all at once, each for as long as the task says. */
const together = (once: (index: number) => Promise<unknown>): Promise<unknown> =>
  Promise.all(Array.from({ length: task.count }, (_, index) => once(index)));

const claims = { ext: "x", exp: inSeconds(3600) };
const BAD_TOKENS = [
  signToken("another secret", claims),
  signToken("secret", { ...claims, exp: 1 }),
  signToken("secret", claims, { alg: "none" }),
  signToken("secret", claims, { alg: "RS256", kid: "x".repeat(100) }),
  signToken("secret", `{"ext":"x","deep":${"[".repeat(500)}${"]".repeat(500)}}`),
  signToken("secret", { ext: "x".repeat(7000) }),
  "x".repeat(60_000),
  "..",
];

const ATTACKS: Readonly<Record<AttackKind, () => Promise<unknown>>> = {
  "bad tokens": () =>
    spread(async (index) => {
      const peer = await open();
      const token = BAD_TOKENS[index % BAD_TOKENS.length] as string;
      const headers =
        index % 3 === 0
          ? { "X-JID": token }
          : index % 3 === 1
            ? { "Sec-WebSocket-Protocol": `anycable-token.${token}` }
            : {};
      peer.socket.write(upgradeRequest(index % 3 === 2 ? `/cable?jid=${token}` : "/cable", headers));
      await withinSeconds(10, peer.ended);
      peer.socket.destroy();
    }),

  noise: () =>
    spread(async (index) => {
      const peer = await open(index % 5 === 4 ? task.broadcastPort : task.port);
      if (index % 5 === 1) peer.socket.write("GET /cable HTTP/1.1\r\nHost: h\r\n");
      if (index % 5 === 4)
        peer.socket.write("POST /_broadcast HTTP/1.1\r\nHost: h\r\nContent-Length: 300\r\n\r\n");
      if (index % 5 === 2 || index % 5 === 3) {
        peer.socket.write(upgradeRequest("/cable"));
        await withinSeconds(
          5,
          until(() => peer.received.includes("welcome")),
        );
      }
      const framed = () => clientFrame(upTo(16), bytes(120), random.fraction() < 0.8);
      for (let times = 1 + upTo(8); times > 0; times--)
        peer.socket.write(index % 5 === 3 ? framed() : bytes(400));
      await withinSeconds(0.2, peer.ended);
      peer.socket.destroy();
    }),

  resets: () =>
    spread(async (index) => {
      const stage = index % 6;
      const peer = await open(stage === 5 ? task.broadcastPort : task.port);
      if (stage === 1) peer.socket.write("GET /cable HTT");
      if (stage >= 2 && stage <= 4) peer.socket.write(upgradeRequest("/cable"));
      if (stage === 3)
        await withinSeconds(
          5,
          until(() => peer.received.includes("welcome")),
        );
      if (stage === 4) peer.socket.write(clientFrame(1, "x".repeat(100)).subarray(0, 20));
      if (stage === 5)
        peer.socket.write('POST /_broadcast HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\n{"stream');
      await Bun.sleep(upTo(20));
      if (index % 2 === 0) peer.socket.resetAndDestroy();
      else peer.socket.end(); // half-closed: the server's side is left to the server
      await withinSeconds(20, peer.ended);
      peer.socket.destroy();
    }),

  "half a request": () =>
    together(async (index) => {
      const peer = await open();
      peer.socket.write("GET /cable HTTP/1.1\r\nHost: h\r\n");
      if (index % 2 === 0) peer.socket.write(`X-Large: ${"x".repeat(120_000)}`);
      else for (let line = 0; line < 190; line++) peer.socket.write(`X-Many-${line}: ${"x".repeat(500)}\r\n`);
      await withinSeconds(task.seconds, peer.ended);
      peer.socket.destroy();
    }),

  "slow senders": () =>
    together(async (index) => {
      const peer = await open(index % 2 === 0 ? task.port : task.broadcastPort);
      peer.socket.write(
        index % 2 === 0
          ? "GET /cable HTTP/1.1\r\nHost: h\r\nX-Slow: "
          : "POST /_broadcast HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n",
      );
      for (let second = 0; second < task.seconds && !peer.socket.destroyed; second += 0.5) {
        peer.socket.write("x");
        await withinSeconds(0.5, peer.ended);
      }
      peer.socket.destroy();
    }),

  "slow readers": async () => {
    const identifier = JSON.stringify({ channel: "$pubsub", stream_name: "flood" });
    const subscribe = clientFrame(1, JSON.stringify({ command: "subscribe", identifier }));
    const readers = await Promise.all(
      Array.from({ length: task.count }, async () => {
        const peer = await openCable();
        peer.socket.write(subscribe);
        await until(() => peer.received.includes("confirm_subscription"));
        peer.socket.pause();
        return peer;
      }),
    );
    const body = JSON.stringify({ stream: "flood", data: JSON.stringify("x".repeat(60_000)) });
    const untilMs = performance.now() + task.seconds * 1000;
    while (performance.now() < untilMs) {
      await fetch(`http://127.0.0.1:${task.broadcastPort}/_broadcast`, { method: "POST", body });
      await Bun.sleep(50);
    }
    for (const { socket } of readers) socket.resume();
    await withinSeconds(task.seconds, Promise.all(readers.map(({ ended }) => ended)));
    for (const { socket } of readers) socket.destroy();
  },

  "endless frames": () =>
    together(async (index) => {
      const peer = await openCable();
      const { socket } = peer;
      const untilMs = performance.now() + task.seconds * 1000;
      const send = async (frames: Buffer) => {
        while (performance.now() < untilMs && !socket.destroyed) {
          if (!socket.write(frames))
            await Promise.race([
              new Promise((done) => socket.once("drain", done)),
              peer.ended,
              Bun.sleep(1000),
            ]);
          await Bun.sleep(2);
        }
      };
      if (index % 4 === 0) {
        // A length that no message may have, and the beginning of so much.
        socket.write(Buffer.from([0x81, 0xff, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
        await send(Buffer.alloc(65_536));
      }
      if (index % 4 >= 1 && index % 4 <= 2) {
        socket.write(clientFrame(1, '{"command":"', false));
        const fragment = clientFrame(0, index % 4 === 1 ? "x" : "", false);
        await send(Buffer.concat(Array.from({ length: 500 }, () => fragment)));
      }
      if (index % 4 === 3) {
        socket.pause(); // its pongs are never read
        await send(Buffer.concat(Array.from({ length: 200 }, () => clientFrame(9, "x".repeat(100)))));
      }
      socket.destroy();
    }),

  "many subscriptions": () =>
    together(async (index) => {
      const peer = await openCable();
      const pad = "x".repeat(index % 2 === 0 ? 50_000 : 10);
      for (let number = 0; number < 5000 && !peer.socket.destroyed; number++) {
        const identifier = JSON.stringify({ channel: "$pubsub", stream_name: `${index}-${number}`, pad });
        const text = JSON.stringify({ command: "subscribe", identifier });
        const frame = clientFrame(1, text);
        if (!peer.socket.write(frame))
          await Promise.race([new Promise((done) => peer.socket.once("drain", done)), peer.ended]);
      }
      await withinSeconds(task.seconds, peer.ended);
      peer.socket.destroy();
    }),

  "idle, then gone": async () => {
    const idle: Peer[] = [];
    for (let batch = 0; batch < task.count; batch += 100) {
      const some = Math.min(100, task.count - batch);
      idle.push(...(await Promise.all(Array.from({ length: some }, () => openCable("/cable?pi=0")))));
    }
    await Bun.sleep(task.seconds * 1000);
    for (const [index, { socket }] of idle.entries()) {
      if (index % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
    }
  },
};

await ATTACKS[task.kind]();
console.log(JSON.stringify(report satisfies AttackReport));
process.exit(0);
