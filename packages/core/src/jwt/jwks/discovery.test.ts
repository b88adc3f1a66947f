import { expect, test } from "bun:test";
import fc from "fast-check";
import { CableError } from "../../errors.ts";
import { discoveryUrl, keysUrlIn } from "./discovery.ts";

const ISSUER = "https://id.example.com";
const keysUrl = (document: unknown) =>
  keysUrlIn(typeof document === "string" ? document : JSON.stringify(document), ISSUER, (url) =>
    url.startsWith("https://"),
  );

test("the document stands below the issuer, with or without its last slash", () => {
  const at = "https://id.example.com/.well-known/openid-configuration";
  expect(discoveryUrl(ISSUER)).toBe(at);
  expect(discoveryUrl(`${ISSUER}/`)).toBe(at);
  expect(discoveryUrl(`${ISSUER}/realms/a`)).toContain("/realms/a/.well-known/");
});

test("the document says where the keys are", () => {
  expect(keysUrl({ issuer: ISSUER, jwks_uri: "https://keys.example.com/k" })).toBe(
    "https://keys.example.com/k",
  );
});

test.each([
  ["no JSON", "not a JSON object"],
  [{ issuer: `${ISSUER}/`, jwks_uri: "https://a" }, "another issuer"],
  [{ jwks_uri: "https://a" }, "another issuer"],
  [{ issuer: ISSUER }, "no https URL"],
  [{ issuer: ISSUER, jwks_uri: 5 }, "no https URL"],
  [{ issuer: ISSUER, jwks_uri: "http://id.example.com/keys" }, "no https URL"],
])("%p is refused: %s", (document, why) => {
  expect(() => keysUrl(document)).toThrow(why);
});

test("any document has keys at a URL that is allowed, or is a fault", () => {
  const value = fc.oneof(
    fc.constantFrom<unknown>(ISSUER, "https://id.example.com/keys", "http://127.0.0.1"),
    fc.jsonValue(),
  );
  const document = fc
    .dictionary(fc.constantFrom("issuer", "jwks_uri", "x"), value)
    .map((any) => JSON.stringify(any));
  let found = 0;
  fc.assert(
    fc.property(fc.oneof(document, fc.string({ unit: "binary" }), fc.json()), (text) => {
      try {
        expect(keysUrl(text)).toStartWith("https://");
        found += 1;
      } catch (thrown) {
        if (!(thrown instanceof CableError)) throw thrown;
      }
    }),
    { numRuns: 1000 },
  );
  expect(found).toBeGreaterThan(5);
});
