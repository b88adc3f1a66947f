import { describe, expect, test } from "bun:test";
import { nextVersions, type SecretVersion, versionsAt } from "./secret-versions.ts";

const NOW = 1_000_000;
const HOUR = 3_600_000;

const after = (
  before: readonly SecretVersion[],
  current: string | null,
  previous: string[] = [],
  nowMs = NOW,
) => nextVersions(before, { current, previous }, nowMs, HOUR);
const told = (versions: readonly SecretVersion[]) =>
  versions.map(({ name, text, untilMs }) => `${name} ${text} ${untilMs ?? "-"}`);

describe("the versions of a secret", () => {
  test("are at the start what the options give", () => {
    expect(told(after([], "a", ["b", "c"]))).toEqual(["secret a -", "previous-1 b -", "previous-2 c -"]);
    expect(told(after([], null))).toEqual([]);
  });

  test("hold a secret that was replaced, for the overlap", () => {
    const versions = after(after([], "a"), "b");
    expect(told(versions)).toEqual(["secret b -", `replaced-1 a ${NOW + HOUR}`]);
    const texts = (nowMs: number) => versionsAt(versions, nowMs).map(({ text }) => text);
    expect(texts(NOW + HOUR - 1)).toEqual(["b", "a"]);
    expect(texts(NOW + HOUR)).toEqual(["b"]);
  });

  test("do not lengthen the time of one that was replaced before", () => {
    const versions = after(after(after([], "a"), "b"), "c", [], NOW + 1000);
    expect(told(versions)).toEqual([
      "secret c -",
      `replaced-1 b ${NOW + 1000 + HOUR}`,
      `replaced-2 a ${NOW + HOUR}`,
    ]);
  });

  test("take a previous one that is dropped out of use at once, and still know it", () => {
    const versions = after(after([], "b", ["a"]), "b");
    expect(told(versions)).toEqual(["secret b -", `replaced-1 a ${NOW}`]);
    expect(versionsAt(versions, NOW).map(({ text }) => text)).toEqual(["b"]);
  });

  test("are the options' own where these name a replaced one, also as the current one again", () => {
    const replaced = after(after([], "a"), "b");
    expect(told(after(replaced, "b", ["a"]))).toEqual(["secret b -", "previous-1 a -"]);
    expect(told(after(replaced, "a"))).toEqual(["secret a -", `replaced-1 b ${NOW + HOUR}`]);
  });

  test("are remembered to a number", () => {
    let versions = after([], "0");
    for (let i = 1; i <= 6; i++) versions = after(versions, String(i));
    expect(versions.map(({ text }) => text)).toEqual(["6", "5", "4", "3"]);
  });

  test("name no text twice", () => {
    expect(told(after([], "a", ["a", "b", "b"]))).toEqual(["secret a -", "previous-2 b -"]);
  });

  test("may lose the current one", () => {
    expect(told(after(after([], "a"), null))).toEqual([`replaced-1 a ${NOW + HOUR}`]);
  });
});
