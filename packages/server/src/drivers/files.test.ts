import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { createScratch, type Scratch } from "../../test/support/scratch.ts";
import { replaceTextFile } from "./files.ts";

let scratch: Scratch;
let path: string;
beforeEach(() => {
  scratch = createScratch();
  path = `${scratch.path}/keys.json`;
});
afterEach(() => scratch.remove());

const modeOf = (file: string) => statSync(file).mode & 0o777;

test("a new file is its owner's alone", () => {
  replaceTextFile(path, "new");
  expect([readFileSync(path, "utf8"), modeOf(path)]).toEqual(["new", 0o600]);
});

test("a file that is replaced keeps its permissions, whatever this process would give", () => {
  const before = process.umask(0o077);
  try {
    for (const mode of [0o640, 0o664, 0o600]) {
      writeFileSync(path, "old");
      chmodSync(path, mode);
      replaceTextFile(path, "new");
      expect([readFileSync(path, "utf8"), modeOf(path)]).toEqual(["new", mode]);
    }
  } finally {
    process.umask(before);
  }
});

test.skipIf(process.getuid?.() !== 0)("a file that root replaces still belongs to its owner", () => {
  writeFileSync(path, "old");
  chownSync(path, 1234, 2345);
  chmodSync(path, 0o640);
  replaceTextFile(path, "new");
  expect(statSync(path)).toMatchObject({ uid: 1234, gid: 2345 });
  expect(modeOf(path)).toBe(0o640);
});

test("a draft that a dead process of the same number left behind is in nobody's way", () => {
  writeFileSync(`${path}.${process.pid}.new`, "half a te");
  replaceTextFile(path, "new");
  expect(readFileSync(path, "utf8")).toBe("new");
});

test("a link goes on to point where it did, and no draft is left", () => {
  writeFileSync(path, "old");
  const link = `${scratch.path}/link`;
  symlinkSync(path, link);
  replaceTextFile(link, "new");
  expect(readFileSync(path, "utf8")).toBe("new");
  expect(readdirSync(scratch.path).sort()).toEqual(["keys.json", "link"]);
});

test("what cannot be put in its place leaves no draft", () => {
  expect(() => replaceTextFile(scratch.path, "new")).toThrow();
  const beside = readdirSync(dirname(scratch.path)).filter((name) => name.startsWith(basename(scratch.path)));
  expect(beside).toEqual([basename(scratch.path)]);
});
