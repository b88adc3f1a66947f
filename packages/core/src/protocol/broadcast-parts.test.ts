import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { broadcastParts } from "./broadcast-parts.ts";
import { broadcastFrame, broadcastHead, broadcastTail } from "./replies.ts";

const text = fc.string({ unit: "binary", maxLength: 12 });
/** Strings and objects that look like the end of a frame. */
const TAIL_LIKE = [
  '{"a":1,"stream_id":"x","epoch":"e","offset":5}',
  '[{"stream_id":"x","epoch":"e","offset":5}]',
  JSON.stringify(',"stream_id":"x","epoch":"e","offset":5}'),
  JSON.stringify('"},"stream_id":"'),
  '{"message":{"stream_id":"y"}}',
  '""',
];
const message = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.jsonValue().map((value) => JSON.stringify(value, null, 1)),
  fc.constantFrom(...TAIL_LIKE),
);
const position = fc.option(fc.record({ epoch: text, offset: fc.integer({ min: 1 }) }));
const name = fc.oneof(text, fc.constantFrom(...TAIL_LIKE, "\\", '\\"', '"'));

describe("a broadcast's frame", () => {
  test("comes apart into what it was put together of, whatever that looks like", () => {
    fc.assert(
      fc.property(name, name, message, position, (identifier, stream, json, at) => {
        const frame = broadcastFrame(broadcastHead(identifier), json, null, broadcastTail(stream, at));
        expect(broadcastParts(frame)).toEqual({
          message: json,
          position: at === null ? null : { stream, ...at },
        });
      }),
      { numRuns: 3000 },
    );
  });

  test("with a type is not taken apart", () => {
    const frame = broadcastFrame(broadcastHead("I"), "1", "T", broadcastTail("s", null));
    expect(broadcastParts(frame)).toBeNull();
  });
});
