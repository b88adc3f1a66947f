import { describe, expect, test } from "bun:test";
import { corsHeaders } from "./cors.ts";

const ORIGIN = "Access-Control-Allow-Origin";

describe("the headers for pages of other origins", () => {
  test("name any origin where none is listed", () => {
    for (const origin of [null, "null", "https://any.example"]) {
      expect(corsHeaders([])(origin)[ORIGIN]).toBe("*");
    }
  });

  test.each([
    ["https://good.example", "https://good.example"],
    ["HTTPS://Good.Example", "https://good.example"],
    ["https://a.wild.example", "https://a.wild.example"],
    ["https://wild.example", undefined],
    ["https://good.example:8080", undefined],
    ["null", undefined],
    [null, undefined],
  ])("name %p as %p where some are listed", (origin, named) => {
    expect(corsHeaders(["good.example", "*.wild.example"])(origin)[ORIGIN]).toBe(named as string);
  });

  test("name the page's own origin where all are listed", () => {
    expect(corsHeaders(["*"])("https://any.example")[ORIGIN]).toBe("https://any.example");
    expect(corsHeaders(["*"])(null)[ORIGIN]).toBe(undefined as unknown as string);
  });

  test("say the rest in any case", () => {
    for (const headers of [corsHeaders([])(null), corsHeaders(["good.example"])("https://evil.example")]) {
      expect(headers).toMatchObject({
        "Access-Control-Allow-Methods": "POST, OPTIONS",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Headers":
          "Origin, X-Requested-With, X-Request-ID, Content-Type, Accept, X-CSRF-Token, Authorization",
      });
    }
  });
});
