import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createStreams, streamName } from "./index.ts";

/** Made by Rails' verifier, the reference's tests and anycable-serverless-js. */
const VECTORS: ReadonlyArray<[string, string, string]> = [
  [
    "chat:2021",
    "s3Krit",
    "ImNoYXQ6MjAyMSI=--f9ee45dbccb1da04d8ceb99cc820207804370ba0d06b46fc3b8b373af1315628",
  ],
  [
    "chat/2024",
    "qwerty",
    "ImNoYXQvMjAyNCI=--20a867e0c06b6b468e4b05df38165722887a9604cda8b4fa2a79e4979d233527",
  ],
  [
    "room/1989",
    "s3crit",
    "InJvb20vMTk4OSI=--5f0b0aa1029922e0a716b93e843127b2e26732560a8fcc33d3dc09395f5d86a9",
  ],
  [
    "~~~???>>>",
    "qwerty",
    "In5+fj8/Pz4+PiI=--e3df68491dbb413658b6ff058519be40d352f642fbfb7bee76b8d27d72c01ec2",
  ],
];

/** AnyCable::Streams of Ruby writes the alphabet for URLs. */
const BY_RUBY = "In5-fj8_Pz4-PiI=--d658747e6d4752ffaa8cd822f34fb91ae12b46764a40e94dbef3082f1cbf6247";

describe("signed names", () => {
  test.each(VECTORS)("of %p under %p are those of AnyCable's own libraries", (stream, secret, signed) => {
    const streams = createStreams({ secret });
    expect(streams.sign(stream)).toBe(signed);
    expect(streams.verify(signed)).toEqual({ verified: true, stream });
  });

  test("of the Ruby gem are accepted", () => {
    expect(createStreams({ secret: "qwerty" }).verify(BY_RUBY)).toEqual({
      verified: true,
      stream: "~~~???>>>",
    });
  });

  test("are refused when another secret made them, or they name no stream", () => {
    const streams = createStreams({ secret: "s3Krit" });
    const refused = [
      createStreams({ secret: "other" }).sign("chat:2021"),
      "WyJjaGF0LzIwMjMiLDE2ODUwMjQwMTdd--5b6661024d4c463c4936cd1542bc9a7672dd8039ac407d0b6c901697190e8aeb",
      `${VECTORS[0]?.[2]}0`,
      "chat:2021",
      "",
    ];
    for (const signed of refused) {
      expect(streams.verify(signed)).toEqual({ verified: false, why: expect.any(String) });
    }
  });

  test("come back as they went, whatever the stream and the secret", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.string({ minLength: 1, unit: "grapheme" }),
        (stream, secret) => {
          const streams = createStreams({ secret });
          expect(streams.verify(streams.sign(stream))).toEqual({ verified: true, stream });
        },
      ),
    );
  });

  test("need a secret: without one anyone could sign", () => {
    expect(() => createStreams({ secret: "" })).toThrow("empty secret");
  });
});

describe("Turbo", () => {
  test("the element names the channel and the signed stream, and escapes what is not ours", () => {
    const streams = createStreams({ secret: "s3Krit" });
    expect(streams.turboSource("chat:2021", { id: "chat", "data-note": '"><script>' })).toBe(
      '<turbo-cable-stream-source id="chat" data-note="&quot;&gt;&lt;script&gt;" channel="Turbo::StreamsChannel" ' +
        `signed-stream-name="${VECTORS[0]?.[2]}"></turbo-cable-stream-source>`,
    );
    expect(() => streams.turboSource("s", { "a b": "c" })).toThrow("no name of an attribute");
  });

  test("names of several parts are joined as Rails does, and never ambiguous", () => {
    expect(streamName("rooms", 7, "messages")).toBe("rooms:7:messages");
    for (const parts of [[], [""], ["a", ""], ["a:b", "c"]]) {
      expect(() => streamName(...parts)).toThrow("Cannot name a stream");
    }
  });
});
