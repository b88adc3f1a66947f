import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { createServer as createTlsServer } from "node:tls";
import type { AuthReason } from "@hawser/core/reasons";
import { type Application, startApplication } from "../support/application.ts";
import { CableClient, publish } from "../support/cable-client.ts";
import { expectClean, told } from "../support/canary.ts";
import { type Certificate, HAS_OPENSSL, makeCertificate } from "../support/certificates.ts";
import { type Listening, serveTcp } from "../support/grpc-servers.ts";
import { type HawserProcess, spawnHawser, startHawser } from "../support/hawser-process.ts";
import { parseJsonLog } from "../support/log-lines.ts";
import { exchangeRaw, upgradeRequest } from "../support/raw-http.ts";
import { createScratch } from "../support/scratch.ts";
import { inSeconds, signToken } from "../support/tokens.ts";

/**
 * D19: a token or a secret must reach no log, metric, page or error text. Every value below is planted, and then every
 * sink is searched for it, whole and in parts.
 */

const SECRET = "canary-secret-5f0c1e";
const BROADCAST_KEY = "canary-broadcast-7a91bd";
const WRONG_KEY = "canary-wrong-key-93e2";
const COOKIE = "canary-cookie-11fe";

const scratch = createScratch();
afterAll(() => scratch.remove());

/** A TLS server that hears out what it is sent. */
async function serveTls({ cert, key }: Certificate): Promise<Listening> {
  const listener = createTlsServer({ cert, key }, (socket) => socket.on("error", () => {}));
  listener.on("tlsClientError", () => {});
  await new Promise<void>((listening) => listener.listen(0, "127.0.0.1", () => listening()));
  const address = listener.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { port, stop: () => void listener.close() };
}

let server: HawserProcess | null = null;
let application: Application | null = null;
afterEach(async () => {
  await server?.stop();
  application?.stop();
  server = null;
  application = null;
});

const ext = JSON.stringify({ user: "canary-identity-2b44" });
const NOW = { iat: inSeconds(0), exp: inSeconds(60) };

/** A token for every reason that this server can refuse one for. */
const REFUSED: readonly (readonly [AuthReason, string])[] = [
  ["malformed", `${signToken(SECRET, { ext, ...NOW })}.extra`],
  ["malformed", `${signToken(SECRET, { ext, ...NOW })}==`],
  ["malformed", `Bearer ${signToken(SECRET, { ext, ...NOW })}`],
  ["malformed", signToken(SECRET, `{"ext":"canary-dup-1","ext":"canary-dup-2","exp":${NOW.exp}}`)],
  ["too_large", signToken(SECRET, { ext: "canary-large-".repeat(700), ...NOW })],
  ["alg_not_allowed", signToken(SECRET, { ext, ...NOW }, { alg: "none" })],
  ["alg_not_allowed", signToken(SECRET, { ext, ...NOW }, { alg: "RS256", kid: "canary-kid-2f" })],
  ["bad_signature", signToken("another", { ext, ...NOW }, { alg: "HS256", kid: "canary-kid-1d" })],
  ["expired", signToken(SECRET, { ext, exp: inSeconds(-60) })],
  ["not_yet_valid", signToken(SECRET, { ext, ...NOW, nbf: inSeconds(50) })],
  ["lifetime_too_long", signToken(SECRET, { ext, iat: inSeconds(0), exp: inSeconds(9999) })],
  ["exp_missing", signToken(SECRET, { ext })],
  ["ext_missing", signToken(SECRET, { sub: "canary-subject-77", ...NOW })],
  ["ext_not_string", signToken(SECRET, { ext: { user: "canary-object-78" }, ...NOW })],
];

const CARRIERS = {
  query: (url: string, token: string) => new CableClient(`${url}?jid=${encodeURIComponent(token)}`),
  header: (url: string, token: string) =>
    new CableClient(url, { headers: { "X-JID": token, Cookie: `session=${COOKIE}` } }),
  subprotocol: (url: string, token: string) =>
    new CableClient(url, { protocols: ["actioncable-v1-json", `anycable-token.${token}`] }),
} as const;

