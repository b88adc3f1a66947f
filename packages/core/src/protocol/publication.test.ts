import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { messageText, parsePublication } from "./publication.ts";

describe("parsePublication()", () => {
  test("passes the payload's own text through: key order, big integers, spaces (D20)", () => {
    const data = '{ "b": 12345678901234567890, "a": 1.0 }';
    expect(parsePublication(JSON.stringify({ stream: "s", data }))).toEqual({
      kind: "messages",
      messages: [
        {
          stream: "s",
          message: data,
          excludeSid: null,
          broadcastType: null,
          transient: false,
          position: null,
        },
      ],
    });
  });

  test.each([
    ["plain text", '"plain text"'],
    ['{"a":1', '"{\\"a\\":1"'],
    ["null", '"null"'],
    ["", '""'],
    ["0", "0"],
    ["false", "false"],
  ])("gives clients for %p the text %p", (data, text) => {
    expect(messageText(data)).toBe(text);
  });

  test("takes a missing payload for an empty one", () => {
    expect(parsePublication('{"stream":"s"}')).toMatchObject({ messages: [{ message: '""' }] });
  });

  test("reads what a message says about its delivery", () => {
    const meta = { exclude_socket: "sid", broadcast_type: "note", transient: true };
    expect(parsePublication(JSON.stringify({ stream: "s", data: "1", meta }))).toMatchObject({
      messages: [{ excludeSid: "sid", broadcastType: "note" }],
    });
  });

  test("reads names without regard to case, as Go publishers may write them", () => {
    expect(parsePublication('{"Stream":"a","DATA":"1"}')).toMatchObject({
      messages: [{ stream: "a", message: "1" }],
    });
  });

  test("reads a disconnect; reconnect is false unless said", () => {
    const text = '{"command":"disconnect","payload":{"identifier":"u1"}}';
    expect(parsePublication(text)).toEqual({
      kind: "disconnect",
      disconnect: { identifiers: "u1", reconnect: false },
    });
  });

  const revokeOf = (payload: object) => parsePublication(JSON.stringify({ command: "revoke", payload }));

  test("reads a revocation by each of its ways", () => {
    const revoke = { issuedBeforeS: null, expiresAtS: null, reconnect: false };
    for (const by of ["jti", "sid", "kid", "identifiers"] as const) {
      expect(revokeOf({ [by]: "x" })).toEqual({ kind: "revoke", revoke: { ...revoke, by, value: "x" } });
    }
    expect(
      revokeOf({ identifier: "x", issued_before: 1000.5, exp: 2000, reconnect: true, jti: null }),
    ).toEqual({
      kind: "revoke",
      revoke: { by: "identifiers", value: "x", issuedBeforeS: 1000.5, expiresAtS: 2000, reconnect: true },
    });
  });

  test.each([
    [{}, "exactly one"],
    [{ jti: "a", sid: "b" }, "exactly one"],
    [{ identifiers: "a", identifier: "a" }, "exactly one"],
    [{ reconnect: true }, "exactly one"],
    [{ jti: "" }, "payload.jti"],
    [{ jti: 5 }, "payload.jti"],
    [{ identifiers: { user: 1 } }, "payload.identifiers"],
    [{ identifiers: "x".repeat(40_000) }, "at most 32768"],
    [{ identifiers: "a", issued_befor: 1000 }, "something else"],
    [{ jti: "a", issued_before: 1000 }, "needs identifiers"],
    [{ identifiers: "a", issued_before: "now" }, "payload.issued_before"],
    [{ identifiers: "a", issued_before: 1_700_000_000_000 }, "not in milliseconds"],
    [{ identifiers: "a", issued_before: -1 }, "payload.issued_before"],
    [{ jti: "a", exp: 1_700_000_000_000 }, "payload.exp"],
    [{ jti: "a", exp: true }, "payload.exp"],
    [{ jti: "a", reconnect: "yes" }, "payload.reconnect"],
  ])("says what is wrong with the revocation %j", (payload, why) => {
    expect(revokeOf(payload)).toMatchObject({ kind: "invalid", why: expect.stringContaining(why) });
  });

  test("knows a command that it does not know", () => {
    expect(parsePublication('{"command":"foo"}')).toEqual({ kind: "unknown_command", command: "foo" });
  });

  test.each([
    ["garbage", "not JSON"],
    ["", "not JSON"],
    ["[]", "empty"],
    ["1", "expected an object"],
    ["{}", "neither"],
    ['{"__proto__":{"stream":"a","data":"1"}}', "neither"],
    ['{"stream":""}', "neither"],
    ['{"stream":1}', '"stream" must be'],
    ['{"stream":"a","data":{"x":1}}', '"data" must be a string'],
    ['{"stream":"a","meta":1}', '"meta" must be'],
    ['{"stream":"a","meta":{"exclude_socket":1}}', "exclude_socket"],
    ['[{"stream":"a","data":"1"},null]', "element 1"],
    ['[{"stream":"a","data":"1"},{"data":"1"}]', "element 1"],
    ['{"command":"disconnect"}', "payload.identifier"],
    ['{"command":"revoke"}', '"payload" must be'],
    ['{"command":"revoke","payload":["a"]}', '"payload" must be'],
    ['{"command":"disconnect","payload":{"identifier":"u","reconnect":"yes"}}', "payload.reconnect"],
  ])("says what is wrong with %s", (text, why) => {
    const parsed = parsePublication(text);
    expect(parsed.kind).toBe("invalid");
    expect(parsed.kind === "invalid" && parsed.why).toContain(why);
  });

  test("splices in nothing but JSON, whatever is published", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (data) => {
        JSON.parse(`{"message":${messageText(data)}}`);
      }),
    );
  });
});

test("any body is read without throwing, and what is wrong with it is said without quoting it", () => {
  const canary = "c4n4ry";
  const value = fc.oneof(fc.constantFrom("", canary, `{"${canary}":1}`), fc.jsonValue({ maxDepth: 2 }));
  const some = <T extends string>(...names: T[]) => fc.dictionary(fc.constantFrom(...names), value);
  const message = fc.oneof(
    some("stream", "Stream", "data", "DATA", "meta", "command", "x"),
    fc.record({ stream: value, data: value, meta: some("exclude_socket", "broadcast_type", "transient") }),
    fc.record({
      command: fc.oneof(value, fc.constant("disconnect"), fc.constant("revoke")),
      payload: fc.oneof(
        some("identifier", "reconnect", "jti", "issued_before", "exp"),
        fc.record({ identifier: value }),
      ),
    }),
  );
  const body = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.oneof(message, fc.array(fc.oneof(message, value), { maxLength: 4 })).map((any) => JSON.stringify(any)),
  );
  const kinds = new Set<string>();
  fc.assert(
    fc.property(body, (given) => {
      const parsed = parsePublication(given);
      kinds.add(parsed.kind);
      if (parsed.kind === "invalid") expect(parsed.why).not.toContain(canary);
      if (parsed.kind !== "messages") return;
      expect(parsed.messages.length).toBeGreaterThan(0);
      for (const { stream, message: json } of parsed.messages) {
        expect(stream).not.toBe("");
        JSON.parse(json);
      }
    }),
    { numRuns: 3000 },
  );
  expect([...kinds].sort()).toEqual(["disconnect", "invalid", "messages", "revoke", "unknown_command"]);
});
