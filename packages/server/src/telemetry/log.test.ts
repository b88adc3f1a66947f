import { describe, expect, test } from "bun:test";
import type { Log } from "@hawser/core/log";
import fc from "fast-check";
import { createLog, type LogOptions } from "./log.ts";

const AT_MS = Date.parse("2026-11-23T09:59:17.489Z");

function record(options: Partial<LogOptions> = {}): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const log = createLog({
    level: "debug",
    format: "json",
    nodeId: "n1",
    write: (line) => lines.push(line),
    nowMs: () => AT_MS,
    ...options,
  });
  return { log, lines };
}

describe("log", () => {
  test("prints JSON with time in UTC, level in upper case, message, node and fields", () => {
    const { log, lines } = record();
    log.with({ context: "ws" }).warn("slow", { sid: "s1", n: 3, ok: false, none: null, gone: undefined });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toEndWith("}\n");
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      time: "2026-11-23T09:59:17.489Z",
      level: "WARN",
      msg: "slow",
      nodeid: "n1",
      context: "ws",
      sid: "s1",
      n: 3,
      ok: false,
      none: null,
    });
  });

  test("prints text with the node first", () => {
    const { log, lines } = record({ format: "text" });
    log.with({ context: "rpc" }).error("RPC failed", { error: "no connection" });
    expect(lines).toEqual([
      '2026-11-23 09:59:17.489 ERR RPC failed nodeid=n1 context=rpc error="no connection"\n',
    ]);
  });

  test.each([
    ["debug", ["DEBUG", "INFO", "WARN", "ERROR"]],
    ["info", ["INFO", "WARN", "ERROR"]],
    ["warn", ["WARN", "ERROR"]],
    ["error", ["ERROR"]],
  ] as const)("at level %s drops what is below, and says so beforehand", (level, kept) => {
    const { log, lines } = record({ level });
    const child = log.with({ sid: "s" });
    for (const each of ["debug", "info", "warn", "error"] as const) {
      expect(child.enabled(each)).toBe(kept.some((name) => name === each.toUpperCase()));
      child[each]("x");
    }
    expect(lines.map((line) => JSON.parse(line).level)).toEqual([...kept]);
  });

  test("a field given again replaces the one of the parent: no key stands twice on a line", () => {
    for (const format of ["json", "text"] as const) {
      const { log, lines } = record({ format });
      log.with({ sid: "a" }).with({ sid: "b" }).info("x", { sid: "c" });
      expect(lines[0]?.match(/sid/g)).toHaveLength(1);
      expect(lines[0]).toContain("c");
    }
  });

  test("an error's text is printed as text, also under the name that pino keeps for errors", () => {
    const { log, lines } = record();
    log.error("x", { err: "because", error: "of this" });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ err: "because", error: "of this" });
  });

  test("JSON lines are JSON whatever a peer puts in a value", () => {
    const { log, lines } = record();
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        lines.length = 0;
        log.info("x", { value });
        expect(lines[0]?.match(/\n/g)).toHaveLength(1);
        expect(JSON.parse(lines[0] ?? "").value).toBe(value);
      }),
    );
  });
});

describe("payloads in the log", () => {
  test.each([
    ["x".repeat(100), "x".repeat(100)],
    ["x".repeat(101), `${"x".repeat(100)}...(1)`],
    ["x".repeat(5_000), `${"x".repeat(100)}...(4900)`],
    ["é".repeat(60), `${"é".repeat(50)}...(20)`],
    [`a${"é".repeat(60)}`, `a${"é".repeat(49)}...(22)`],
    ["😀".repeat(40), `${"😀".repeat(25)}...(60)`],
    ["日".repeat(34), `${"日".repeat(33)}...(3)`],
  ])("are cut to 100 bytes, at a character's end", (payload, shown) => {
    const { log, lines } = record();
    log.debug("incoming message", { data: payload, message: payload, identifier: payload });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ data: shown, message: shown, identifier: payload });
  });

  test("the part shown and the rest add up to the size, for any text", () => {
    const { log, lines } = record();
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 20, maxLength: 300 }), (payload) => {
        lines.length = 0;
        log.debug("x", { data: payload });
        const shown: string = JSON.parse(lines[0] ?? "").data;
        if (shown === payload) return expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(100);
        const [, start = "", rest = ""] = /^(.*)\.\.\.\((\d+)\)$/s.exec(shown) ?? [];
        expect(payload.startsWith(start)).toBe(true);
        expect(Buffer.byteLength(start)).toBeLessThanOrEqual(100);
        expect(Buffer.byteLength(start) + Number(rest)).toBe(Buffer.byteLength(payload));
      }),
    );
  });
});

