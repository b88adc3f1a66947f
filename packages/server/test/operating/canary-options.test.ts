import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { createServer } from "node:net";
import { join } from "node:path";
import { type AnyOption, OPTIONS } from "../../src/config/option-table.ts";
import { CableClient, publish } from "../support/cable-client.ts";
import {
  canary,
  canaryOf,
  expectClean,
  SECRET_FILE_OPTIONS,
  SECRET_OPTIONS,
  told,
} from "../support/canary.ts";
import { type HawserProcess, spawnHawser, startHawser } from "../support/hawser-process.ts";
import { createScratch } from "../support/scratch.ts";
import { goodToken, signToken } from "../support/tokens.ts";

/** D19 for the operator's side: no value of an option that is a secret comes out of the process, wherever it was put. */

const scratch = createScratch();
afterAll(() => scratch.remove());

let server: HawserProcess | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

const named = (options: readonly AnyOption[]) =>
  options.map((option) => [option.flag ?? option.toml ?? "", option] as const);

const flagOf = (option: AnyOption) => `--${option.flag}=${canaryOf(option)}`;

/** A TOML file with one key. */
function fileWith(option: AnyOption, value: string): string {
  const key = option.toml ?? "";
  const dot = key.lastIndexOf(".");
  const table = dot < 0 ? "" : `[${key.slice(0, dot)}]\n`;
  return scratch.write(
    `${option.flag}-${Bun.hash(value).toString(36)}.toml`,
    `${table}${key.slice(dot + 1)} = ${value}\n`,
  );
}

/** Runs a command that must end by itself; what it wrote must be clean. */
async function expectCleanEnd(flags: readonly string[], env: Record<string, string> = {}): Promise<number> {
  const ended = spawnHawser(flags, env);
  const status = await Promise.race([ended.exited, Bun.sleep(10_000)]);
  await ended.stop();
  expectClean(flags.join(" ").slice(0, 20), ended.output());
  if (status === undefined) throw new Error(`it did not end: ${ended.output()}`);
  return status;
}

test("the table has the secrets that there are", () => {
  const flags = SECRET_OPTIONS.map(({ flag }) => flag);
  for (const flag of ["secret", "jwt_secret", "streams_secret", "broadcast_key"])
    expect(flags).toContain(flag);
  // Whatever else sounds like a secret is one, or the name of a file with one.
  const suspicious = OPTIONS.filter(({ flag }) => /(secret|key|password|token)s?$/.test(flag ?? ""));
  const known = new Set([...SECRET_OPTIONS, ...SECRET_FILE_OPTIONS]);
  expect(suspicious.filter((option) => !known.has(option)).map(({ flag }) => flag)).toEqual([]);
});

describe("a secret is not printed with the configuration:", () => {
  test.each(named(SECRET_OPTIONS))(
    "%s",
    async (_name, option) => {
      expect(await expectCleanEnd([flagOf(option), "--print-config"])).toBe(0);
      for (const name of option.env)
        expect(await expectCleanEnd(["--print-config"], { [name]: canaryOf(option) })).toBe(0);
      if (option.toml === null) return;
      const path = fileWith(option, JSON.stringify(canaryOf(option)));
      expect(await expectCleanEnd([`--config-path=${path}`, "--print-config"])).toBe(0);
    },
    20_000,
  );
});

describe("a secret is in no line about a start that fails:", () => {
  test.each(named(SECRET_OPTIONS))(
    "%s",
    async (name, option) => {
      const text = canaryOf(option);
      for (const flags of [
        [flagOf(option), "--port=none"],
        [flagOf(option), "--no_such_option"],
        [`--${name}x=${text}`],
        [`--${name}x`, text],
        [flagOf(option), "--ssl_cert=/none.crt", "--ssl_key=/none.key"],
        [flagOf(option), "--config-path=/none.toml"],
      ]) {
        expect(await expectCleanEnd(["--norpc", ...flags])).toBe(1);
      }
      if (option.toml === null) return;
      for (const value of [`"${text}`, `["${text}", 5]`, `{ a = "${text}" }`, `'${text}' "${text}"`]) {
        expect(await expectCleanEnd([`--config-path=${fileWith(option, value)}`])).toBe(1);
      }
    },
    40_000,
  );

  test("with all of them, on a port that is taken", async () => {
    const taken = createServer();
    await new Promise<void>((listening) => taken.listen(0, "127.0.0.1", () => listening()));
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const flags = ["--norpc", "--host=127.0.0.1", `--port=${port}`, ...SECRET_OPTIONS.map(flagOf)];
    expect(await expectCleanEnd(flags)).toBe(1);
    taken.close();
  });
});

describe("the contents of a file with a secret are in no line, whether the start can use them or not:", () => {
  test.each(named(SECRET_FILE_OPTIONS))(
    "%s",
    async (_name, option) => {
      const text = canaryOf(option);
      for (const [index, content] of [
        text,
        `-----BEGIN ${text}-----\n${text}`,
        `{"keys":[{"k":"${text}"}]}`,
        `["${text}"`,
      ].entries()) {
        const path = scratch.write(`${option.flag}-${index}`, content);
        const flags = [`--${option.flag}=${path}`, "--norpc", "--port=0", "--debug"];
        const also = option.flag === "ssl_key" ? [`--ssl_cert=${path}`] : [];
        const process = spawnHawser([...flags, ...also, "--http_broadcast_port=0"]);
        const ended = await Promise.race([process.exited, process.waitFor(/Handle health/).catch(() => {})]);
        if (ended === undefined) {
          process.signal("SIGTERM");
          await process.exited;
        }
        expectClean(`the output with ${option.flag}`, process.output());
        expectClean("--print-config", await printed([...flags, ...also]));
      }
    },
    30_000,
  );
});

