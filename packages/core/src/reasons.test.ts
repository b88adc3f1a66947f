import { expect, test } from "bun:test";
import { AUTH_REASONS, type AuthReason, authFarewell } from "./reasons.ts";

const REASONS = Object.keys(AUTH_REASONS) as AuthReason[];

test("farewells are the table's, unless options or circumstances say otherwise", () => {
  for (const reason of REASONS) {
    const farewell = authFarewell(reason, { retiredAs: "token_expired", forgedMayReturn: false });
    expect(farewell).toBe(AUTH_REASONS[reason]);
  }
});

test("the bearers of retired keys' tokens, and nobody else, hear what the option says", () => {
  for (const reason of REASONS) {
    const { wire } = authFarewell(reason, { retiredAs: "unauthorized", forgedMayReturn: false });
    expect(wire).toBe(reason === "key_retired" ? "unauthorized" : AUTH_REASONS[reason].wire);
  }
});

test("who has a wrong signature, and nobody else, may come again while secrets differ", () => {
  for (const reason of REASONS) {
    const farewell = authFarewell(reason, { retiredAs: "token_expired", forgedMayReturn: true });
    expect(farewell).toEqual({ ...AUTH_REASONS[reason], reconnect: reason === "bad_signature" });
  }
});