describe("secrets in the log", () => {
  const PAYLOAD = "eyJleHQiOiJjYW5hcnktZXh0In0";
  const SIGNATURE = "c2lnbmF0dXJlLW9mLXRoZS1jYW5hcnk";
  const CANARY = `eyJhbGciOiJIUzI1NiJ9.${PAYLOAD}.${SIGNATURE}`;

  test.each(["json", "text"] as const)(
    "no token passes in %s: not in a message, a field, a payload or a parent's field",
    (format) => {
      const { log, lines } = record({ format });
      log.info(`refused ${CANARY}`);
      log.with({ url: `/cable?jid=${CANARY}` }).info("x");
      log.with({ a: "b" }).warn("x", { url: `http://h/cable?x=1&jid=${CANARY}&y=2` });
      log.error("x", { error: `bad header: anycable-token.${CANARY}` });
      log.debug("x", { data: `{"jid":"${CANARY}"}`, message: CANARY.repeat(9), transmissions: CANARY });
      log.debug("x", { data: `${"p".repeat(40)} ${CANARY}${"q".repeat(200)}` });
      createLog({ level: "info", format, nodeId: CANARY, write: (line) => lines.push(line) }).info("x");
      const everything = lines.join("");
      expect(lines).toHaveLength(7);
      expect(everything).not.toContain(PAYLOAD.slice(0, 10));
      expect(everything).not.toContain(SIGNATURE.slice(0, 10));
      expect(everything.match(/\[redacted\]/g)?.length).toBeGreaterThanOrEqual(9);
      expect(everything).toContain("&y=2");
    },
  );
});

describe("standard output", () => {
  /** Runs a script that has `log`, with its standard output given to `stdout`. */
  function run(body: string, stdout: "pipe" | ReturnType<typeof Bun.file> = "pipe") {
    const script = `
      import { createLog } from ${JSON.stringify(`${import.meta.dir}/log.ts`)};
      const log = createLog({ level: "info", format: "text", nodeId: "n1" });
      ${body}
    `;
    return Bun.spawn([process.execPath, "--no-env-file", "-e", script], { stdout, stderr: "pipe" });
  }

  test("has every line, though the process exits in the next statement and the reader is slow", async () => {
    const child = run(
      `for (let i = 0; i < 5000; i++) log.info("line", { i, pad: "x".repeat(100) }); process.exit(0);`,
    );
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout as ReadableStream<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const lines = text.trimEnd().split("\n");
    expect(lines).toHaveLength(5_000);
    expect(lines.at(-1)).toContain(" i=4999 ");
    expect(await child.exited).toBe(0);
  });

  test("whose reader has gone does not end the process", async () => {
    const child = run(`
      for (let i = 0; i < 5000; i++) log.info("line", { i, pad: "x".repeat(100) });
      process.stderr.write("alive"); process.exit(0);
    `);
    await (child.stdout as ReadableStream<Uint8Array>).cancel();
    expect(await new Response(child.stderr).text()).toBe("alive");
    expect(await child.exited).toBe(0);
  });

  test.skipIf(process.platform !== "linux")(
    "on a full disk is complained of once, and the process lives on",
    async () => {
      const child = run(
        `for (let i = 0; i < 100; i++) log.info("line", { i }); process.stderr.write("alive"); process.exit(0);`,
        Bun.file("/dev/full"),
      );
      const complaint = await new Response(child.stderr).text();
      expect(complaint.match(/cannot write log lines/g)).toHaveLength(1);
      expect(complaint).toContain("ENOSPC");
      expect(complaint).toEndWith("alive");
      expect(await child.exited).toBe(0);
    },
  );
});
