import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { createMessageKey } from "@hawser/server/drivers/message-key";
import fc from "fast-check";
import type { JsonValue } from "../wire/strict-json.ts";
import { signMessage, verifyMessage } from "./message.ts";

const key = createMessageKey("one", "s3Krit");
const another = createMessageKey("two", "qwerty");

/** The signature that an owner of the secret gives for any text, as it stands. */
const signed = (encoded: string, secret = "s3Krit") =>
  `${encoded}--${createHmac("sha256", secret).update(encoded, "utf8").digest("hex")}`;
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("verifyMessage()", () => {
  test("gives back what was signed, and the key that it was signed with", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (payload) => {
        // Through text, because JSON has no -0.
        const plain = JSON.parse(JSON.stringify(payload));
        expect(verifyMessage(signMessage(plain as JsonValue, key), [another, key])).toEqual({
          verified: true,
          payload: plain,
          key,
        });
      }),
    );
  });

  test("refuses it under any other key, and without one", () => {
    const message = signMessage("chat", key);
    expect(verifyMessage(message, [another])).toMatchObject({ verified: false });
    expect(verifyMessage(message, [])).toMatchObject({ verified: false });
  });

  test("refuses it when one character is another", () => {
    const message = signMessage("chat:2021", key);
    fc.assert(
      fc.property(fc.nat(message.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        const changed = message.slice(0, at) + character + message.slice(at + 1);
        fc.pre(changed !== message);
        expect(verifyMessage(changed, [key])).toMatchObject({ verified: false });
      }),
      { numRuns: 2000 },
    );
  });

  test("takes any string without throwing, and none that was not signed", () => {
    const part = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("--", "-", "=", "\n", "\u0000", "e30", "ImEi"),
      fc.stringMatching(/^[0-9a-f]{64}$/),
      fc.base64String(),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        expect(verifyMessage(parts.join(""), [key, another])).toMatchObject({ verified: false });
      }),
      { numRuns: 5000 },
    );
  });

  test("takes what its owner signed exactly when it is base64 of JSON", () => {
    const json = fc.jsonValue().map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(fc.oneof(json, fc.string({ unit: "binary", maxLength: 20 })), (text) => {
        let payload: JsonValue | undefined;
        try {
          payload = JSON.parse(text);
        } catch {
          // Not JSON: to be refused.
        }
        const verdict = verifyMessage(signed(base64(text)), [key]);
        if (payload === undefined) expect(verdict).toMatchObject({ verified: false });
        else expect(verdict).toEqual({ verified: true, payload, key });
      }),
      { numRuns: 1000 },
    );
  });

  const encoded = base64('"chat:2021"');

  test.each([
    ["nothing", ""],
    ["no signature", encoded],
    ["an empty signature", `${encoded}--`],
    ["a signature without a message", signed("")],
    ["one dash", signed(encoded).replace("--", "-")],
    ["a signature in capitals", encoded + signed(encoded).slice(encoded.length).toUpperCase()],
    ["a SHA-1 signature", `${encoded}--${createHmac("sha1", "s3Krit").update(encoded).digest("hex")}`],
    [
      "a signature in base64",
      `${encoded}--${createHmac("sha256", "s3Krit").update(encoded).digest("base64")}`,
    ],
    ["something after the signature", `${signed(encoded)} `],
    ["a third part", `${signed(encoded)}--${"0".repeat(64)}`],
    ["a signature of the decoded text", `${encoded}--${signed('"chat:2021"').split("--")[1]}`],
    ["text that is not base64, well signed", signed('"chat:2021"')],
    ["base64 that is not JSON, well signed", signed(base64("chat"))],
    ["base64 that is not UTF-8, well signed", signed(Buffer.from([0x22, 0xff, 0x22]).toString("base64"))],
    ["base64 of too many brackets, well signed", signed(base64("[".repeat(100_000)))],
  ])("refuses %s", (_, message) => {
    expect(verifyMessage(message, [key])).toMatchObject({ verified: false });
  });

  test("refuses what the same secret signed for other purposes", () => {
    const header = Buffer.from('{"alg":"HS256"}').toString("base64url");
    const token = `${header}.${Buffer.from('"chat"').toString("base64url")}`;
    for (const text of [token, "broadcast-cable", "rpc-cable", "api-cable"]) {
      expect(verifyMessage(signed(text), [key])).toMatchObject({ verified: false });
    }
  });

  test("takes both alphabets, padded or not, and line breaks (D16)", () => {
    for (const text of ['"~~~???>>>"', '"a"', '"ab"', '"s！"', '"чат/2024 ？"']) {
      const standard = base64(text);
      const urlSafe = Buffer.from(text).toString("base64url");
      for (const form of [standard, urlSafe, urlSafe.padEnd(standard.length, "="), `${standard}\n`]) {
        expect(verifyMessage(signed(form), [key])).toMatchObject({ payload: JSON.parse(text) });
      }
    }
  });

  test("finds the signature behind a name whose own base64 holds two dashes", () => {
    const text = Buffer.from('"aac！"').toString("base64url");
    expect(text).toContain("--");
    expect(verifyMessage(signed(text), [key])).toMatchObject({ verified: true, payload: "aac！" });
  });

  test("takes space around the JSON, and keys longer than a block of the hash", () => {
    const long = "k".repeat(200);
    expect(verifyMessage(signed(base64(' "a"\n')), [key])).toMatchObject({ payload: "a" });
    expect(verifyMessage(signed(base64('"a"'), long), [createMessageKey("long", long)])).toMatchObject({
      payload: "a",
    });
  });
});
