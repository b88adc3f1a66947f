import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  chooseSubprotocol,
  parseSubprotocols,
  SUBPROTOCOLS,
  TOKEN_SUBPROTOCOL_PREFIX,
  tokenOfSubprotocols,
} from "./subprotocols.ts";

const entry = fc.oneof(
  fc.constantFrom(
    ...SUBPROTOCOLS.map(({ name }) => name as string),
    "actioncable-unsupported",
    TOKEN_SUBPROTOCOL_PREFIX,
  ),
  fc.string({ unit: "binary" }),
  fc.string({ unit: "binary" }).map((token) => TOKEN_SUBPROTOCOL_PREFIX + token),
);

test("of any offer one of ours that stands in it is chosen, or none, and never what holds a token", () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), fc.constantFrom(",", ", ", " ,\t"), (entries, comma) => {
      const offered = parseSubprotocols(entries.join(comma));
      const chosen = chooseSubprotocol(offered);
      if (chosen === null) {
        for (const { name } of SUBPROTOCOLS) expect(offered).not.toContain(name);
      } else {
        expect(SUBPROTOCOLS).toContain(chosen);
        expect(offered).toContain(chosen.name);
      }
      const token = tokenOfSubprotocols(offered);
      expect(token).not.toBe("");
      if (token !== null) expect(offered).toContain(TOKEN_SUBPROTOCOL_PREFIX + token);
    }),
    { numRuns: 1000 },
  );
});
