import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { constants, inflateRawSync } from "node:zlib";
import { OPTIONS } from "../../src/config/option-table.ts";
import { CableClient, publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { clientFrame, exchangeRaw, upgradeRequest } from "../support/raw-http.ts";
import { createScratch } from "../support/scratch.ts";

const scratch = createScratch();
afterAll(() => scratch.remove());

let server: HawserProcess | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

/** What a sender leaves out at the end of a message, and a reader that stops where the bytes do. */
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
const PARTIAL = { finishFlush: constants.Z_SYNC_FLUSH };

const OPEN = ["--norpc", "--noauth", "--public_streams", "--ping_interval=0"];
const identifier = (channel: string) => JSON.stringify({ channel, stream_name: "news" });
const subscribe = (channel: string) => ({ command: "subscribe", identifier: identifier(channel) });

describe("--enable_ws_compression", () => {
  const LETTERS = "a".repeat(5000);

  interface Frame {
    readonly bytes: number;
    readonly text: string;
  }

  /** Frames of the server that have come in whole (RFC 6455 5.2), inflated where they say so (RFC 7692 7.2.2). */
  function framesOf(received: Buffer): Frame[] {
    const frames: Frame[] = [];
    let at = received.indexOf("\r\n\r\n") + 4;
    while (at + 4 <= received.length) {
      const short = (received[at + 1] ?? 0) & 0x7f;
      const start = short === 126 ? at + 4 : at + 2;
      const end = start + (short === 126 ? received.readUInt16BE(at + 2) : short);
      if (end > received.length) break;
      const payload = received.subarray(start, end);
      const deflated = ((received[at] ?? 0) & 0x40) !== 0;
      const plain = deflated ? inflateRawSync(Buffer.concat([payload, TAIL]), PARTIAL) : payload;
      frames.push({ bytes: payload.length, text: plain.toString() });
      at = end;
    }
    return frames;
  }

  /** What a client that offers to compress gets: the handshake's answer, and the frame of one broadcast of letters. */
  async function exchange(
    flags: readonly string[],
  ): Promise<{ answer: string; broadcast: Frame | undefined }> {
    const hawser = await startHawser([...OPEN, ...flags]);
    server = hawser;
    const offer = { "Sec-WebSocket-Extensions": "permessage-deflate" };
    const request = Buffer.concat([
      Buffer.from(upgradeRequest("/cable", offer)),
      clientFrame(1, JSON.stringify(subscribe("$pubsub"))),
    ]);
    let published = false;
    const received = await exchangeRaw(hawser.port, request, {
      withinMs: 15_000,
      done(bytes) {
        const texts = framesOf(bytes).map(({ text }) => text);
        if (!published && texts.some((text) => text.includes("confirm_subscription"))) {
          published = true;
          void publish(hawser.broadcastPort, { stream: "news", data: JSON.stringify(LETTERS) });
        }
        return texts.some((text) => text.includes(LETTERS));
      },
    });
    return {
      answer: received.toString("latin1").split("\r\n\r\n")[0] ?? "",
      broadcast: framesOf(received).at(-1),
    };
  }

  test("agrees to compress what goes out, and does", async () => {
    const { answer, broadcast } = await exchange(["--enable_ws_compression"]);
    expect(answer).toMatch(/sec-websocket-extensions: permessage-deflate/i);
    expect(broadcast?.text).toContain(LETTERS);
    expect(broadcast?.bytes).toBeLessThan(500);
  });

  test("is off unless asked for", async () => {
    const { answer, broadcast } = await exchange([]);
    expect(answer).not.toMatch(/sec-websocket-extensions/i);
    expect(broadcast?.bytes).toBeGreaterThan(LETTERS.length);
  });
});

describe("streams.pubsub_channel of the file", () => {
  const startWith = async (name: string) => {
    const file = scratch.write("channel.toml", `[streams]\npubsub_channel = ${JSON.stringify(name)}\n`);
    server = await startHawser([...OPEN, `--config-path=${file}`]);
    const client = new CableClient(`ws://127.0.0.1:${server.port}/cable`);
    await client.message(0);
    return client;
  };

  test("is the channel's name, instead of the usual one", async () => {
    const client = await startWith("$live");
    client.send(subscribe("$live"));
    expect(await client.message(1)).toContain("confirm_subscription");
    client.send(subscribe("$pubsub"));
    expect(await client.message(2)).toContain("reject_subscription");
    client.close();
  });

  test("empty, there is no such channel", async () => {
    const client = await startWith("");
    client.send(subscribe("$pubsub"));
    expect(await client.message(1)).toContain("reject_subscription");
    client.close();
  });
});

test("http_broadcast.cors_hosts of the file says whose pages may publish", async () => {
  const file = scratch.write(
    "cors.toml",
    '[http_broadcast]\ncors_headers = true\ncors_hosts = ["good.example"]\n',
  );
  server = await startHawser([...OPEN, `--config-path=${file}`]);
  const url = `http://127.0.0.1:${server.broadcastPort}/_broadcast`;
  const allowed = async (host: string) => {
    const headers = { Origin: `http://${host}`, "Access-Control-Request-Method": "POST" };
    return (await fetch(url, { method: "OPTIONS", headers })).headers.get("access-control-allow-origin");
  };
  expect(await allowed("good.example")).toBe("http://good.example");
  expect(await allowed("bad.example")).toBeNull();
});

test("options without an effect here are taken, and are no reason not to start", async () => {
  const idle = OPTIONS.filter(({ noEffect, flag }) => noEffect && flag !== null);
  expect(idle.length).toBeGreaterThan(5);
  const flags = idle.map(({ flag, kind }) => (kind === "flag" ? `--${flag}` : `--${flag}=1`));
  server = await startHawser([...OPEN, ...flags]);
  const warned = server.output().match(/^.* WRN .*$/gm) ?? [];
  const deprecated = idle.filter((option) => option.deprecated !== null);
  expect(warned).toHaveLength(deprecated.length);
});
