import { describe, expect, test } from "bun:test";
import { withToken } from "./token-place.ts";

const HEADERS = { cookie: "a=1", REMOTE_ADDR: "192.0.2.1" };

describe("a fresh token", () => {
  test("takes the former one's place in the query, whatever else is there", () => {
    expect(withToken("ws://h/cable?x=1&jid=old&y=%2F", HEADERS, "jid", "new")).toEqual({
      url: "ws://h/cable?x=1&jid=new&y=%2F",
      headers: HEADERS,
    });
  });

  test("leaves none of several there, also not one whose name is escaped", () => {
    expect(withToken("/cable?jid=a&jid=b&%6aid=c&JID=d&jid", {}, "jid", "new").url).toBe(
      "/cable?jid=new&jid=new&%6aid=new&JID=d&jid=new",
    );
  });

  test("takes the former one's place in the header, and in a query that had another", () => {
    expect(withToken("/cable", { "x-jid": "old", ...HEADERS }, "JID", "new")).toEqual({
      url: "/cable",
      headers: { "x-jid": "new", ...HEADERS },
    });
    expect(withToken("/cable?jid=other", { "x-jid": "old" }, "jid", "new")).toEqual({
      url: "/cable?jid=new",
      headers: { "x-jid": "new" },
    });
  });

  test("that replaces none is a header, and the same one again changes nothing", () => {
    const told = withToken("/cable?x=%zz", HEADERS, "jid", "new");
    expect(told).toEqual({ url: "/cable?x=%zz", headers: { ...HEADERS, "x-jid": "new" } });
    expect(withToken(told.url, told.headers, "jid", "new")).toEqual(told);
    expect(withToken("/cable?jid=new", {}, "jid", "new")).toEqual({ url: "/cable?jid=new", headers: {} });
  });

  test("does not touch the headers that it is given", () => {
    const headers = Object.freeze({ "x-jid": "old" });
    withToken("/cable", headers, "jid", "new");
    expect(headers).toEqual({ "x-jid": "old" });
  });
});
