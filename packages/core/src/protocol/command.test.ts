import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeCommand } from "./command.ts";

describe("decodeCommand()", () => {
  test("reads what clients send", () => {
    expect(decodeCommand('{"command":"message","identifier":"a","data":"{}","extra":1}')).toEqual({
      command: "message",
      identifier: "a",
      data: "{}",
      token: "",
      history: null,
      presence: null,
    });
  });

  test("ignores the frame null", () => {
    expect(decodeCommand("null")).toBe("ignored");
  });

  test("takes an object without a command for a command without a name", () => {
    expect(decodeCommand("{}")).toMatchObject({ command: "", identifier: "" });
  });

  test("reads names without regard to case where the exact ones are missing", () => {
    expect(decodeCommand('{"Command":"subscribe","IDENTIFIER":"x"}')).toMatchObject({
      command: "subscribe",
      identifier: "x",
    });
  });

  test("takes nothing out of a member named __proto__", () => {
    const text = '{"__proto__":{"command":"subscribe","identifier":"x","data":"1"}}';
    expect(decodeCommand(text)).toMatchObject({ command: "", identifier: "", data: undefined });
  });

  test("reads a request for history and for presence", () => {
    const text =
      '{"command":"subscribe","identifier":"a","history":{"since":5},"presence":{"id":"u","info":[1]}}';
    expect(decodeCommand(text)).toMatchObject({
      history: { since: 5, streams: null },
      presence: { id: "u", info: [1] },
    });
  });

  test.each([
    "",
    "x",
    "[]",
    "1",
    '"text"',
    "{} trailing",
    '{"command":1}',
    '{"command":"x","identifier":1}',
    '{"command":"x","history":"x"}',
    '{"command":"x","history":{"since":1.5}}',
    '{"command":"x","history":{"streams":[]}}',
    '{"command":"x","history":{"streams":{"s":{"offset":-1}}}}',
    '{"command":"x","history":{"streams":{"s":{"epoch":1}}}}',
    '{"command":"x","presence":"x"}',
    '{"command":"x","presence":{"id":5}}',
  ])("calls %s malformed", (text) => {
    expect(decodeCommand(text)).toBe("malformed");
  });

  test("gives a command of the right types for any text, or none, and throws for no text whatever", () => {
    const name = fc.constantFrom(
      "command",
      "Command",
      "identifier",
      "IDENTIFIER",
      "data",
      "history",
      "presence",
      "x",
    );
    const position = fc.record({ epoch: fc.jsonValue(), offset: fc.jsonValue() }, { requiredKeys: [] });
    const value = fc.oneof(
      fc.string(),
      fc.jsonValue(),
      fc.record(
        { since: fc.jsonValue(), streams: fc.dictionary(fc.string(), position), id: fc.jsonValue() },
        { requiredKeys: [] },
      ),
    );
    const frame = fc.dictionary(name, value).map((members) => JSON.stringify(members));
    let commands = 0;
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json(), frame), (text) => {
        const decoded = decodeCommand(text);
        if (typeof decoded === "string") return;
        commands += 1;
        expect(typeof decoded.command).toBe("string");
        expect(typeof decoded.identifier).toBe("string");
        if (decoded.history !== null) expect(Number.isSafeInteger(decoded.history.since)).toBe(true);
        if (decoded.presence !== null) expect(typeof decoded.presence.id).toBe("string");
      }),
      { numRuns: 3000 },
    );
    expect(commands).toBeGreaterThan(100);
  });
});
