import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "./clock.ts";
import { watchFiles } from "./file-watch.ts";

let directory: string;
let stop: () => void;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "watch-"));
  stop = () => {};
});
afterEach(() => {
  stop();
  rmSync(directory, { recursive: true });
});

/** Counts the changes that are told, and waits for the next. */
function watched(...names: string[]) {
  let told = 0;
  let wake = (): void => {};
  stop = watchFiles(
    names.map((name) => join(directory, name)),
    systemClock,
    () => {
      told++;
      wake();
    },
  );
  return {
    told: () => told,
    /** Resolves at the next change, with how long that took. */
    async after(change: () => void): Promise<number> {
      const beganMs = performance.now();
      const heard = new Promise<void>((resolve) => {
        wake = resolve;
      });
      change();
      await heard;
      return performance.now() - beganMs;
    },
  };
}

const put = (name: string, text: string) => writeFileSync(join(directory, name), text);

/** Replaced as editors and secret mounts do. */
function replace(name: string, text: string): void {
  put(`${name}.new`, text);
  renameSync(join(directory, `${name}.new`), join(directory, name));
}

describe("a change is told", () => {
  test("when the file is written in place, again and again", async () => {
    put("s", "a");
    const { after } = watched("s");
    await after(() => put("s", "bb"));
    await after(() => put("s", "cc"));
  });

  test("when it is replaced by a rename, again and again", async () => {
    put("s", "a");
    const { after } = watched("s");
    for (const text of ["b", "c", "d"]) await after(() => replace("s", text));
  });

  test("when the link on the way to it is pointed elsewhere, as Kubernetes does", async () => {
    for (const version of ["1", "2", "3"]) {
      mkdirSync(join(directory, version));
      put(`${version}/s`, version);
    }
    symlinkSync("1", join(directory, "..data"));
    symlinkSync("..data/s", join(directory, "s"));
    const { after } = watched("s");
    const swap = (version: string) => {
      symlinkSync(version, join(directory, "..data_tmp"));
      renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
    };
    await after(() => swap("2"));
    await after(() => swap("3"));
  });

  test("when it is removed, and when it is put back", async () => {
    put("s", "a");
    const { after } = watched("s");
    await after(() => unlinkSync(join(directory, "s")));
    await after(() => put("s", "a"));
  });

  test("when its whole directory is another", async () => {
    mkdirSync(join(directory, "d"));
    put("d/s", "a");
    const { after } = watched("d/s");
    await after(() => {
      mkdirSync(join(directory, "e"));
      put("e/s", "b");
      renameSync(join(directory, "d"), join(directory, "old"));
      renameSync(join(directory, "e"), join(directory, "d"));
    });
  });

  test("of any of several files, once", async () => {
    put("s", "a");
    put("t", "a");
    const { after, told } = watched("s", "t", "s");
    await after(() => {
      put("s", "b");
      put("t", "b");
    });
    await after(() => put("t", "cc"));
    expect(told()).toBe(2);
  });
});

test("other files of the directory do not count, and nothing does after the end", async () => {
  put("s", "a");
  const { after, told } = watched("s");
  put("other", "x");
  await after(() => put("s", "b"));
  expect(told()).toBe(1);
  stop();
  put("s", "ccc");
  await Bun.sleep(300);
  expect(told()).toBe(1);
});

test("no files need no watching", () => {
  stop = watchFiles([], systemClock, () => expect.unreachable());
});
