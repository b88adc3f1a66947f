import { afterAll, describe, expect, test } from "bun:test";
import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Revocation } from "@hawser/core/jwt/revocation/revocation";
import { Revocations } from "@hawser/core/jwt/revocation/revocations";
import { createScratch } from "../../../test/support/scratch.ts";
import { RevocationsFile } from "./revocations-file.ts";

const scratch = createScratch();
afterAll(() => scratch.remove());

const NOW_MS = 1_700_000_000_000;
const revoked = (value: string, more: Partial<Revocation> = {}): Revocation => ({
  ...{ by: "jti", value, issuedBeforeS: 0, untilMs: NOW_MS + 60_000 },
  ...more,
});

let files = 0;
const newPath = () => join(scratch.path, `revocations-${++files}`);

/** Opens the file as a server does at its start. */
function open(path: string, places = 100) {
  const inForce = new Revocations(places);
  const file = new RevocationsFile(path, inForce, NOW_MS);
  file.open();
  const add = (...added: Revocation[]): void => {
    inForce.add(added, NOW_MS);
    file.write(added);
  };
  return { inForce, file, add };
}

const entriesOf = ({ inForce }: ReturnType<typeof open>) =>
  [...inForce.entries()].sort((a, b) => (a.value < b.value ? -1 : 1));
const linesOf = (path: string) => readFileSync(path, "utf8").trimEnd().split("\n");

describe("a file of revocations", () => {
  test("has at the next start what was added, however odd the text, and is for its owner alone", () => {
    const path = newPath();
    const all = [
      revoked("a"),
      revoked('{"user":"é\n\u2028"}', { by: "identifiers" }),
      revoked("b", { by: "issued_before", issuedBeforeS: 1000.5 }),
      revoked("5", { by: "token", untilMs: NOW_MS + 2000 }),
    ];
    const first = open(path);
    for (const one of all) first.add(one);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    first.file.close();
    expect(entriesOf(open(path))).toEqual(all.sort((a, b) => (a.value < b.value ? -1 : 1)));
  });

  test("has them also when the server did not close it", () => {
    const path = newPath();
    open(path).add(revoked("a"), revoked("b"));
    expect(entriesOf(open(path)).map(({ value }) => value)).toEqual(["a", "b"]);
  });

  test("loses what has ended, and the doubles, at the next start", () => {
    const path = newPath();
    const first = open(path);
    first.add(revoked("a"));
    first.add(revoked("a", { untilMs: NOW_MS + 120_000 }));
    appendFileSync(path, `{"by":"jti","value":"old","until":${NOW_MS / 1000}}\n`);
    expect(linesOf(path)).toHaveLength(4);
    expect(entriesOf(open(path))).toEqual([revoked("a", { untilMs: NOW_MS + 120_000 })]);
    expect(linesOf(path)).toHaveLength(2);
  });

  test("does not grow without end, while the same is revoked again and again", () => {
    const path = newPath();
    const { add } = open(path);
    let most = 0;
    for (let n = 0; n < 5000; n++) {
      add(revoked(`${n % 10}`));
      most = Math.max(most, n % 100 === 0 ? linesOf(path).length : 0);
    }
    expect(most).toBeLessThan(1100);
    expect(entriesOf(open(path))).toHaveLength(10);
  });

  test("goes on to be written to when it was written anew", () => {
    const path = newPath();
    const { add } = open(path);
    for (let n = 0; n < 1500; n++) add(revoked("a"));
    add(revoked("last"));
    expect(entriesOf(open(path)).map(({ value }) => value)).toEqual(["a", "last"]);
  });

  test("that an operator made may be read by whom it may be read by", () => {
    const path = scratch.write("made", "");
    chmodSync(path, 0o640);
    open(path).add(revoked("a"));
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });
});

describe("a file that cannot be used", () => {
  const GOOD = '{"hawser":"revocations","version":1}\n{"by":"jti","value":"a","until":4000000000}\n';

  test.each([
    ["another file", "[section]\nkey = 1\n", "line 1: it is no file of revocations"],
    ["one of a later version", '{"hawser":"revocations","version":2}\n', "line 1:"],
    ["a line that is no JSON", `${GOOD}{"by":"jti",\n`, "line 3: it is no revocation"],
    ["an empty line", `${GOOD}\n`, "line 3:"],
    ["a line of another kind", `${GOOD}{"by":"name","value":"a","until":4000000000}\n`, "line 3:"],
    ["a line without an end", `${GOOD}{"by":"jti","value":"a"}\n`, "line 3:"],
    [
      "a line with a member's name of Object's",
      `${GOOD}{"by":"toString","value":"a","until":4e9}\n`,
      "line 3:",
    ],
    ["a last line that is cut off", GOOD.slice(0, -20), "line 2: it is cut off"],
  ])("%s is said with its line, and not touched", (name, text, words) => {
    const path = scratch.write(`broken ${name}`, text);
    expect(() => open(path)).toThrow(words);
    expect(() => open(path)).toThrow(path);
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test("one with more than there is room for asks for more room, and is not touched", () => {
    const path = newPath();
    open(path).add(revoked("a"), revoked("b"));
    const text = readFileSync(path, "utf8");
    expect(() => open(path, 1)).toThrow("--revocations_limit");
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test("one in a folder that is not there is a fault that says so", () => {
    expect(() => open(join(scratch.path, "no", "file"))).toThrow(/--revocations_file\): ENOENT/);
  });

  test("a folder is none", () => {
    const path = newPath();
    mkdirSync(path);
    expect(() => open(path)).toThrow(/read .*--revocations_file\): EISDIR/);
  });
});

test("a server that only reads the file, and then does not start, takes nothing from the one that has it", () => {
  const path = newPath();
  const first = open(path);
  first.add(revoked("a"));
  new RevocationsFile(path, new Revocations(100), NOW_MS);
  first.add(revoked("b"));
  expect(entriesOf(open(path)).map(({ value }) => value)).toEqual(["a", "b"]);
});

test("what another server has taken over is not written to, and that is said", () => {
  const path = newPath();
  const first = open(path);
  const second = open(path);
  expect(() => first.add(revoked("a"))).toThrow("another file has taken its place");
  second.add(revoked("b"));
  renameSync(path, `${path}.moved`);
  expect(() => second.add(revoked("c"))).toThrow("another file has taken its place");
  expect(entriesOf(open(`${path}.moved`)).map(({ value }) => value)).toEqual(["b"]);
});
