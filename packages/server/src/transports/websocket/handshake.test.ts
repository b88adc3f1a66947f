import { describe, expect, test } from "bun:test";
import { originCheck } from "@hawser/core/protocol/origins";
import fc from "fast-check";
import { readCredentials } from "../http/credentials.ts";
import { parseQuery } from "../http/query.ts";
import { checkHandshake, readOffer, refusalResponse } from "./handshake.ts";

const ANY_ORIGIN = originCheck([]);
const GOOD: Readonly<Record<string, string>> = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** The handshake with these differences; null takes a header away. */
function check(headers: Record<string, string | null> = {}, method = "GET", origins = ANY_ORIGIN) {
  const all = Object.entries({ ...GOOD, ...headers }).filter(
    (pair): pair is [string, string] => pair[1] !== null,
  );
  return checkHandshake(new Request("http://h/cable", { method, headers: all }), origins);
}

describe("a handshake", () => {
  test("is let through when it is one", () => {
    expect(check()).toBeNull();
  });

  test.each([
    { Connection: "keep-alive, Upgrade" },
    { Connection: "UPGRADE" },
    { Connection: "upgrade,keep-alive" },
    { Upgrade: "WebSocket" },
    { Upgrade: "h2c, websocket" },
    { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAA+w==" },
  ])("may say it as %p", (headers) => {
    expect(check(headers)).toBeNull();
  });

  test.each([
    [{ Connection: null }, 400],
    [{ Connection: "keep-alive" }, 400],
    [{ Connection: "upgraded" }, 400],
    [{ Upgrade: null }, 400],
    [{ Upgrade: "h2c" }, 400],
    [{ "Sec-WebSocket-Version": null }, 400],
    [{ "Sec-WebSocket-Version": "8" }, 400],
    [{ "Sec-WebSocket-Version": "130" }, 400],
    [{ "Sec-WebSocket-Key": null }, 400],
    [{ "Sec-WebSocket-Key": "" }, 400],
    [{ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ" }, 400],
    [{ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=A" }, 400],
    [{ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j-Q==" }, 400],
    [{ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQdGhlIHNhbXBsZSBub25jZQ==" }, 400],
  ])("with %p is refused with %d", (headers, status) => {
    expect(check(headers)).toEqual({ status } as never);
  });

  test("is refused with 405 for another method, but only once it asks for an upgrade", () => {
    expect(check({}, "POST")).toEqual({ status: 405 });
    expect(check({ Upgrade: null }, "POST")).toEqual({ status: 400 });
    expect(check({ "Sec-WebSocket-Version": "8" }, "POST")).toEqual({ status: 405 });
  });

  test("is refused with 403 for its origin, after the version and before the key", () => {
    const origins = originCheck(["good.example"]);
    const Origin = "https://evil.example";
    expect(check({ Origin }, "GET", origins)).toEqual({ status: 403 });
    expect(check({ Origin, "Sec-WebSocket-Key": null }, "GET", origins)).toEqual({ status: 403 });
    expect(check({ Origin, "Sec-WebSocket-Version": "8" }, "GET", origins)).toEqual({ status: 400 });
    expect(check({ Origin: "https://good.example" }, "GET", origins)).toBeNull();
  });

  test.each([
    [400, "Bad Request\n"],
    [403, "Forbidden\n"],
    [405, "Method Not Allowed\n"],
  ] as const)("that is refused with %d is answered as the reference does", async (status, text) => {
    const response = refusalResponse({ status });
    expect(response.status).toBe(status);
    expect(await response.text()).toBe(text);
    expect(Object.fromEntries(response.headers)).toEqual({
      "content-type": "text/plain; charset=utf-8",
      "sec-websocket-version": "13",
      "x-content-type-options": "nosniff",
    });
  });
});

describe("what is offered", () => {
  test.each([null, "", "  ", ",", "graphql-ws", "actioncable-unsupported", "ACTIONCABLE-V1-JSON"])(
    "chooses nothing of %p",
    (header) => {
      expect(readOffer(header)).toEqual({ subprotocol: null, token: null });
    },
  );

  test.each([
    ["actioncable-v1-json, actioncable-unsupported", "actioncable-v1-json"],
    ["actioncable-v1-ext-json,actioncable-v1-json", "actioncable-v1-json"],
    ["x,actioncable-v1-ext-json", "actioncable-v1-ext-json"],
  ])("of %s chooses by our order: %s", (header, name) => {
    expect(readOffer(header).subprotocol?.name).toBe(name as never);
  });

  test.each([
    ["anycable-token.abc", "abc"],
    ["actioncable-v1-json, anycable-token.a.b-c", "a.b-c"],
    ["anycable-token.first,anycable-token.second", "first"],
    ["anycable-token.", null],
    ["anycable-token.,anycable-token.second", null],
    ["Anycable-Token.abc", null],
    ["anycable-tokenabc", null],
  ])("has in %s the token %p, and never chooses it", (header, token) => {
    const offer = readOffer(header);
    expect(offer.token).toBe(token);
    expect(offer.subprotocol?.name ?? "").not.toContain("token");
  });
});

describe("any headers", () => {
  /** Characters that a header's value may have: Latin-1 without controls. */
  const value = fc.oneof(
    fc.constantFrom(
      "Upgrade",
      "websocket",
      "13",
      GOOD["Sec-WebSocket-Key"] as string,
      "https://good.example",
      ",",
    ),
    fc.string({
      unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
      maxLength: 40,
    }),
  );
  const names = [...Object.keys(GOOD), "Origin"];

  test("make a handshake or a refusal, and only those of RFC 6455 and an allowed origin make a handshake", () => {
    const origins = originCheck(["good.example"]);
    const given = fc.tuple(
      ...names.map((name) => fc.tuple(fc.constant(name), fc.option(value), fc.boolean())),
    );
    let accepted = 0;
    fc.assert(
      fc.property(given, (rows) => {
        const good: Readonly<Record<string, string>> = { ...GOOD, Origin: "https://good.example" };
        const headers = Object.fromEntries(
          rows.map(([name, text, keep]) => [name, keep ? (good[name] ?? null) : text]),
        );
        const refusal = check(headers, "GET", origins);
        if (refusal !== null) {
          expect([400, 403, 405]).toContain(refusal.status);
          return;
        }
        accepted += 1;
        expect(headers.Connection).toMatch(/upgrade/i);
        expect(headers.Upgrade).toMatch(/websocket/i);
        expect(headers["Sec-WebSocket-Version"]?.trim()).toBe("13");
        expect(Buffer.from(headers["Sec-WebSocket-Key"] ?? "", "base64")).toHaveLength(16);
        expect(headers.Origin?.trim()).toBe("https://good.example");
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(10);
  });

  test("give credentials that stand in one of them, or none", () => {
    const query = fc
      .dictionary(fc.constantFrom("jid", "x"), value)
      .map((pairs) => new URLSearchParams(pairs));
    fc.assert(
      fc.property(fc.option(value), fc.option(value), query, (header, offered, search) => {
        const headers = new Headers(header === null ? {} : { "X-JID": header });
        const found = readCredentials("jid", headers, readOffer(offered), parseQuery(search.toString()));
        const source = { header, subprotocol: offered, query: search.get("jid"), message: null, none: "" };
        expect(source[found.carrier]).toContain(found.token ?? "");
        expect(found.token === null).toBe(found.carrier === "none");
      }),
      { numRuns: 1000 },
    );
  });
});
