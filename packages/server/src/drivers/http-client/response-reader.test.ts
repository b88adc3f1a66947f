import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type HttpResponse, type ResponseProblem, ResponseReader } from "./response-reader.ts";

const MAX_BODY_BYTES = 1000;

/** Reads `text`, cut at these places, and the end of the connection where that is needed. */
function read(text: string, cuts: readonly number[] = [], maxBodyBytes = MAX_BODY_BYTES) {
  const bytes = Buffer.from(text, "latin1");
  const reader = new ResponseReader(maxBodyBytes);
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  for (let at = 1; at < places.length; at += 1) {
    const came = reader.feed(bytes.subarray(places[at - 1], places[at]));
    if (came !== null) return shown(came);
  }
  return shown(reader.end());
}

function shown(came: HttpResponse | ResponseProblem) {
  if ("problem" in came) return `${came.problem}: ${came.reason}`;
  return { status: came.status, body: came.body.toString("latin1"), reusable: came.reusable };
}

const ANSWERS: readonly (readonly [what: string, text: string, read: ReturnType<typeof shown>])[] = [
  [
    "a length",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    { status: 200, body: "hello", reusable: true },
  ],
  ["no reason phrase", "HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", { status: 200, body: "", reusable: true }],
  [
    "chunks with extensions and trailers",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n1 \r\n!\r\n0\r\nX: 1\r\n\r\n",
    { status: 200, body: "hello!", reusable: true },
  ],
  [
    "the end of the connection",
    "HTTP/1.1 200 OK\r\n\r\nhello",
    { status: 200, body: "hello", reusable: false },
  ],
  ["no body by its status", "HTTP/1.1 204 No Content\r\n\r\n", { status: 204, body: "", reusable: true }],
  [
    "interim answers before it",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 422 No\r\nContent-Length: 1\r\n\r\n?",
    { status: 422, body: "?", reusable: true },
  ],
  [
    "a connection that closes",
    "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\n1",
    { status: 200, body: "1", reusable: false },
  ],
  ["HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1", { status: 200, body: "1", reusable: false }],
  [
    "HTTP/1.0 that stays",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n1",
    { status: 200, body: "1", reusable: true },
  ],
  [
    "a length and chunks, of which the chunks count",
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    { status: 200, body: "x", reusable: false },
  ],
  [
    "the same length twice",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    { status: 200, body: "x", reusable: true },
  ],
];

describe("an answer with", () => {
  test.each(ANSWERS)("%s is read, wherever it is cut", (_what, text, expected) => {
    expect(read(text)).toEqual(expected);
    expect(
      read(
        text,
        Array.from(text, (_letter, at) => at),
      ),
    ).toEqual(expected);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 6 }), (cuts) => expect(read(text, cuts)).toEqual(expected)),
      { numRuns: 50 },
    );
  });
});

describe("no answer", () => {
  test.each([
    ["this is not HTTP\r\n\r\n", "no_http: it does not begin like HTTP/1.1"],
    ["HTTP/2 200\r\n\r\n", "no_http: it does not begin like HTTP/1.1"],
    ["\r\nHTTP/1.1 200 OK\r\n\r\n", "no_http: it does not begin like HTTP/1.1"],
    ["HTTP/1.1 20 OK\r\n\r\n", "no_http: its first line is not that of HTTP/1.1"],
    ["HTTP/1.1 101 Switching\r\n\r\n", "no_http: it switches to another protocol"],
    ["HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "no_http: a header line of it has no name"],
    [
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
      "no_http: a header line of it has no name",
    ],
    ["HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "no_http: its Content-Length is no number"],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      "no_http: its transfer coding is not chunked",
    ],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "no_http: the size of a chunk is no number",
    ],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n",
      "no_http: a chunk is longer than it says",
    ],
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "cut_short: the connection ended within the answer"],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
      "cut_short: the connection ended within the answer",
    ],
    ["HTTP/1.1 2", "cut_short: the connection ended within the answer"],
    ["", "cut_short: the connection ended before the answer"],
  ])("is %j", (text, expected) => {
    expect(read(text)).toBe(expected);
    expect(
      read(
        text,
        Array.from(text, (_letter, at) => at),
      ),
    ).toBe(expected);
  });

  test.each([
    ["a length", `HTTP/1.1 200 OK\r\nContent-Length: ${MAX_BODY_BYTES + 1}\r\n\r\n`],
    [
      "chunks",
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"10\r\n0123456789abcdef\r\n".repeat(63)}`,
    ],
    ["a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n"],
    ["no end", `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(MAX_BODY_BYTES + 1)}`],
  ])("is a body over the limit with %s", (_what, text) => {
    expect(read(text)).toBe(`too_large: more than ${MAX_BODY_BYTES} bytes`);
  });

  test("is a head without an end", () => {
    expect(read(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(70_000)}`)).toStartWith(
      "too_large: its headers have more",
    );
    expect(read(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${"x".repeat(5000)}`)).toBe(
      "no_http: a line between its chunks does not end",
    );
  });
});

test("bytes behind an answer leave its connection unusable", () => {
  const text = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1";
  expect(read(`${text}HTTP/1.1 200 OK\r\n\r\n`)).toEqual({ status: 200, body: "1", reusable: false });
});

test("whatever comes is an answer or a problem, and says so at the same place however it is cut", () => {
  const piece = fc.constantFrom(
    ..."HTTP/1.1 |200 OK|\r\n|\r\n\r\n|Content-Length: 3|Transfer-Encoding: chunked|3|abc|0|\0|:|Connection: close".split(
      "|",
    ),
  );
  const noise = fc.oneof(
    fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join("")),
    fc
      .tuple(fc.constantFrom(...ANSWERS.map(([, text]) => text)), fc.nat(), fc.string({ maxLength: 3 }))
      .map(([text, at, put]) => text.slice(0, at % text.length) + put + text.slice((at % text.length) + 1)),
    fc.string({ maxLength: 60 }),
  );
  fc.assert(
    fc.property(noise, fc.array(fc.nat(), { maxLength: 4 }), (text, cuts) => {
      const whole = read(text);
      const cut = read(text, cuts);
      // How much has come when an answer is whole decides whether anything is behind it.
      if (typeof whole === "string" || typeof cut === "string") expect(typeof cut).toBe(typeof whole);
      else expect({ ...cut, reusable: false }).toEqual({ ...whole, reusable: false });
    }),
    { numRuns: 2000 },
  );
});
