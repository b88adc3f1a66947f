import { describe, expect, test } from "bun:test";
import { readOffer } from "../websocket/handshake.ts";
import { hasTwoTokens, readCredentials } from "./credentials.ts";
import { parseQuery } from "./query.ts";

describe("credentials", () => {
  const read = (parts: { header?: string; offered?: string | null; query?: string; param?: string }) => {
    const param = parts.param ?? "jid";
    const headers = new Headers(parts.header === undefined ? {} : { [`X-${param}`]: parts.header });
    return readCredentials(param, headers, readOffer(parts.offered ?? null), parseQuery(parts.query ?? ""));
  };
  const offered = "anycable-token.o";

  test("come from the header before the sub-protocol before the query", () => {
    expect(read({ header: "h", offered, query: "jid=q" })).toMatchObject({ token: "h", carrier: "header" });
    expect(read({ offered, query: "jid=q" })).toMatchObject({ token: "o", carrier: "subprotocol" });
    expect(read({ query: "jid=q" })).toMatchObject({ token: "q", carrier: "query" });
    expect(read({})).toEqual({ token: null, carrier: "none", queryMalformed: false });
  });

  test("that are empty are none", () => {
    expect(read({ header: "", offered, query: "jid=q" })).toMatchObject({ token: "o" });
    expect(read({ offered: "anycable-token.", query: "jid=q" })).toMatchObject({ token: "q" });
    expect(read({ query: "jid=" })).toMatchObject({ token: null, carrier: "none" });
  });

  test("are the first value of the query, whatever follows", () => {
    expect(read({ query: "jid=a&jid=b" }).token).toBe("a");
    expect(read({ query: "jid=&jid=b" }).token).toBeNull();
  });

  test("have the name that is set: as it is in the query, in lower case in the header", () => {
    expect(read({ param: "Token", query: "Token=q" }).token).toBe("q");
    expect(read({ param: "Token", query: "token=q" }).token).toBeNull();
    expect(read({ param: "Token", header: "h" }).token).toBe("h");
    expect(read({ query: "JID=q" }).token).toBeNull();
  });

  test.each(["jid=q&x=%zz", "x=%zz&jid=q", "jid=%zz", "jid=q;x", "a;b"])(
    "are not taken from the query %s, which cannot be parsed; the other carriers do not mind",
    (query) => {
      expect(read({ query })).toEqual({ token: null, carrier: "none", queryMalformed: true });
      expect(read({ query, header: "h" })).toEqual({ token: "h", carrier: "header", queryMalformed: false });
      expect(read({ query, offered })).toEqual({ token: "o", carrier: "subprotocol", queryMalformed: false });
    },
  );
});

describe("two different tokens in one request", () => {
  const two = (parts: { header?: string; offered?: string; query?: string }) =>
    hasTwoTokens(
      "jid",
      new Headers(parts.header === undefined ? {} : { "x-jid": parts.header }),
      readOffer(parts.offered ?? null),
      parseQuery(parts.query ?? ""),
    );

  test("are seen wherever they are", () => {
    expect(two({ header: "a", query: "jid=b" })).toBe(true);
    expect(two({ header: "a", offered: "anycable-token.b" })).toBe(true);
    expect(two({ offered: "anycable-token.a", query: "x=1&jid=b" })).toBe(true);
    expect(two({ query: "jid=a&jid=b" })).toBe(true);
  });

  test("are not the same one twice, an empty one, or another parameter", () => {
    expect(two({ header: "a", offered: "anycable-token.a", query: "jid=a" })).toBe(false);
    expect(two({ header: "a", query: "jid=" })).toBe(false);
    expect(two({ header: "a", query: "token=b" })).toBe(false);
    expect(two({})).toBe(false);
  });
});
