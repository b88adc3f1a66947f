import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readEventStream } from "../testing/event-source-reader.ts";
import { EVENT_FORMS, eventOf, eventOfBroadcast } from "./events.ts";
import { disconnect, ping, welcome } from "./replies.ts";

const { bare, bareRaw, whole, wholeRaw } = EVENT_FORMS;
const IDENTIFIER = '{"channel":"$pubsub","stream_name":"s"}';
const POSITION = { epoch: "78tf", offset: 7 };

function message(text: string, position: typeof POSITION | null = null, stream = "s"): string {
  const { epoch, offset } = position ?? POSITION;
  const tail = `,"stream_id":${JSON.stringify(stream)},"epoch":"${epoch}","offset":${offset}`;
  return `{"identifier":${JSON.stringify(IDENTIFIER)},"message":${text}${position === null ? "" : tail}}`;
}

/** The one event that a client reads. */
function read(event: string | null) {
  const { events } = readEventStream(event ?? "");
  expect(events).toHaveLength(1);
  return events[0] ?? { type: "", data: "", lastEventId: "" };
}

describe("a message as an event", () => {
  test("is its JSON alone, or with all that is around it", () => {
    expect(eventOf(message('{"t":"hi"}'), bare)).toBe('data: {"t":"hi"}\n\n');
    expect(eventOf(message('{"t":"hi"}'), whole)).toBe(
      `data: {"identifier":${JSON.stringify(IDENTIFIER)},"message":{"t":"hi"}}\n\n`,
    );
  });

  test("has the position by which the client asks for what comes after it", () => {
    expect(eventOf(message('{"t":"hi"}', POSITION, "a/b"), bare)).toBe(
      'data: {"t":"hi"}\nid: 7/78tf/a/b\n\n',
    );
    expect(read(eventOf(message("1", POSITION), wholeRaw)).lastEventId).toBe("7/78tf/s");
  });

  test("has no id where the name of the stream would break it", () => {
    for (const stream of ["a\nb", "a\rb", "a\0b"]) {
      expect(eventOf(message("1", POSITION, stream), bare)).toBe("data: 1\n\n");
    }
  });

  test("that is a string comes as what it says, line by line", () => {
    expect(eventOf(message('"a\\nb\\r\\nc\\rd"'), bare)).toBe("data: a\ndata: b\ndata: c\ndata: d\n\n");
    expect(eventOf(message('""'), bare)).toBe("data: \n\n");
  });

  test("keeps large integers and the order of members", () => {
    const text = '{"b":12345678901234567890,"a":1.0}';
    expect(read(eventOf(message(text), bare)).data).toBe(text);
  });

  test("is the same whether its frame is known to be the hub's or has to be read", () => {
    const json = fc.oneof(fc.json(), fc.constantFrom(' "spaced" ', "\n{}\n", '"a\\nb"'));
    fc.assert(
      fc.property(json, fc.option(fc.constant(POSITION)), fc.string(), (text, position, stream) => {
        const frame = message(text, position, stream);
        for (const form of Object.values(EVENT_FORMS)) {
          const [known, found] = [eventOfBroadcast(frame, form), eventOf(frame, form)];
          expect(read(known)).toMatchObject({ ...read(found), data: expect.any(String) });
          expect(read(known).data.trim()).toBe(read(found).data.trim());
        }
      }),
    );
    const typed = message("1", POSITION).replace("{", '{"type":"T",');
    for (const form of Object.values(EVENT_FORMS)) {
      expect(eventOfBroadcast(typed, form)).toBe(eventOf(typed, form));
    }
  });

  test("survives, whatever its text: strings up to their line breaks, other JSON by its value", () => {
    const strings = fc.string({ unit: "binary", maxLength: 40 });
    fc.assert(
      fc.property(strings, strings, (text, stream) => {
        const frame = message(JSON.stringify(text), POSITION, stream);
        const wanted = text.isWellFormed() ? text.replace(/\r\n?/g, "\n") : null;
        for (const form of [bare, bareRaw]) {
          const { type, data } = read(eventOf(frame, form));
          expect(type).toBe("message");
          if (wanted !== null) expect(data).toBe(wanted);
        }
        expect(JSON.parse(read(eventOf(frame, whole)).data)).toEqual(JSON.parse(frame));
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 1, "\r"), (value, indent) => {
        const text = JSON.stringify(value, null, indent === "\r" ? 1 : indent).replace(
          /\n/g,
          indent === "\r" ? "\r\n" : "\n",
        );
        const { data } = read(eventOf(message(text), bare));
        if (typeof value !== "string") expect(JSON.parse(data)).toEqual(JSON.parse(text));
        expect(JSON.parse(read(eventOf(message(text), wholeRaw)).data).message).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });
});

describe("what the server says on its own account", () => {
  test("is an event of its type with the whole of it, for whoever wants more than messages", () => {
    const frame = welcome("S");
    expect(eventOf(frame, bare)).toBe('event: welcome\ndata: {"type":"welcome","sid":"S"}\n\n');
    expect(eventOf(frame, whole)).toBe('event: welcome\ndata: {"type":"welcome","sid":"S"}\n\n');
    expect(eventOf(ping("1795428561"), bare)).toBe(
      'event: ping\ndata: {"type":"ping","message":1795428561}\n\n',
    );
    for (const form of [bareRaw, wholeRaw]) {
      expect(eventOf(frame, form)).toBeNull();
      expect(eventOf(ping("1"), form)).toBeNull();
    }
  });

  test("tells a client that is not to come back so, as long as its timers can count, even one that wants messages alone", () => {
    const farewell = '{"type":"disconnect","reason":"remote","reconnect":false}';
    expect(disconnect("remote", false)).toBe(farewell);
    expect(eventOf(farewell, bare)).toBe(`event: disconnect\ndata: ${farewell}\nretry: 2147483647\n\n`);
    expect(eventOf(farewell, bareRaw)).toBe("retry: 2147483647\n\n");
    expect(readEventStream(eventOf(farewell, bareRaw) ?? "")).toEqual({ events: [], retryMs: 2147483647 });
    expect(eventOf(disconnect("server_restart", true), bare)).not.toContain("retry");
    expect(eventOf(disconnect("server_restart", true), bareRaw)).toBeNull();
  });

  test("and a publication with a type are whole in every form, and the type cannot break out of its line", () => {
    const typed = (type: string) =>
      message("1", POSITION).replace("{", () => `{"type":${JSON.stringify(type)},`);
    expect(eventOf(typed("T"), bare)).toBe(`event: T\ndata: ${typed("T")}\nid: 7/78tf/s\n\n`);
    expect(eventOf(typed("T"), bareRaw)).toBeNull();
    expect(read(eventOf(typed("T\ndata: x"), bare))).toMatchObject({
      type: "T data: x",
      data: typed("T\ndata: x"),
    });
  });
});

describe("what the application transmits", () => {
  test("is a message where it is one, and else goes out as it is", () => {
    expect(eventOf('{"message":"hi","identifier":"I"}', bare)).toBe("data: hi\n\n");
    expect(eventOf('{"foo":1}', bare)).toBe('data: {"foo":1}\n\n');
    for (const text of ["not json\nat all", "[1]", "null", '"x"'])
      expect(read(eventOf(text, bare)).data).toBe(text);
  });
});