test("an issuer's secret is in no line, in its file or where it should not be", async () => {
  const text = canary("issuer");
  const table = (line: string) =>
    `[[jwt.issuers]]\nissuer = "https://a.example"\naudience = ["x"]\n${line}\n`;
  const file = scratch.write("issuer-secret", text);
  for (const [index, line] of [
    `secret_file = ${JSON.stringify(file)}`,
    `secret = "${text}"`,
    `secret_file = "/none/0"\nsecret = ["${text}"]`,
    `keys_file = ${JSON.stringify(file)}`,
    `secret_file = "${text}`,
  ].entries()) {
    const config = scratch.write(`issuers-${index}.toml`, table(line));
    const flags = ["--norpc", "--debug", `--config-path=${config}`];
    expectClean("--print-config", await printed(flags));
    const process = spawnHawser([...flags, "--port=0", "--http_broadcast_port=0"]);
    const ended = await Promise.race([process.exited, process.waitFor(/Handle health/).catch(() => {})]);
    if (ended === undefined) process.signal("SIGTERM");
    await process.exited;
    expectClean(`the output with ${line.slice(0, 12)}`, process.output());
  }
}, 30_000);

async function printed(flags: readonly string[]): Promise<string> {
  const process = spawnHawser([...flags, "--print-config"]);
  await process.exited;
  return process.output();
}

const LEVELS = ["debug", "info", "warn", "error"] as const;
const FORMATS = ["text", "json"] as const;

describe("a server that has every secret tells none, however much it logs:", () => {
  test.each(LEVELS.flatMap((level) => FORMATS.map((format) => [level, format] as const)))(
    "%s as %s",
    async (level, format) => {
      const admin = join(scratch.path, `admin-${level}-${format}`);
      server = await startHawser(
        [
          ...SECRET_OPTIONS.map(flagOf),
          ...["--norpc", "--turbo_streams", "--cable_ready", "--public_streams", "--metrics_http=/metrics"],
          ...[`--log_level=${level}`, `--log_format=${format}`, `--admin_socket=${admin}`],
        ],
        {},
        { quiet: true },
      );
      const sinks = await talkTo(server);
      server.signal("SIGHUP");
      await Bun.sleep(50);
      server.signal("SIGTERM");
      expect(await server.exited).toBe(0);
      for (const [sink, text] of Object.entries(sinks)) expectClean(sink, text);
      if (level === "debug" || level === "info") expect(server.output()).toContain("subscription failed");
      expectClean(
        "the log",
        server.output(),
        SECRET_OPTIONS.map((option) => signatureOf(canaryOf(option)).slice(0, 16)),
      );
    },
    20_000,
  );
});

const STREAM = Buffer.from('"chat"').toString("base64");

/** Whoever knows it may follow the stream for ever, so that it is as good as a token. */
function signatureOf(secret: string): string {
  return createHmac("sha256", secret).update(STREAM).digest("hex");
}

function signedName(secret: string): string {
  return `${STREAM}--${signatureOf(secret)}`;
}

/** Uses every secret, rightly and wrongly; everything that the server said to it. */
async function talkTo({ port, broadcastPort }: HawserProcess): Promise<Record<string, string>> {
  const sinks: Record<string, string> = {};
  const flag = (name: string) => {
    const option = SECRET_OPTIONS.find((candidate) => candidate.flag === name);
    if (option === undefined) throw new Error(`no option ${name}`);
    return canaryOf(option);
  };
  const url = `ws://127.0.0.1:${port}/cable`;
  for (const secret of SECRET_OPTIONS.map(canaryOf)) {
    await new CableClient(`${url}?jid=${signToken(secret, { exp: 1 })}`).closed();
    const client = new CableClient(`${url}?jid=${goodToken(flag("jwt_secret"))}`);
    await client.message(0);
    for (const channel of ["$pubsub", "Turbo::StreamsChannel", "CableReady::Stream"]) {
      const name = signedName(secret);
      const identifier = JSON.stringify({ channel, signed_stream_name: name, identifier: name });
      for (const command of ["subscribe", "subscribe", "message", "history"])
        client.send({ command, identifier });
      // A line quotes only the beginning, so that a name has to stand there to be seen.
      client.send({ command: name, identifier: name });
    }
    const over = () => client.closedWith !== null || client.messages.some((text) => text.includes("pong"));
    if (client.closedWith === null) client.send({ command: "ping" });
    await client.until(over, "an answer or the end");
    sinks.frames = `${sinks.frames ?? ""}${client.frames.join("\n")}`;
    client.close();
  }
  expect(sinks.frames?.match(/"confirm_subscription"/g)?.length).toBeGreaterThanOrEqual(3);
  const answers = await Promise.all([
    publish(broadcastPort, { stream: "a", data: "1" }, flag("secret")),
    publish(broadcastPort, { stream: "a", data: "1" }, flag("broadcast_key")),
    publish(broadcastPort, { stream: "a", data: "1" }, flag("http_broadcast_secret")),
    publish(broadcastPort, "no JSON", flag("http_broadcast_secret")),
    publish(broadcastPort, { stream: "a", data: 1 }, flag("http_broadcast_secret")),
    ...["metrics", "health", "ready", "cable", "nowhere"].map((path) =>
      fetch(`http://127.0.0.1:${port}/${path}`),
    ),
    fetch(`http://127.0.0.1:${port}/cable`, { method: "POST", body: "x" }),
  ]);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 201, 422, 200, 400, 404]));
  sinks.answers = (await Promise.all(answers.map(told))).join("\n");
  return sinks;
}
