import { expect, test } from "bun:test";
import { hmacHex } from "@hawser/server/drivers/crypto";
import { deriveKey } from "./derive.ts";

test("derives the keys that AnyCable derives from the same secret", () => {
  expect(deriveKey("qwerty", "broadcast", hmacHex)).toBe(
    "42923a28b760e667fc92f7c6123bb07a282822b329dd2ef48e7aee7830d98485",
  );
  expect(deriveKey("qwerty", "rpc", hmacHex)).toBe(
    "57c40610d142fe7d7999be4e23dfba4f42c3c542e1f278063e8e3b6a30b0c2bd",
  );
  expect(deriveKey("qwerty", "api", hmacHex)).toBe(
    "bdd0244b3664404d03b7d0c2f1b946dc4fc6c13fdcbfa2be62a4a28deb04d096",
  );
});
