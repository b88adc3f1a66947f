import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../wire/strict-json.ts";
import { type Rotation, rotateKeys } from "./key-rotation.ts";

const NOW_S = 1_800_000_000;
const fresh = { kty: "oct", kid: "fresh", alg: "HS256", k: "AAAA" };

function rotate(keys: readonly JsonObject[], over: Partial<Rotation> = {}, rest: JsonObject = {}) {
  return rotateKeys(
    { ...rest, keys: [...keys] },
    { newKey: () => fresh, retire: null, revoke: null, overlapS: null, nowS: NOW_S, ...over },
  );
}

const old = { kty: "oct", kid: "old", k: "BBBB" };
const older = { kty: "oct", kid: "older", k: "CCCC", state: "verify-only" };

describe("a rotation", () => {
  test("puts a new key first, leaves the active one to verify, and touches no other", () => {
    const { set, changes } = rotate([old, older]);
    expect(set).toEqual({ keys: [fresh, { ...old, state: "verify-only" }, older] });
    expect(changes).toEqual(["fresh: new and active", "old: verify-only"]);
  });

  test("keeps what it does not understand", () => {
    expect(rotate([{ ...old, note: "ours" }], {}, { comment: "hi" }).set).toEqual({
      comment: "hi",
      keys: [fresh, { ...old, note: "ours", state: "verify-only" }],
    });
  });

  test("sets the last use of what was active, and puts none off", () => {
    const keys = (exp: object) => rotate([{ ...old, ...exp }], { overlapS: 3600 }).set.keys;
    expect(keys({})).toEqual([fresh, { ...old, state: "verify-only", exp: NOW_S + 3600 }]);
    expect(keys({ exp: NOW_S + 5 })).toEqual([fresh, { ...old, state: "verify-only", exp: NOW_S + 5 }]);
  });

  test("begins a set", () => {
    expect(rotate([])).toEqual({ set: { keys: [fresh] }, changes: ["fresh: new and active"] });
  });
});

describe("the end of a key", () => {
  test("makes no new one while another is active", () => {
    const { set, changes } = rotate([old, older], { retire: "older" });
    expect(set).toEqual({ keys: [old, { ...older, state: "retired" }] });
    expect(changes).toEqual(["older: retired"]);
    expect(rotate([old, older], { revoke: "older" }).changes).toEqual(["older: revoked"]);
  });

  test("makes a new one when it was the last that is active", () => {
    const { set, changes } = rotate([old, older], { retire: "old" });
    expect(set).toEqual({ keys: [fresh, { ...old, state: "retired" }, older] });
    expect(changes).toEqual(["fresh: new and active", "old: retired"]);
  });

  test("finds keys without a kid by their place, as a ring does", () => {
    const { kid: _kid, ...nameless } = older;
    expect(rotate([old, nameless], { retire: "key-2" }).set.keys).toEqual([
      old,
      { ...nameless, state: "retired" },
    ]);
  });

  test("of a name that is not there is an error that tells the names", () => {
    expect(() => rotate([old, older], { retire: "oldest" })).toThrow(
      'Cannot change the key "oldest": there is none of that name. There are "old", "older".',
    );
  });
});
