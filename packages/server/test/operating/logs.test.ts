import { afterEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { CableClient, publish } from "../support/cable-client.ts";
import { freePorts, type HawserProcess, spawnHawser, startHawser } from "../support/hawser-process.ts";
import { type LogLine, linesAbout, parseJsonLog, parseTextLog } from "../support/log-lines.ts";
import { scrape, sumOf } from "../support/scrape.ts";
import { goodToken, inSeconds, signToken } from "../support/tokens.ts";

const SECRET = "a secret that nobody guesses, and no warning is about";
const JWT = ["--norpc", `--jwt_secret=${SECRET}`, "--enforce_jwt"];

let server: HawserProcess | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

async function start(flags: readonly string[]): Promise<HawserProcess> {
  server = await startHawser(flags);
  return server;
}

function connect(
  { port }: HawserProcess,
  token: string | null,
  headers: Record<string, string> = {},
): CableClient {
  const query = token === null ? "" : `?jid=${token}`;
  return new CableClient(`ws://127.0.0.1:${port}/cable${query}`, { headers });
}

/** Connects, is refused, and resolves with the operator's lines about it. */
async function refusals(
  hawser: HawserProcess,
  token: string | null,
  headers: Record<string, string> = {},
): Promise<LogLine[]> {
  await connect(hawser, token, headers).closed();
  await hawser.waitFor(/client refused/);
  return linesAbout(parseTextLog(hawser.output()), /^client refused$/);
}

async function endedOutput(hawser: HawserProcess): Promise<string> {
  hawser.signal("SIGTERM");
  expect(await hawser.exited).toBe(0);
  return hawser.output();
}

describe("the log's form", () => {
  /** A short life with a client in it, at debug level. */
  async function life(flags: readonly string[]): Promise<string> {
    const hawser = await start([...JWT, "--public_streams", "--debug", "--node_id=n-1", ...flags]);
    const good = connect(hawser, goodToken(SECRET));
    await good.message(0);
    good.send({
      command: "subscribe",
      identifier: JSON.stringify({ channel: "$pubsub", stream_name: "a b=c" }),
    });
    await good.message(1);
    good.send({ command: "dance", identifier: "x" });
    await hawser.waitFor(/failed to handle incoming message/);
    await connect(hawser, null).closed();
    return await endedOutput(hawser);
  }

  test("as text every line is `date time LVL message key=value`, with nodeid on each", async () => {
    const lines = parseTextLog(await life([]));
    expect(lines.length).toBeGreaterThan(8);
    for (const line of lines) expect(line.fields.nodeid).toBe("n-1");
    const now = new Date();
    const [year] = (lines[0]?.time ?? "").split("-");
    expect(Number(year)).toBe(now.getFullYear());
    expect(new Set(lines.map(({ level }) => level))).toEqual(new Set(["debug", "info", "warn"]));
  });

  test("as JSON every line is one object with upstream's names", async () => {
    const output = await life(["--log_format=json"]);
    const lines = parseJsonLog(output);
    expect(lines.length).toBeGreaterThan(8);
    for (const raw of output.trim().split("\n")) {
      const object = JSON.parse(raw) as Record<string, unknown>;
      expect(Object.keys(object).sort()).toEqual(expect.arrayContaining(["level", "msg", "nodeid", "time"]));
      expect(String(object.time)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
      expect(["DEBUG", "INFO", "WARN", "ERROR"]).toContain(String(object.level));
    }
    expect(lines.some(({ fields }) => fields.context === "node")).toBe(true);
  });

  test("both forms say the same", async () => {
    const said = (lines: readonly LogLine[]) => lines.map(({ level, message }) => `${level} ${message}`);
    const numbers = (line: string) => line.replace(/\d+/g, "N");
    const text = said(parseTextLog(await life([]))).map(numbers);
    const json = said(parseJsonLog(await life(["--log_format=json"]))).map(numbers);
    expect(json.sort()).toEqual(text.sort());
  });

  test("the lines at start are the reference's, where it has them", async () => {
    const hawser = await start([...JWT, "--metrics_http=/metrics", "--noauth"]);
    await hawser.waitFor(/Serve metrics at/);
    const lines = parseTextLog(hawser.output());
    const starting = lines.map(({ message }) => message.replaceAll(/\d{4,}/g, "N"));
    expect(lines[0]?.message).toMatch(/^Starting Hawser \d+\.\d+\.\d+ \(pid: \d+, open file limit: \w+\)$/);
    expect(starting.slice(1)).toEqual([
      "JWT authentication is enabled (param: jid, enforced: true)",
      "connection authentication is disabled",
      "Using channels router: $pubsub",
      "no RPC configured",
      "Keys for tokens",
      "Accept broadcast requests at http://127.0.0.1:N/_broadcast (no authorization)",
      "Handle WebSocket connections at http://127.0.0.1:N/cable",
      "Handle health requests at http://127.0.0.1:N/health",
      ...starting.slice(9),
    ]);
    expect(starting).toContain("Serve metrics at http://127.0.0.1:N/metrics");
    const fieldsOf = (message: RegExp) => linesAbout(lines, message)[0]?.fields;
    expect(fieldsOf(/^no RPC/)).toMatchObject({ context: "rpc", impl: "null" });
    expect(fieldsOf(/^Accept broadcast/)).toMatchObject({ context: "broadcast", provider: "http" });
    expect(fieldsOf(/^Serve metrics/)).toMatchObject({ context: "metrics" });
  });

  test("nothing but the log goes to standard output, and nothing at all to standard error", async () => {
    const hawser = await start(JWT);
    await connect(hawser, "rubbish").closed();
    await endedOutput(hawser);
    expect(hawser.stderr()).toBe("");
    expect(parseTextLog(hawser.stdout()).length).toBeGreaterThan(3);
  });

  test("no colours when the output is no terminal", async () => {
    const hawser = await start(JWT);
    expect(hawser.output()).not.toContain("\u001b");
  });

  test("a line break in what a client sends does not break a line", async () => {
    const hawser = await start([...JWT, "--debug"]);
    const client = connect(hawser, goodToken(SECRET));
    await client.message(0);
    client.send({ command: "message", identifier: "x\n2026-01-01 00:00:00.000 ERR forged", data: "{}" });
    await hawser.waitFor(/failed to handle incoming message/);
    const lines = parseTextLog(await endedOutput(hawser));
    expect(lines.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("log levels", () => {
  test.each([
    ["debug", ["debug", "info", "warn"]],
    ["info", ["info", "warn"]],
    ["warn", ["warn"]],
    ["error", []],
  ])("%s", async (level, seen) => {
    // `pi` and `public` give a warning, refusals a line at info, commands one at debug.
    const hawser = await startQuietly(["--public", ...JWT.slice(0, 2), `--log_level=${level}`]);
    const client = connect(hawser, goodToken(SECRET));
    await client.message(0);
    client.send({ command: "dance" });
    client.send({ command: "ping" });
    await client.message(1);
    await connect(hawser, "rubbish").closed();
    const lines = parseTextLog(await endedOutput(hawser));
    expect([...new Set(lines.map((line) => line.level))].sort()).toEqual([...seen].sort());
  });

  /** Without the line at start to wait for. */
  async function startQuietly(flags: readonly string[]): Promise<HawserProcess> {
    const [port, broadcastPort] = await freePorts(2);
    const placed = ["--host=127.0.0.1", `--port=${port}`, `--http_broadcast_port=${broadcastPort}`];
    const hawser = spawnHawser([...placed, ...flags], {}, port, broadcastPort);
    server = hawser;
    const untilMs = Date.now() + 5000;
    for (;;) {
      const up = await fetch(`http://127.0.0.1:${port}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (up) return hawser;
      if (Date.now() > untilMs) throw new Error(`not up within 5 s:\n${hawser.output()}`);
      await Bun.sleep(20);
    }
  }
});

describe("the line about a refused client", () => {
  test("names the reason, the key, the session, the peer, the carrier and how long ago the token expired", async () => {
    const hawser = await start(JWT);
    const [line] = await refusals(hawser, signToken(SECRET, { ext: "{}", exp: inSeconds(-90) }));
    expect(line?.level).toBe("info");
    expect(line?.fields).toMatchObject({
      reason: "expired",
      key: "secret",
      remote: "127.0.0.1",
      carrier: "query",
      context: "node",
    });
    expect(line?.fields.sid).toMatch(/^[\w-]{21}$/);
    expect(line?.fields.expired_for).toMatch(/^1m3\ds$/);
  });

  test("says in words what is wrong, and nothing of what was sent", async () => {
    const hawser = await start(JWT);
    const [line] = await refusals(hawser, "Bearer%20not-a-token");
    expect(line?.fields.reason).toBe("malformed");
    expect(line?.fields.detail).toContain("Bearer");
    expect(hawser.output()).not.toContain("not-a-token");
  });

  test("tells that there is nobody who could let clients in, when that is so", async () => {
    const hawser = await start(["--norpc"]);
    const [line] = await refusals(hawser, null);
    expect(line?.fields).toMatchObject({ reason: "no_backend" });
    expect(line?.fields.detail).toContain("--noauth");
  });
});

describe("the client's address", () => {
  const forwarded = { "X-Forwarded-For": "203.0.113.9, 198.51.100.7" };

  test("is the peer's when no proxy is trusted, whatever the header says", async () => {
    const hawser = await start(JWT);
    const [line] = await refusals(hawser, null, forwarded);
    expect(line?.fields.remote).toBe("127.0.0.1");
  });

  test("is the last one that a trusted proxy vouches for", async () => {
    const hawser = await start([...JWT, "--trusted_proxies=127.0.0.0/8"]);
    const [line] = await refusals(hawser, null, forwarded);
    expect(line?.fields.remote).toBe("198.51.100.7");
  });

  test("goes further back through every proxy that is trusted", async () => {
    const hawser = await start([...JWT, "--trusted_proxies=127.0.0.1,198.51.100.0/24"]);
    const [line] = await refusals(hawser, null, forwarded);
    expect(line?.fields.remote).toBe("203.0.113.9");
  });

  test("is not taken from a proxy that is not trusted", async () => {
    const hawser = await start([...JWT, "--trusted_proxies=10.0.0.0/8"]);
    const [line] = await refusals(hawser, null, forwarded);
    expect(line?.fields.remote).toBe("127.0.0.1");
  });
});

describe("under a flood of refusals", () => {
  test("the lines are few, and with what they say was left out they add up to the metric", async () => {
    const flood = 2000;
    const hawser = await start([...JWT, "--metrics_http=/metrics", "--log_format=json"]);
    const expired = signToken(SECRET, { ext: "{}", exp: inSeconds(-5) });
    const forged = signToken("another", { ext: "{}" });
    let next = 0;
    const worker = async () => {
      for (let i = next++; i < flood; i = next++) {
        const outcome = await connect(hawser, i % 2 === 0 ? expired : forged).closed(20_000);
        expect(outcome).toEqual({ code: 1000, reason: "Auth Failed" });
      }
    };
    await Promise.all(Array.from({ length: 50 }, worker));
    const samples = await scrape(hawser.port);
    const lines = parseJsonLog(await endedOutput(hawser));
    const written = linesAbout(lines, /^client refused$/);
    const summaries = linesAbout(lines, /left out/);
    const leftOut = summaries.reduce((sum, { fields }) => sum + Number(fields.left_out), 0);

    expect(sumOf(samples, "anycable_go_failed_auths_total")).toBe(flood);
    const verifications = "anycable_go_jwt_verifications_total";
    expect(sumOf(samples, verifications, 'result="refused"', 'reason="expired"')).toBe(flood / 2);
    expect(sumOf(samples, verifications, 'result="refused"', 'reason="bad_signature"')).toBe(flood / 2);
    expect(written.length + leftOut).toBe(flood);
    expect(written.length).toBeLessThan(flood / 4);
    expect(summaries.length).toBeGreaterThan(0);
    expect(summaries.map(({ fields }) => fields.kinds).join()).toMatch(/expired:\d+/);
    expect(summaries.map(({ fields }) => fields.kinds).join()).toMatch(/bad_signature:\d+/);
  }, 60_000);
});

describe("--jwt_strict", () => {
  const warnings = (hawser: HawserProcess) =>
    parseTextLog(hawser.output()).filter(({ level, message }) => level === "warn" && message.includes("URL"));

  async function welcome(hawser: HawserProcess, how: "query" | "header" | "subprotocol"): Promise<void> {
    const token = goodToken(SECRET);
    const url = `ws://127.0.0.1:${hawser.port}/cable`;
    const client =
      how === "query"
        ? new CableClient(`${url}?jid=${token}`)
        : how === "header"
          ? new CableClient(url, { headers: { "X-JID": token } })
          : new CableClient(url, { protocols: ["actioncable-v1-json", `anycable-token.${token}`] });
    expect(await client.message(0)).toContain('"welcome"');
    client.close();
  }

  test("warns once of tokens in URLs, and serves them", async () => {
    const hawser = await start([...JWT, "--jwt_strict"]);
    await welcome(hawser, "header");
    await welcome(hawser, "subprotocol");
    expect(warnings(hawser)).toHaveLength(0);
    await welcome(hawser, "query");
    await welcome(hawser, "query");
    await endedOutput(hawser);
    expect(warnings(hawser)).toHaveLength(1);
    expect(warnings(hawser)[0]?.fields.param).toBe("jid");
  });

  test("is silent when it is off", async () => {
    const hawser = await start(JWT);
    await welcome(hawser, "query");
    await endedOutput(hawser);
    expect(warnings(hawser)).toHaveLength(0);
  });
});

describe("a publication that is refused", () => {
  const fingerprint = (key: string) =>
    createHmac("sha256", key).update("hawser-fingerprint:broadcast_key").digest("hex").slice(0, 8);
  const derived = (secret: string) => createHmac("sha256", secret).update("broadcast-cable").digest("hex");

  test("is a line with the fingerprints of both keys, and with neither key", async () => {
    const hawser = await start(["--norpc", "--secret=ours"]);
    const response = await publish(hawser.broadcastPort, { stream: "s", data: "{}" }, derived("theirs"));
    expect(response.status).toBe(401);
    await hawser.waitFor(/publication refused/);
    const [line] = linesAbout(parseTextLog(hawser.output()), /^publication refused$/);
    expect(line).toMatchObject({
      level: "info",
      fields: {
        reason: "wrong_key",
        key_fp: fingerprint(derived("ours")),
        presented_fp: fingerprint(derived("theirs")),
      },
    });
    expect(hawser.output()).not.toContain(derived("theirs"));
    expect(hawser.output()).not.toContain(derived("ours"));
  });

  test("says when there is no key at all", async () => {
    const hawser = await start(["--norpc", "--broadcast_key=ours"]);
    expect((await publish(hawser.broadcastPort, {})).status).toBe(401);
    await hawser.waitFor(/publication refused/);
    const [line] = linesAbout(parseTextLog(hawser.output()), /^publication refused$/);
    expect(line?.fields).toMatchObject({
      reason: "no_key",
      key_fp: fingerprint("ours"),
      presented_fp: "none",
    });
  });

  test("does not fill the log", async () => {
    const hawser = await start(["--norpc", "--broadcast_key=ours"]);
    await Promise.all(Array.from({ length: 200 }, () => publish(hawser.broadcastPort, {}, "theirs")));
    await hawser.waitFor(/similar lines left out/);
    const lines = linesAbout(parseTextLog(hawser.output()), /^publication refused$/);
    expect(lines.length).toBeLessThan(200);
  });
});
