import { describe, expect, test } from "bun:test";
import { AskedKeys } from "./asked-keys.ts";

/** Keys of one issuer, and a control thread of which the test says what it answers. */
function asking() {
  const asked: { given: readonly unknown[]; answer: PromiseWithResolvers<unknown> }[] = [];
  const keys = new AskedKeys(
    (_about, given) => {
      const answer = Promise.withResolvers<unknown>();
      asked.push({ given, answer });
      return answer.promise;
    },
    ["idp"],
  );
  return { asked, keys };
}

describe("a key that a connection thread does not know", () => {
  test("of an issuer that publishes its keys is asked for, and nothing else is", () => {
    const { asked, keys } = asking();
    keys.missed("another", "k1");
    expect(keys.arrival()).toBeNull();
    keys.missed(null, "k1");
    expect(keys.arrival()).toBeNull();
    keys.missed("idp", "k1");
    expect(keys.arrival()).toBeInstanceOf(Promise);
    keys.forgetMissed();
    expect(keys.arrival()).toBeNull();
    expect(asked.map(({ given }) => given)).toEqual([["idp", "k1"]]);
  });

  test("is known not to be there when the issuer could be asked, and may be there when it could not", async () => {
    for (const unsure of [false, true]) {
      const { asked, keys } = asking();
      keys.missed("idp", "k1");
      const arrived = keys.arrival();
      asked[0]?.answer.resolve(unsure);
      await arrived;
      keys.missed("idp", "k1");
      expect(keys.isBlind).toBe(unsure);
    }
  });

  test("may be there when the control thread does not answer", async () => {
    const { asked, keys } = asking();
    keys.missed("idp", "k1");
    const arrived = keys.arrival();
    asked[0]?.answer.reject(new Error("it is gone"));
    await arrived;
    keys.missed("idp", "k1");
    expect(keys.isBlind).toBe(true);
  });

  test("is waited for by so many connections and no more", async () => {
    const { asked, keys } = asking();
    keys.missed("idp", "k1");
    const waiting = Array.from({ length: 1_000 }, () => keys.arrival());
    expect(keys.arrival()).toBeNull();
    for (const { answer } of asked) answer.resolve(false);
    await Promise.all(waiting);
    expect(keys.arrival()).toBeInstanceOf(Promise);
  });
});
