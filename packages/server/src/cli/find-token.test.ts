import { describe, expect, test } from "bun:test";
import { findToken } from "./find-token.ts";

const TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJleHQiOiJ4In0.c2ln";

describe("the token in what somebody pasted", () => {
  test("is the text itself, without what was around it", () => {
    expect(findToken(TOKEN, "jid")).toBe(TOKEN);
    expect(findToken(`  ${TOKEN}\n`, "jid")).toBe(TOKEN);
    expect(findToken(`"${TOKEN}"`, "jid")).toBe(TOKEN);
    expect(findToken("anything else", "jid")).toBe("anything else");
  });

  test("is a parameter of a URL, by the configured name or the usual one", () => {
    expect(findToken(`wss://example.com/cable?a=1&jid=${TOKEN}&b=2`, "jid")).toBe(TOKEN);
    expect(findToken(`ws://h:8080/cable?token=${TOKEN}#x`, "token")).toBe(TOKEN);
    expect(findToken(`ws://h:8080/cable?jid=${TOKEN}`, "token")).toBe(TOKEN);
    expect(findToken(`/cable?jid=${TOKEN.replaceAll(".", "%2E")}`, "jid")).toBe(TOKEN);
    expect(findToken("wss://example.com/cable?x=1", "jid")).toBeNull();
    expect(findToken("wss://example.com/cable", "jid")).toBeNull();
  });

  test("is the value of a header, or an entry among sub-protocols", () => {
    expect(findToken(`X-JID: ${TOKEN}`, "jid")).toBe(TOKEN);
    expect(findToken(`Authorization: Bearer ${TOKEN}`, "jid")).toBe(TOKEN);
    expect(findToken(`Bearer ${TOKEN}`, "jid")).toBe(TOKEN);
    expect(findToken(`anycable-token.${TOKEN}`, "jid")).toBe(TOKEN);
    expect(findToken(`Sec-WebSocket-Protocol: actioncable-v1-json, anycable-token.${TOKEN}`, "jid")).toBe(
      TOKEN,
    );
  });
});
