import { ChannelCredentials, Client, Metadata } from "@grpc/grpc-js";
import { CommandMessage, CommandResponse } from "@hawser/proto/gen/rpc";

/** A runtime that the SDK is for. */
export interface Runtime {
  readonly name: string;
  /** What runs a script; null when it is not here. */
  readonly command: readonly string[] | null;
  readonly missing: string;
}

const node = Bun.which("node");
const nodeMajor =
  node === null ? 0 : Number(Bun.spawnSync([node, "--version"]).stdout.toString().slice(1).split(".")[0]);
const deno = Bun.which("deno");

export const RUNTIMES: readonly Runtime[] = [
  {
    name: "Node",
    command: node !== null && nodeMajor >= 20 ? [node] : null,
    missing: "Node 20 or later is not on PATH",
  },
  { name: "Bun", command: [process.execPath, "--no-env-file"], missing: "" },
  {
    name: "Deno",
    command: deno === null ? null : [deno, "run", "--allow-all"],
    missing: "deno is not on PATH",
  },
];

/** What the small service says of itself. */
export interface Announced {
  readonly port: number;
  readonly httpPort: number;
  readonly token: string;
  readonly own: boolean;
  readonly signed: string;
  readonly oneClass: boolean;
}

/** Runs the small service by `command`, which its arguments are added to, and sees it end well. */
export async function withService(
  command: readonly string[],
  secret: string,
  use: (service: Announced, publications: readonly unknown[]) => Promise<void>,
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
  const service = Bun.spawn([...command, secret, url], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  try {
    const lines = linesOf(service.stdout);
    await use(JSON.parse(await next(lines)), publications);
    service.stdin.end();
    const last = JSON.parse(await next(lines));
    const status = await service.exited;
    if (last.closed !== true || status !== 0) throw new Error(`the service ended with ${status}`);
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
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

async function next(lines: AsyncGenerator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error("the service ended without a word");
  return value;
}

/** One command of a client that follows `lobby`, as the server would send it. */
export function callService(
  port: number,
  message: { readonly command: string; readonly data: string },
): Promise<CommandResponse> {
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
