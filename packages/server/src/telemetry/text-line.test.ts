import { describe, expect, test } from "bun:test";
import type { LogFields, LogLevel } from "@hawser/core/log";
import { createTextLines, goQuote } from "./text-line.ts";

// Tests run in UTC.
const AT_MS = Date.parse("2026-11-23T09:58:39.564Z");

function line(level: LogLevel, message: string, fields: LogFields = {}, colors = false): string {
  const lines: string[] = [];
  createTextLines(
    (text) => lines.push(text),
    () => AT_MS,
    colors,
  )(level, message, fields);
  expect(lines).toHaveLength(1);
  return lines[0] ?? "";
}

describe("text lines", () => {
  test("have the reference's form", () => {
    expect(line("info", "Handle health requests at http://localhost:8080/health", { nodeid: "hrALSp" })).toBe(
      "2026-11-23 09:58:39.564 INF Handle health requests at http://localhost:8080/health nodeid=hrALSp\n",
    );
  });

  test("name the four levels in three letters", () => {
    const words = (["debug", "info", "warn", "error"] as const).map((level) =>
      line(level, "x").slice(24, 27),
    );
    expect(words).toEqual(["DBG", "INF", "WRN", "ERR"]);
  });

  test("have two spaces where the message is empty, as the metrics line of the reference has", () => {
    expect(line("info", "", { nodeid: "a", clients_num: 0 })).toBe(
      "2026-11-23 09:58:39.564 INF  nodeid=a clients_num=0\n",
    );
  });

  test("print numbers, booleans and null bare, and leave out what is undefined", () => {
    expect(line("info", "x", { a: 1, b: 2.5, c: true, d: null, e: undefined, f: "g" })).toEndWith(
      "x a=1 b=2.5 c=true d=null f=g\n",
    );
  });

  test("colour a line as the reference does on a terminal", () => {
    expect(line("warn", "hot", { nodeid: "a" }, true)).toBe(
      "\u001b[2m2026-11-23 09:58:39.564\u001b[0m \u001b[93mWRN\u001b[0m hot \u001b[2mnodeid=\u001b[0ma\n",
    );
    expect(line("info", "x", {}, true)).toContain("\u001b[92mINF\u001b[0m");
    expect(line("error", "x", {}, true)).toContain("\u001b[91mERR\u001b[0m");
    expect(line("debug", "x", {}, true)).toBe("\u001b[2m2026-11-23 09:58:39.564\u001b[0m DBG x\n");
  });

  test("stay one line, and a terminal gets no escapes, whatever a peer puts in a value or an error in the message", () => {
    for (const colors of [false, true]) {
      const text = line("info", "broken\nFAKE INF\u001b[2J", { id: "a\nb\u001b[31m\u2028" }, colors);
      expect(text.match(/\n/g)).toHaveLength(1);
      expect(text).toContain("broken\\nFAKE INF\\x1b[2J");
      expect(text).toContain('"a\\nb\\x1b[31m\\u2028"');
    }
  });

  test("time follows the clock within a second and over its end", () => {
    let nowMs = AT_MS;
    const lines: string[] = [];
    const print = createTextLines(
      (text) => lines.push(text.slice(0, 23)),
      () => nowMs,
      false,
    );
    for (const step of [0, 1, 435, 0.7, 86_400_000]) {
      nowMs += step;
      print("info", "x", {});
    }
    expect(lines).toEqual([
      "2026-11-23 09:58:39.564",
      "2026-11-23 09:58:39.565",
      "2026-11-23 09:58:40.000",
      "2026-11-23 09:58:40.000",
      "2026-11-24 09:58:40.000",
    ]);
  });

  test("time is the machine's local one", async () => {
    const script = `
      import { createTextLines } from ${JSON.stringify(`${import.meta.dir}/text-line.ts`)};
      createTextLines((text) => process.stdout.write(text), () => ${AT_MS}, false)("info", "x", {});
    `;
    const child = Bun.spawn([process.execPath, "--no-env-file", "-e", script], {
      env: { ...process.env, TZ: "Asia/Kolkata" },
      stdout: "pipe",
    });
    expect(await new Response(child.stdout).text()).toBe("2026-11-23 15:28:39.564 INF x\n");
  });
});

describe("quoting", () => {
  test.each([
    "a",
    "http://h:1/x?a&b",
    "$pubsub",
    "back\\slash",
    "'single'",
    "é",
    "日本",
    "😀",
    "e\u0301",
    "#1,2;(x)[y]{z}<all>",
  ])("%j stays bare", (value) => {
    expect(line("info", "x", { v: value })).toEndWith(` v=${value}\n`);
  });

  // What Go's strconv.Quote prints.
  test.each([
    ["", '""'],
    ["a b", '"a b"'],
    ['a"b', '"a\\"b"'],
    ["a=b", '"a=b"'],
    ["tab\t", '"tab\\t"'],
    ["nl\nr\rf\fv\vb\ba\u0007", '"nl\\nr\\rf\\fv\\vb\\ba\\a"'],
    ["\u0000\u007f", '"\\x00\\x7f"'],
    ["\u0085", '"\\u0085"'],
    ["\u00a0", '"\\u00a0"'],
    ["\u200b", '"\\u200b"'],
    ["\u2028", '"\\u2028"'],
    ["\ufeff", '"\\ufeff"'],
    ["\ue000", '"\\ue000"'],
    ["\u{e0001}", '"\\U000e0001"'],
    ["back\\ slash", '"back\\\\ slash"'],
    ["\u001b[31m", '"\\x1b[31m"'],
    ["😀 日本", '"😀 日本"'],
    ["\ud800", '"\ufffd"'],
  ])("%j is quoted as Go does", (value, quoted) => {
    expect(line("info", "x", { v: value })).toEndWith(` v=${quoted}\n`);
    expect(goQuote(value)).toBe(quoted);
  });
});
