import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { REDACTED, redactHeaders, redactUrl, scrubTokens } from "./redact.ts";

const HEADER = "eyJhbGciOiJIUzI1NiJ9";
const PAYLOAD = "eyJleHQiOiJjYW5hcnktZXh0In0";
const SIGNATURE = "c2lnbmF0dXJlLW9mLXRoZS1jYW5hcnk";
const CANARY = `${HEADER}.${PAYLOAD}.${SIGNATURE}`;

/** No part of the canary that says more than "this is a JWT". */
function expectNoCanary(text: string): void {
  expect(text).not.toContain(PAYLOAD.slice(0, 12));
  expect(text).not.toContain(SIGNATURE.slice(0, 12));
}

describe("scrubbing text", () => {
  test.each([
    ["alone", CANARY, REDACTED],
    ["in a sentence", `token ${CANARY} was refused`, `token ${REDACTED} was refused`],
    ["in quotes", `"jid":"${CANARY}","x":1`, `"jid":"${REDACTED}","x":1`],
    ["in a query", `http://h/cable?a=1&jid=${CANARY}&b=2`, `http://h/cable?a=1&jid=${REDACTED}&b=2`],
    ["behind a sub-protocol", `anycable-token.${CANARY}, x`, `anycable-token.${REDACTED}, x`],
    ["twice", `${CANARY} ${CANARY}`, `${REDACTED} ${REDACTED}`],
    ["without a signature", `${HEADER}.${PAYLOAD}`, REDACTED],
    ["with an empty signature", `${HEADER}.${PAYLOAD}.`, REDACTED],
    ["padded", `${HEADER}==.${PAYLOAD}=.${SIGNATURE}= end`, `${REDACTED} end`],
    ["with its dots escaped", CANARY.replaceAll(".", "%2E"), REDACTED],
    ["with its dots escaped in lower case", CANARY.replaceAll(".", "%2e"), REDACTED],
    ["encrypted, in five segments", `${HEADER}.a.b.c.d`, REDACTED],
    ["behind half an escape", `%2${CANARY}`, `%2${REDACTED}`],
    ["glued to other text", `abc${CANARY}`, `abc${REDACTED}`],
  ])("replaces a token %s", (_where, text, scrubbed) => {
    expect(scrubTokens(text)).toBe(scrubbed);
  });

  test("replaces the signature of a stream's name, also one that was cut off", () => {
    const digest = "f9ee45dbccb1da04d8ceb99cc820207804370ba0d06b46fc3b8b373af1315628";
    const name = `ImNoYXQ6MjAyMSI=--${REDACTED}`;
    expect(scrubTokens(`subscribed to ImNoYXQ6MjAyMSI=--${digest}"}`)).toBe(`subscribed to ${name}"}`);
    expect(scrubTokens(`ImNoYXQ6MjAyMSI=--${digest.slice(0, 20)}`)).toBe(name);
    expect(scrubTokens("--secret=abc -- 0123")).toBe("--secret=abc -- 0123");
  });

  test("knows headers that begin with white space inside the brace", () => {
    for (const json of [
      '{ "alg":"HS256" }',
      '{\n  "alg":"HS256"}',
      '{\r\n"alg":"HS256"}',
      '{\t"alg":"HS256"}',
      '{  "alg":"HS256"}',
    ]) {
      const token = `${Buffer.from(json).toString("base64url")}.${PAYLOAD}.${SIGNATURE}`;
      expect(scrubTokens(`x ${token}`)).toBe(`x ${REDACTED}`);
    }
  });

  test.each([
    "",
    "RPC controller initialized: localhost:50051 (concurrency: 28)",
    "http://keys.example.com/path/to.file?key=1.2.3",
    "monkeyBusinessWithAVeryLongName.method.call",
    "eyJ.a.b",
    "MyKeyJsonStore.read",
    "they.knew.new.keys",
    "node@1.6.16",
  ])("leaves %j as it is", (text) => {
    expect(scrubTokens(text)).toBe(text);
  });

  test("leaves no part of a token wherever it stands in a text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (before, after) => {
        expectNoCanary(scrubTokens(`${before} ${CANARY} ${after}`));
        expectNoCanary(scrubTokens(`${before}${CANARY}${after}`));
      }),
    );
  });

  test("leaves nothing but the header of a token cut anywhere", () => {
    for (let length = 0; length <= CANARY.length; length++)
      expectNoCanary(scrubTokens(CANARY.slice(0, length)));
  });

  test("needs time in proportion to the text, also for text made to be slow", () => {
    for (const text of [
      "eyJ".repeat(300_000),
      "eyJ.".repeat(200_000),
      "%2".repeat(300_000),
      `${"a.".repeat(300_000)}eyJ`,
    ]) {
      const start = performance.now();
      scrubTokens(text);
      expect(performance.now() - start).toBeLessThan(1_000);
    }
  });
});

