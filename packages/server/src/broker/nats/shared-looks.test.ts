import { describe, expect, test } from "bun:test";
import { SharedLooks } from "./shared-looks.ts";

/** Looks at a number, and answers when it is told to. */
function setUp() {
  const looks = new SharedLooks<number>();
  const answers: (() => void)[] = [];
  let value = 0;
  const look = () => {
    const seen = value;
    return new Promise<number>((resolve) => answers.push(() => resolve(seen)));
  };
  const set = (to: number) => {
    value = to;
  };
  return { looks, answers, look, set };
}

describe("looks that are shared", () => {
  test("are one for all who ask while another is under way, and show what was so when they asked", async () => {
    const { looks, answers, look, set } = setUp();
    const first = looks.ask("a", look);
    set(1);
    const others = [looks.ask("a", look), looks.ask("a", look)];
    set(2);
    expect(answers).toHaveLength(1);
    answers[0]?.();
    expect(await first).toBe(0);
    await Promise.resolve();
    expect(answers).toHaveLength(2);
    answers[1]?.();
    expect(await Promise.all(others)).toEqual([2, 2]);
    void looks.ask("a", look);
    expect(answers).toHaveLength(3);
  });

  test("are those of one key, and go on where one fails", async () => {
    const { looks, look, answers } = setUp();
    const failed = looks.ask("a", () => Promise.reject(new Error("no")));
    const next = looks.ask("a", look);
    void looks.ask("b", look);
    expect(answers).toHaveLength(1);
    await expect(failed).rejects.toThrow("no");
    await Promise.resolve();
    answers[1]?.();
    expect(await next).toBe(0);
  });

  test("are joined where what they show never changes", async () => {
    const { looks, look, answers } = setUp();
    const both = [looks.join("a", look), looks.join("a", look)];
    expect(answers).toHaveLength(1);
    answers[0]?.();
    expect(await Promise.all(both)).toEqual([0, 0]);
  });
});
