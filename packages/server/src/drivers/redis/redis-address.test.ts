import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseRedisAddress } from "./redis-address.ts";

const PLAIN = { socketPath: null, tls: false, username: null, password: null, db: 0, masterName: null };
const at = (host: string, port = 6379) => ({ host, port });

/** URL forms of the reference (rueidis url.go, anycable redis/config.go@1.6.16). */
const FORMS: readonly [text: string, expected: object][] = [
  ["localhost", { hosts: [at("localhost")] }],
  ["redis://localhost:6379/", { hosts: [at("localhost")] }],
  ["redis://h_1:7000/5", { hosts: [at("h_1", 7000)], db: 5 }],
  ["redis://h?db=3", { hosts: [at("h")], db: 3 }],
  ["rediss://u:p%40s@h", { hosts: [at("h")], tls: true, username: "u", password: "p@s" }],
  ["valkey://:p@h", { hosts: [at("h")], password: "p" }],
  ["valkeys://h", { hosts: [at("h")], tls: true }],
  ["redis://[::1]:1", { hosts: [at("::1", 1)] }],
  [
    "redis://u:p@a:1/2, b:3,redis://c",
    { hosts: [at("a", 1), at("b", 3), at("c")], username: "u", password: "p", db: 2 },
  ],
  ["redis://a?addr=b:2&addr=c", { hosts: [at("a"), at("b", 2), at("c")] }],
  ["redis://s:1?master_set=main&dial_timeout=5s", { hosts: [at("s", 1)], masterName: "main" }],
  ["unix:///run/redis.sock?db=1", { hosts: [at("", 0)], socketPath: "/run/redis.sock", db: 1 }],
];

describe("the address of Redis", () => {
  test.each(FORMS)("%s", (text, expected) => {
    expect(parseRedisAddress(text)).toMatchObject({ ok: true, value: { ...PLAIN, ...expected } });
  });

  test.each([
    "",
    "http://h",
    "redis://",
    "redis://h/x",
    "redis://h/1/2",
    "redis://h:port",
    "a,,b",
    "redis://%@h",
  ])("%p is none", (text) => {
    expect(parseRedisAddress(text).ok).toBe(false);
  });

  test("is read or refused, whatever it is, in words that do not hold it", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.constantFrom("", "redis://", "rediss://u:c4n4ry@"),
        (text, start) => {
          const parsed = parseRedisAddress(`${start}${text}`);
          if (!parsed.ok) expect(parsed.why).not.toContain("c4n4ry");
        },
      ),
    );
  });
});
