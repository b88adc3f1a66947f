import { describe, expect, test } from "bun:test";
import {
  CommandResponse,
  ConnectionResponse,
  DisconnectResponse,
  type MessageFns,
  type Status,
} from "@hawser/proto/gen/rpc";
import fc from "fast-check";
import { decodeCommand, decodeConnect, decodeDisconnect } from "./messages.ts";

/** What a backend may answer with, or whoever sits where one should: replies, damaged replies and plain noise. */

const text = fc.string({ unit: "grapheme", maxLength: 8 });
const texts = fc.array(text, { maxLength: 3 });
const state = fc.dictionary(fc.oneof(text, fc.constant("__proto__")), text, { maxKeys: 3 });
const env = fc.option(fc.record({ cstate: state, istate: state }), { nil: undefined });
/** Also of later contracts. */
const status = fc.constantFrom(0, 1, 2, 3, -1, 2 ** 31 - 1) as fc.Arbitrary<Status>;

const connection = fc.record({ status, identifiers: text, transmissions: texts, errorMsg: text, env });
const command = fc.record({
  status,
  disconnect: fc.boolean(),
  stopStreams: fc.boolean(),
  streams: texts,
  transmissions: texts,
  errorMsg: text,
  env,
  stoppedStreams: texts,
  presence: fc.option(fc.record({ type: text, id: text, info: text, ttl: fc.nat({ max: 2 ** 32 - 1 }) }), {
    nil: undefined,
  }),
});

/** The bytes of a reply with some of them changed, cut off, or more behind them. */
function bytesOf<T>(message: MessageFns<T>, reply: fc.Arbitrary<T>): fc.Arbitrary<Uint8Array> {
  const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 });
  const good = reply.map((value) => message.encode(value).finish());
  const damaged = fc
    .tuple(good, damage, fc.nat({ max: 4 }), fc.uint8Array({ maxLength: 6 }))
    .map(([bytes, changes, cut, more]) => {
      const changed = Uint8Array.from([...bytes.subarray(0, Math.max(0, bytes.length - cut)), ...more]);
      for (const [at, byte] of changes) if (changed.length > 0) changed[at % changed.length] = byte;
      return changed;
    });
  return fc.oneof(good, damaged, fc.uint8Array({ maxLength: 200 }));
}

/** How often the bytes were a reply; a reply has to pass `check`, and everything else has to be an Error. */
function countReplies<R>(
  bytes: fc.Arbitrary<Uint8Array>,
  decode: (bytes: Uint8Array) => R,
  check: (reply: R) => void,
): number {
  let replies = 0;
  fc.assert(
    fc.property(bytes, (given) => {
      let reply: R;
      try {
        reply = decode(given);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Error);
        return;
      }
      replies += 1;
      check(reply);
    }),
    { numRuns: 3000 },
  );
  expect(({} as Record<string, unknown>).x).toBeUndefined();
  return replies;
}

function expectTexts(values: readonly unknown[]): void {
  for (const value of values) expect(typeof value).toBe("string");
}

describe("any bytes for a reply", () => {
  test("to Connect are a reply or an error", () => {
    const replies = countReplies(bytesOf(ConnectionResponse, connection), decodeConnect, (reply) => {
      expect(["success", "failure", "error"]).toContain(reply.status);
      expectTexts([
        reply.identifiers,
        reply.errorMessage,
        ...reply.transmissions,
        ...Object.values(reply.cstate),
      ]);
      expect(Object.getPrototypeOf(reply.cstate)).toBe(Object.prototype);
    });
    expect(replies).toBeGreaterThan(500);
  });

  test("to Command are a reply or an error", () => {
    const replies = countReplies(bytesOf(CommandResponse, command), decodeCommand, (reply) => {
      expect(["success", "failure", "error"]).toContain(reply.status);
      expect([typeof reply.disconnect, typeof reply.stopStreams]).toEqual(["boolean", "boolean"]);
      const { streams, stoppedStreams, transmissions, cstate, istate, presence } = reply;
      expectTexts([
        ...streams,
        ...stoppedStreams,
        ...transmissions,
        ...Object.values(cstate),
        ...Object.values(istate),
        ...(presence === null ? [] : Object.values(presence)),
      ]);
    });
    expect(replies).toBeGreaterThan(500);
  });

  test("to Disconnect are a reply or an error", () => {
    const reply = fc.record({ status, errorMsg: text });
    const replies = countReplies(bytesOf(DisconnectResponse, reply), decodeDisconnect, ({ errorMessage }) => {
      expectTexts([errorMessage]);
    });
    expect(replies).toBeGreaterThan(500);
  });
});
