import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { filterCookies, proxiedHeaders } from "./proxied-headers.ts";

const PEER = "192.0.2.1";

describe("the headers that the application is told", () => {
  test("are those that are named, under their lower-case names, and the peer's address", () => {
    const headers = new Headers({ Cookie: "a=1", "X-Foo": "bar", "X-Other": "no" });
    expect(proxiedHeaders({ names: ["cookie", "x-foo"], cookies: [] }, headers, PEER, null)).toEqual({
      cookie: "a=1",
      "x-foo": "bar",
      REMOTE_ADDR: PEER,
    });
  });

  test("leave out what the client did not send, or sent empty", () => {
    const headers = new Headers({ "X-Empty": "" });
    expect(proxiedHeaders({ names: ["cookie", "x-empty"], cookies: [] }, headers, PEER, null)).toEqual({
      REMOTE_ADDR: PEER,
    });
  });

  test("cannot be given another address by the client", () => {
    const headers = new Headers({ REMOTE_ADDR: "203.0.113.9" });
    const proxied = proxiedHeaders({ names: ["remote_addr"], cookies: [] }, headers, PEER, null);
    expect(proxied.REMOTE_ADDR).toBe(PEER);
  });

  test("never hold verified claims that the client wrote itself", () => {
    const headers = new Headers({ "X-JWT-Identity": "forged", "X-Foo": "bar" });
    expect(proxiedHeaders({ names: ["x-jwt-identity", "x-foo"], cookies: [] }, headers, PEER, null)).toEqual({
      "x-foo": "bar",
      REMOTE_ADDR: PEER,
    });
  });

  test("hold the token under its own name, which counts more than a header of that name", () => {
    const headers = new Headers({ "X-JID": "header" });
    const token = { header: "x-jid", value: "token" };
    expect(proxiedHeaders({ names: ["x-jid"], cookies: [] }, headers, PEER, token)["x-jid"]).toBe("token");
  });

  test("have only the cookies that are named, and no header where there is none of them", () => {
    const headers = new Headers({ Cookie: "a=1; b=2; c=3" });
    const names = ["cookie"];
    expect(proxiedHeaders({ names, cookies: ["c", "a"] }, headers, PEER, null).cookie).toBe("a=1;c=3;");
    expect(proxiedHeaders({ names, cookies: ["x"] }, headers, PEER, null)).toEqual({ REMOTE_ADDR: PEER });
  });
});

describe("filterCookies()", () => {
  test.each([
    ["yummy_cookie=raisin; tasty=strawberry", ["yummy_cookie"], "yummy_cookie=raisin;"],
    ["a=1; b=2; c=3; d=x=y", ["a", "b"], "a=1;b=2;"],
    ["d=x=y", ["d"], "d=x=y;"],
    ["d=", ["d"], "d=;"],
    ["a=1;b=2", ["b"], "b=2;"],
    ["a=1; a=2", ["a"], "a=1;a=2;"],
    ["A=1", ["a"], ""],
    ["ab=1", ["a"], ""],
    ["a", ["a"], ""],
    ["=1", [""], ""],
    ["a=1; ; ;", ["a"], "a=1;"],
  ])("keeps of %s the cookies %p: %p", (header, names, kept) => {
    expect(filterCookies(header, names)).toBe(kept);
  });

  test("keeps the header as it is where no names are given", () => {
    expect(filterCookies("a=1; b", [])).toBe("a=1; b");
  });
});

test("of any Cookie header only cookies of the given names are kept, as they were", () => {
  const names = ["a", "session", "__proto__"];
  const piece = fc.oneof(
    fc.constantFrom("a", "session", "__proto__", "b", "=", ";", "; ", " ", '"', "é"),
    fc.string(),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }).map((all) => all.join("")),
      (header) => {
        const kept = filterCookies(header, names);
        for (const pair of kept.split(";").slice(0, -1)) {
          expect(header).toContain(pair);
          expect(names).toContain(pair.slice(0, pair.indexOf("=")));
        }
      },
    ),
    { numRuns: 2000 },
  );
});