describe("redacting URLs", () => {
  test.each([
    ["/cable?jid=secret", "/cable?jid=[redacted]"],
    ["ws://h:1/cable?a=1&jid=secret&b=2#frag", "ws://h:1/cable?a=1&jid=[redacted]&b=2#frag"],
    ["/cable?jid=one&jid=two", "/cable?jid=[redacted]&jid=[redacted]"],
    ["/cable?JID=secret", "/cable?JID=[redacted]"],
    ["/cable?%6Aid=secret", "/cable?%6Aid=[redacted]"],
    ["/cable?x=1;jid=secret", "/cable?x=1;jid=[redacted]"],
    ["/cable??jid=secret", "/cable??jid=[redacted]"],
    ["/cable?%zz=1&jid=a=b=c", "/cable?%zz=1&jid=[redacted]"],
    ["/cable?jid", "/cable?jid"],
    ["/cable?jidx=1&xjid=2", "/cable?jidx=1&xjid=2"],
    ["/cable", "/cable"],
    ["redis://user:pass@h:6379/0", "redis://[redacted]@h:6379/0"],
    ["https://h/a@b?c=d@e", "https://h/a@b?c=d@e"],
  ])("%s becomes %s", (url, safe) => {
    expect(redactUrl(url, ["jid"])).toBe(safe);
  });

  test("takes a token out of any other place as well", () => {
    for (const url of [`/t/${CANARY}`, `/cable?token=${CANARY}`, `/cable#${CANARY}`, `/cable?${CANARY}`]) {
      expectNoCanary(redactUrl(url, ["jid"]));
    }
  });

  test("compares the name without case, however the option is written", () => {
    expect(redactUrl("/cable?token=x", ["Token"])).toBe("/cable?token=[redacted]");
  });
});

describe("redacting headers", () => {
  test("leaves no token and no cookie in any header", () => {
    const safe = redactHeaders(
      {
        "X-JID": CANARY,
        Authorization: `Bearer ${CANARY}`,
        Cookie: `session=abc; jid=${CANARY}`,
        "Sec-WebSocket-Protocol": `actioncable-v1-json, anycable-token.${CANARY}`,
        Referer: `https://h/page?jid=${CANARY}`,
        "X-Custom": CANARY,
        "x-jwt-identity": PAYLOAD,
        Origin: "https://h",
      },
      "jid",
    );
    expectNoCanary(JSON.stringify(safe));
    expect(safe).toEqual({
      "X-JID": REDACTED,
      Authorization: REDACTED,
      Cookie: REDACTED,
      "Sec-WebSocket-Protocol": `actioncable-v1-json, anycable-token.${REDACTED}`,
      Referer: `https://h/page?jid=${REDACTED}`,
      "X-Custom": REDACTED,
      "x-jwt-identity": REDACTED,
      Origin: "https://h",
    });
  });

  test("takes out a token in its own header and sub-protocol though it is no JWT", () => {
    const headers = {
      "sec-websocket-protocol": "anycable-token.opaque",
      "x-token": "opaque",
      "X-JID": "other",
    };
    expect(redactHeaders(headers, "Token")).toEqual({
      "sec-websocket-protocol": `anycable-token.${REDACTED}`,
      "x-token": REDACTED,
      "X-JID": "other",
    });
  });

  test("takes out a token offered as a sub-protocol without the prefix", () => {
    expect(redactHeaders({ "sec-websocket-protocol": `jwt, ${CANARY}` }, "jid")).toEqual({
      "sec-websocket-protocol": `jwt, ${REDACTED}`,
    });
  });
});
