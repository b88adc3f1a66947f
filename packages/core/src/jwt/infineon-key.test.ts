import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { isInfineonModulus } from "./infineon-key.ts";

const bigintOf = (base64url: string) => BigInt(`0x${Buffer.from(base64url, "base64url").toString("hex")}`);

test("a modulus of such a chip is known", () => {
  // C2SP/wycheproof json_web_key_test.json, rejectsKeyWithRocaVulnerability.
  const n =
    "AanFpofbj7KjD4Lf-N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPrId7fe4r11CqRw09yBFuW79V8" +
    "sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs3Z5ZaiQWOOzl1S9OhwAfSiiOwz6efnXEaxuTEtP" +
    "d7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iMUSP_wSyHQg_c_qHRtKUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQ" +
    "VZ-QYyE";
  expect(isInfineonModulus(bigintOf(n))).toBe(true);
});

test("powers of 65537 are known, and numbers beside them are not", () => {
  expect(isInfineonModulus(65537n ** 100n)).toBe(true);
  expect(isInfineonModulus(65537n ** 100n + 2n)).toBe(false);
});

test("keys that are made here are none", () => {
  for (let i = 0; i < 3; i++) {
    const { n } = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
    expect(isInfineonModulus(bigintOf(n!))).toBe(false);
  }
});
