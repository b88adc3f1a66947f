import { describe, expect, test } from "bun:test";
import { parseQuery } from "../http/query.ts";
import { commandsOfBody, commandsOfQuery, wantsRaw } from "./subscribe-commands.ts";

const asked = (query: string, lastEventId: string | null = null) =>
  commandsOfQuery(parseQuery(query), lastEventId);

/** The one command of a GET request. */
function commandOf(query: string, lastEventId: string | null = null) {
  const found = asked(query, lastEventId);
  if ("why" in found) throw new Error(found.why);
  expect(found.commands).toHaveLength(1);
  return found.commands[0]!;
}

describe("the parameters of a stream", () => {
  test.each([
    ["identifier=%7B%22channel%22%3A%22C%22%7D", '{"channel":"C"}'],
    ["identifier=any+string", "any string"],
    ["channel=ChatChannel", '{"channel":"ChatChannel"}'],
    ["stream=a%22b", '{"channel":"$pubsub","stream_name":"a\\"b"}'],
    ["signed_stream=x--y", '{"channel":"$pubsub","signed_stream_name":"x--y"}'],
    ["turbo_signed_stream_name=x--y", '{"channel":"Turbo::StreamsChannel","signed_stream_name":"x--y"}'],
  ])("%s names %s", (query, identifier) => {
    expect(commandOf(query)).toMatchObject({ command: "subscribe", identifier, history: null });
  });

  test("are taken in this order, the first value of each, and those without one not at all", () => {
    expect(
      commandOf("turbo_signed_stream_name=e&signed_stream=d&stream=c&channel=b&identifier=a"),
    ).toMatchObject({
      identifier: "a",
    });
    expect(commandOf("signed_stream=d&stream=c&channel=&identifier=").identifier).toContain('"c"');
    expect(commandOf("stream=a&stream=b").identifier).toContain('"a"');
  });

  test("have to name something", () => {
    for (const query of ["", "channel=", "raw=1", "streams=a"]) {
      expect(asked(query)).toEqual({ why: "no channel provided" });
    }
  });

  test.each([
    ["1", true],
    ["true", true],
    ["T", true],
    ["y", true],
    ["0", false],
    ["yes", false],
    ["", false],
  ])("raw=%s says %p", (value, raw) => {
    expect(wantsRaw(parseQuery(`raw=${value}`))).toBe(raw);
  });
});

describe("what a client has seen", () => {
  test("is in Last-Event-ID: offset, epoch and stream, which may have slashes", () => {
    expect(commandOf("stream=s", "12/78tf/a/b/c").history).toEqual({
      since: 0,
      streams: { "a/b/c": { offset: 12, epoch: "78tf" } },
    });
    expect(commandOf("stream=s", "1/e/__proto__").history?.streams).toHaveProperty(["__proto__"]);
  });

  test("is nothing where the id is another's, and refused where the offset is no number", () => {
    for (const id of ["", "5", "1/b"]) expect(commandOf("stream=s", id).history).toBeNull();
    for (const id of ["x/1/a", "-1/e/s", "/e/s", "1.5/e/s", " 1/e/s"]) {
      expect(asked("stream=s", id)).toHaveProperty("why");
    }
  });

  test("may be a time, alone or beside", () => {
    expect(commandOf("stream=s&history_since=1795428561").history).toEqual({
      since: 1795428561,
      streams: null,
    });
    expect(commandOf("stream=s&history_since=5", "1/e/s").history).toEqual({
      since: 5,
      streams: { s: { offset: 1, epoch: "e" } },
    });
    expect(commandOf("stream=s&history_since=").history).toBeNull();
    for (const since of ["x", "1.5", "1e3", "99999999999999999999"]) {
      expect(asked(`stream=s&history_since=${since}`)).toHaveProperty("why");
    }
  });
});

describe("the body of a POST", () => {
  test("has a command a line, each a subscribe whatever it calls itself", () => {
    const body = '{"command":"unsubscribe","identifier":"a"}\n\n{"identifier":"b","history":{"since":5}}\n';
    expect(commandsOfBody(body)).toMatchObject({
      commands: [
        { command: "subscribe", identifier: "a" },
        { command: "subscribe", identifier: "b", history: { since: 5 } },
      ],
    });
    expect(commandsOfBody("")).toEqual({ commands: [] });
  });

  test("is refused when a line is none", () => {
    for (const body of ["{bad", "null", "[]", '{"identifier":"a"}\n{"identifier":1}', "\r"]) {
      expect(commandsOfBody(body)).toHaveProperty("why");
    }
  });
});
