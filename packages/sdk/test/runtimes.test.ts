import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChannelCredentials, Client, Metadata } from "@grpc/grpc-js";
import { CommandMessage, CommandResponse, Status } from "@hawser/proto/gen/rpc";
import { createTokens } from "../src/index.ts";

/** The SDK in the runtimes it is for: one bundle of a small service, run by each that is on PATH. */

const SECRET = "runtimes";
const folder = mkdtempSync(join(tmpdir(), "hawser-runtimes-"));
const bundle = join(folder, "service.mjs");
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(async () => {
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "small-service.ts")],
    target: "node",
    outdir: folder,
    naming: "service.mjs",
  });
  if (!built.success) throw new AggregateError(built.logs, "cannot bundle the service");
});

interface Runtime {
  readonly name: string;
  /** Null when it is not here. */
  readonly command: string[] | null;
  readonly missing: string;
}

const node = Bun.which("node");
const nodeMajor =
  node === null ? 0 : Number(Bun.spawnSync([node, "--version"]).stdout.toString().slice(1).split(".")[0]);
const deno = Bun.which("deno");
const RUNTIMES: readonly Runtime[] = [
  {
    name: "Node",
    command: node !== null && nodeMajor >= 20 ? [node, bundle] : null,
    missing: "Node 20 or later is not on PATH",
  },
  { name: "Bun", command: [process.execPath, "--no-env-file", bundle], missing: "" },
  {
    name: "Deno",
    command: deno === null ? null : [deno, "run", "--allow-all", bundle],
    missing: "deno is not on PATH",
  },
];

for (const { name, command, missing } of RUNTIMES) {
  const title = command === null ? `under ${name} (skipped: ${missing})` : `under ${name}`;
  describe.skipIf(command === null)(title, () => {
    test("issues tokens, serves channels by gRPC, broadcasts, and stops", async () => {
      await withService(command ?? [], async (service, publications) => {
        expect(service.own).toBe(true);
        expect(createTokens({ secret: SECRET }).verify(service.token)).toMatchObject({
          accepted: true,
          identifiers: { name: "ann" },
        });
        const subscribed = await call(service.port, { command: "subscribe", data: "" });
        expect(subscribed).toMatchObject({ status: Status.SUCCESS, streams: ["lobby"] });
        const spoke = await call(service.port, {
          command: "message",
          data: '{"action":"speak","text":"hé"}',
        });
        expect(spoke).toMatchObject({ status: Status.SUCCESS, errorMsg: "" });
        expect(publications).toEqual([{ stream: "lobby", data: '{"text":"hé"}' }]);
      });
    });
  });
}

interface Announced {
  readonly port: number;
  readonly token: string;
  readonly own: boolean;
}

async function withService(
  command: string[],
  use: (service: Announced, publications: unknown[]) => Promise<void>,
): Promise<void> {
  const publications: unknown[] = [];
  const receiver = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      if (request.headers.get("authorization") === null) return new Response(null, { status: 401 });
      publications.push(await request.json());
      return new Response(null, { status: 201 });
    },
  });
  const url = `http://127.0.0.1:${receiver.port}/_broadcast`;
  const service = Bun.spawn([...command, SECRET, url], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  try {
    const lines = linesOf(service.stdout);
    await use(JSON.parse(await next(lines)), publications);
    service.stdin.end();
    expect(JSON.parse(await next(lines))).toEqual({ closed: true });
    expect(await service.exited).toBe(0);
  } finally {
    service.kill();
    await service.exited;
    await receiver.stop(true);
  }
}

async function* linesOf(output: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of output) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

async function next(lines: AsyncGenerator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error("the service ended without a word");
  return value;
}

function call(port: number, message: { command: string; data: string }): Promise<CommandResponse> {
  const client = new Client(`127.0.0.1:${port}`, ChannelCredentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("sid", "s1");
  metadata.set("protov", "v1");
  const request = CommandMessage.encode({
    ...message,
    identifier: '{"channel":"Chat","room":"lobby"}',
    connectionIdentifiers: '{"name":"ann"}',
    env: { url: "", headers: {}, cstate: {}, istate: {} },
  }).finish();
  return new Promise<CommandResponse>((resolve, reject) => {
    client.makeUnaryRequest(
      "/anycable.RPC/Command",
      (bytes: Buffer) => bytes,
      (bytes) => CommandResponse.decode(bytes),
      Buffer.from(request),
      metadata,
      { deadline: Date.now() + 5000 },
      (error, reply) => (reply === undefined ? reject(error) : resolve(reply)),
    );
  }).finally(() => client.close());
}