/** What must not be found: each token, each of its longer parts, and the secrets. */
function planted(tokens: readonly string[]): string[] {
  const parts = tokens.flatMap((token) => token.split(/[.\s=]/)).filter((part) => part.length >= 20);
  return [...tokens, ...parts, SECRET, BROADCAST_KEY, WRONG_KEY, COOKIE, "canary-"];
}

const FLAGS = [
  `--jwt_secret=${SECRET}`,
  `--broadcast_key=${BROADCAST_KEY}`,
  "--enforce_jwt",
  "--jwt_max_lifetime=600",
  "--public_streams",
  "--metrics_http=/metrics",
  "--debug",
];

describe("no token and no secret leaves the server", () => {
  test.each(["text", "json"])(
    "with a %s log, over every carrier and for every reason",
    async (format) => {
      server = await startHawser(["--norpc", ...FLAGS, `--log_format=${format}`]);
      const url = `ws://127.0.0.1:${server.port}/cable`;
      const good = signToken(SECRET, { ext, ...NOW });
      const values = planted([good, ...REFUSED.map(([, token]) => token)]);

      for (const [carrier, connect] of Object.entries(CARRIERS)) {
        const client = connect(url, good);
        expect(await client.message(0)).toContain('"welcome"');
        if (carrier !== "query") expect(client.protocol).not.toContain("anycable-token");
        client.send("not a command at all");
        client.send({ command: "message", identifier: good, data: good });
        client.send({ command: good, identifier: "{}" });
        client.send({
          command: "subscribe",
          identifier: JSON.stringify({ channel: good, stream_name: good }),
        });
        client.send(`{"command":"auth","token":"${good}"`);
        client.send({ command: `auth ${good}`, token: good });
        client.send({ command: "auth", token: good, identifier: good, data: good });
        for (const [, token] of REFUSED) client.send({ command: "auth", token });
        const answers = () => client.messages.filter((message) => message.includes('"type":"auth"'));
        await client.until(() => answers().length === REFUSED.length + 1, "answers to auth");
        expectClean("an answer", answers().join("\n"), values);
        for (const [, token] of REFUSED) {
          // A sub-protocol is one word: browsers could not send these, and raw clients are another test's business.
          if (carrier === "subprotocol" && /[\s=]/.test(token)) continue;
          const refused = connect(url, token);
          await refused.closed();
          expectClean("a frame", refused.messages.join("\n"), values);
        }
        client.close();
      }
      await new CableClient(`${url}?x=%zz&jid=${good}`).closed();
      const { port, broadcastPort } = server;
      const answers = await Promise.all([
        fetch(`http://127.0.0.1:${port}/cable?jid=${good}`),
        fetch(`http://127.0.0.1:${port}/cable?jid=${good}`, { method: "POST", body: good }),
        fetch(`http://127.0.0.1:${port}/nowhere?jid=${good}`, { headers: { "X-JID": good } }),
        fetch(`http://127.0.0.1:${port}/${good}`),
        publish(broadcastPort, { stream: "a", data: '"b"' }, WRONG_KEY),
        publish(broadcastPort, { stream: good, data: { token: good } }, BROADCAST_KEY),
        publish(broadcastPort, { stream: "a", data: good }, BROADCAST_KEY),
        publish(broadcastPort, good, BROADCAST_KEY),
        publish(broadcastPort, { command: good }, BROADCAST_KEY),
        publish(
          broadcastPort,
          { command: "disconnect", payload: { identifier: good, reconnect: good } },
          BROADCAST_KEY,
        ),
      ]);
      for (const answer of answers) expectClean(`the answer ${answer.status}`, await told(answer), values);
      const tooLarge = `GET /cable?jid=${good} HTTP/1.1\r\nHost: h\r\nX-JID: ${good.repeat(1000)}\r\n\r\n`;
      expectClean(
        "a bare answer",
        (await exchangeRaw(port, tooLarge, { withinMs: 300 })).toString("latin1"),
        values,
      );

      const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
      for (const [reason] of REFUSED) expect(metrics).toContain(`reason="${reason}"`);
      server.signal("SIGTERM");
      expect(await server.exited).toBe(0);
      expectClean("the log", server.output(), values);
      expectClean("/metrics", metrics, values);
      if (format === "json") {
        const reasons = new Set(parseJsonLog(server.output()).map(({ fields }) => fields.reason));
        for (const [reason] of REFUSED) expect(reasons).toContain(reason);
      }
    },
    30_000,
  );

  test.each(["text", "json"])(
    "with a backend that is down, one that says no, and one that fails, as %s",
    async (format) => {
      const good = signToken(SECRET, { ext, ...NOW });
      const values = planted([good]);
      let port = 1;
      for (const mode of ["down", "refuses", "errs"] as const) {
        if (mode !== "down") {
          application = await startApplication({
            connect: ({ env }) => ({
              status: mode === "refuses" ? 2 : 0,
              errorMsg: `no entry with ${env?.headers["x-jid"] ?? ""}`,
              transmissions: [],
            }),
            command: () => ({ status: 0, errorMsg: `cannot with ${good}` }),
          });
          port = application.port;
        }
        server = await startHawser([
          ...FLAGS,
          `--log_format=${format}`,
          `--rpc_host=127.0.0.1:${port}`,
          "--rpc_after_jwt=enforce",
          "--rpc_command_timeout=300",
          "--headers=cookie,x-jid,authorization",
        ]);
        for (const connect of Object.values(CARRIERS)) {
          await connect(`ws://127.0.0.1:${server.port}/cable`, good).closed();
        }
        const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
        server.signal("SIGTERM");
        await server.exited;
        expectClean(`the log with a backend that ${mode}`, server.output(), values);
        expectClean("/metrics", metrics, values);
        application?.stop();
        application = null;
      }
    },
    30_000,
  );

  test("of signed streams: neither the secret nor a signature that opens a stream", async () => {
    const streamsSecret = "canary-streams-secret-41d0";
    server = await startHawser(["--norpc", ...FLAGS, `--streams_secret=${streamsSecret}`]);
    const client = CARRIERS.header(`ws://127.0.0.1:${server.port}/cable`, signToken(SECRET, { ext, ...NOW }));
    await client.message(0);
    const signatures: string[] = [];
    for (const secret of [streamsSecret, "another"]) {
      const encoded = Buffer.from('"a"').toString("base64");
      const signature = createHmac("sha256", secret).update(encoded).digest("hex");
      signatures.push(signature.slice(0, 16));
      const identifier = JSON.stringify({
        channel: "$pubsub",
        signed_stream_name: `${encoded}--${signature}`,
      });
      for (const command of ["subscribe", "subscribe", "message", "history", "whisper", "dance"]) {
        client.send({ command, identifier, data: "{}" });
      }
      client.send({ command: "unsubscribe", identifier });
      client.send({ command: "unsubscribe", identifier });
    }
    client.send({ command: "ping" });
    await client.until(() => client.messages.some((text) => text.includes("pong")), "the answer to a ping");
    expect(client.messages[1]).toContain("confirm_subscription");
    server.signal("SIGTERM");
    await server.exited;
    expect(server.output()).toContain("signed_stream_name");
    expectClean("the log", server.output(), [...signatures, streamsSecret]);
  }, 30_000);

  test("with a backend that cannot be spoken to: no gRPC, no TLS, another's certificate", async () => {
    const good = signToken(SECRET, { ext, ...NOW });
    const garbage = await serveTcp((socket) => socket.end(`HTTP/1.1 500 ${good}\r\n\r\n${good}`));
    const secure = HAS_OPENSSL ? await serveTls(makeCertificate(scratch.path, "canary-backend")) : garbage;
    try {
      for (const flags of [
        [`--rpc_host=127.0.0.1:${garbage.port}`],
        [`--rpc_host=127.0.0.1:${garbage.port}`, "--rpc_enable_tls"],
        [`--rpc_host=127.0.0.1:${secure.port}`, "--rpc_enable_tls"],
        [`--rpc_host=127.0.0.1:${secure.port}`],
        [`--rpc_host=${good}.invalid:1`],
      ]) {
        server = await startHawser([
          ...FLAGS,
          ...flags,
          "--rpc_after_jwt=enforce",
          "--rpc_command_timeout=300",
        ]);
        for (const connect of Object.values(CARRIERS)) {
          await connect(`ws://127.0.0.1:${server.port}/cable`, good).closed();
        }
        expect(server.output()).toContain("WebSocket session failed");
        server.signal("SIGTERM");
        await server.exited;
        expectClean(`the log with ${flags.join(" ").slice(0, 40)}`, server.output(), planted([good]));
      }
    } finally {
      garbage.stop();
      secure.stop();
    }
  }, 30_000);

  test.if(HAS_OPENSSL)("behind TLS, to clients that do not speak it or break off", async () => {
    const { certPath, keyPath } = makeCertificate(scratch.path, "canary-server");
    const good = signToken(SECRET, { ext, ...NOW });
    const spawned = await startHawser([
      "--norpc",
      ...FLAGS,
      `--ssl_cert=${certPath}`,
      `--ssl_key=${keyPath}`,
    ]);
    server = spawned;
    const request = upgradeRequest(`/cable?jid=${good}`, { "X-JID": good });
    for (const sent of [request, `\x16\x03\x01\x02\x00\x01\x00${good}`, good]) {
      const answer = await exchangeRaw(spawned.port, sent, { withinMs: 300 }).catch(() => Buffer.alloc(0));
      expectClean("what a client without TLS hears", answer.toString("latin1"), planted([good]));
    }
    spawned.signal("SIGTERM");
    await spawned.exited;
    expectClean("the log", spawned.output(), planted([good]));
  });

  test("in the printed configuration, from flags, variables and a file", async () => {
    const flags = [`--jwt_secret=${SECRET}`, `--broadcast_key=${BROADCAST_KEY}`, "--print-config"];
    const env = { ANYCABLE_SECRET: WRONG_KEY };
    const printed = spawnHawser(flags, env);
    expect(await printed.exited).toBe(0);
    expect(printed.output()).toContain("fingerprint");
    expectClean("--print-config", printed.output(), planted([]));
  });

  test("in the lines about a command line that is wrong", async () => {
    for (const flags of [
      [`--jwt_secrett=${SECRET}`],
      ["--jwt_secrett", SECRET],
      ["--metrics_http=/m", "--metrics_tags=1bad:tag", `--jwt_secret=${SECRET}`],
    ]) {
      const failed = spawnHawser(["--norpc", "--port=0", ...flags]);
      expect(await failed.exited).toBe(1);
      expectClean(flags.join(" "), failed.output(), [SECRET]);
    }
    server = await startHawser(["--norpc", "--enforce_jwt=false", "--secret", SECRET, BROADCAST_KEY]);
    expect(server.output()).toContain("ignored the command line");
    expectClean("the warning", server.output(), planted([]));
  });

  test("over a session's life in which the token is in the URL that the application is told", async () => {
    application = await startApplication();
    server = await startHawser([...FLAGS, `--rpc_host=127.0.0.1:${application.port}`]);
    const good = signToken(SECRET, { ext, ...NOW });
    const client = CARRIERS.query(`ws://127.0.0.1:${server.port}/cable`, good);
    await client.message(0);
    client.send({ command: "subscribe", identifier: '{"channel":"Chat"}' });
    await client.message(1);
    expect(application.callsOf("Command")[0]?.request.env?.url).toContain(good);
    client.close();
    server.signal("SIGTERM");
    await server.exited;
    expectClean("the log", server.output(), planted([good]));
  });
});
