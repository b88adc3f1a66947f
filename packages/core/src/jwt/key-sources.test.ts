import { expect, test } from "bun:test";
import { secretFromText } from "./key-material.ts";
import { KeySources } from "./key-sources.ts";
import { createKeyRing, type KeySpec } from "./keyring.ts";
import { RingHolder } from "./ring-holder.ts";

const key = (name: string, more: Partial<KeySpec> = {}): KeySpec => ({
  ...{ name, kid: null, algorithms: ["HS256"], material: secretFromText(name), state: "active" },
  ...more,
});

function withSources() {
  const holder = new RingHolder(createKeyRing([]));
  return {
    holder,
    sources: new KeySources(holder),
    names: () => holder.current().keys.map(({ name }) => name),
  };
}

test("the ring is of the keys of all sources, each replaced by itself", () => {
  const { sources, names, holder } = withSources();
  sources.put("options", [key("a")]);
  sources.put("file", [key("b"), key("c")]);
  expect(names()).toEqual(["a", "b", "c"]);
  sources.put("options", [key("d")]);
  expect(names()).toEqual(["d", "b", "c"]);
  sources.put("file", []);
  expect(names()).toEqual(["d"]);
  expect(holder.generation).toBe(5);
});

test("keys of one name get names of their own, the first keeping its", () => {
  const { sources, names } = withSources();
  sources.put("options", [key("secret")]);
  sources.put("file", [key("secret"), key("secret-2"), key("secret")]);
  expect(names()).toEqual(["secret", "secret-2", "secret-2-2", "secret-3"]);
});

test("keys that make no ring change nothing", () => {
  const { sources, names, holder } = withSources();
  sources.put("file", [key("a")]);
  expect(() => sources.put("file", [key("b", { algorithms: [] })])).toThrow("bound to no algorithm");
  expect(names()).toEqual(["a"]);
  sources.put("options", [key("c")]);
  expect(names()).toEqual(["a", "c"]);
  expect(holder.generation).toBe(3);
});
