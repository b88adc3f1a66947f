import { describe, expect, test } from "bun:test";
import { createMessageKey } from "@hawser/server/drivers/message-key";
import { createStreamVerifier, signStreamName } from "./stream-name.ts";

const key = (secret: string) => createMessageKey(secret, secret);
const verifyWith = (secret: string) => createStreamVerifier(() => [key(secret)]);

/** Made by Rails (Turbo.signed_stream_verifier_key), anycable-serverless-js and AnyCable::Streams of Ruby. */
const VECTORS = [
  {
    secret: "s3Krit",
    stream: "chat:2021",
    signed: "ImNoYXQ6MjAyMSI=--f9ee45dbccb1da04d8ceb99cc820207804370ba0d06b46fc3b8b373af1315628",
    standard: true,
  },
  {
    secret: "qwerty",
    stream: "chat/2024",
    signed: "ImNoYXQvMjAyNCI=--20a867e0c06b6b468e4b05df38165722887a9604cda8b4fa2a79e4979d233527",
    standard: true,
  },
  {
    secret: "qwerty",
    stream: "~~~???>>>",
    signed: "In5+fj8/Pz4+PiI=--e3df68491dbb413658b6ff058519be40d352f642fbfb7bee76b8d27d72c01ec2",
    standard: true,
  },
  // D16: the reference rejects this one.
  {
    secret: "qwerty",
    stream: "~~~???>>>",
    signed: "In5-fj8_Pz4-PiI=--d658747e6d4752ffaa8cd822f34fb91ae12b46764a40e94dbef3082f1cbf6247",
    standard: false,
  },
];

describe("a signed stream name", () => {
  test.each(VECTORS)("names the stream $stream: $signed", ({ secret, stream, signed, standard }) => {
    expect(verifyWith(secret)(signed)).toMatchObject({ verified: true, stream });
    if (standard) expect(signStreamName(stream, key(secret))).toBe(signed);
  });

  test.each([
    [
      "an array",
      "s3Krit",
      "WyJjaGF0LzIwMjMiLDE2ODUwMjQwMTdd--5b6661024d4c463c4936cd1542bc9a7672dd8039ac407d0b6c901697190e8aeb",
    ],
    // With the empty key, which nobody has here.
    [
      "the empty key's",
      "qwerty",
      "ImhheCI=--7b2ca79c7f8441d663634747a6450008ced9e27b6f7d8645a5ab9e449cec7887",
    ],
    [
      "another key's",
      "qwerty",
      "ImNoYXQ6MjAyMSI=--f9ee45dbccb1da04d8ceb99cc820207804370ba0d06b46fc3b8b373af1315628",
    ],
  ])("is refused when it is %s", (_, secret, signed) => {
    expect(verifyWith(secret)(signed)).toMatchObject({ verified: false });
  });

  test("may be empty", () => {
    expect(verifyWith("k")(signStreamName("", key("k")))).toMatchObject({ verified: true, stream: "" });
  });

  test("is checked with the keys of the moment, in their order", () => {
    const [former, next] = [key("former"), key("next")];
    let keys = [former];
    const verify = createStreamVerifier(() => keys);
    const [old, fresh] = [signStreamName("a", former), signStreamName("a", next)];
    expect(verify(old)).toMatchObject({ verified: true, key: former });
    expect(verify(fresh)).toMatchObject({ verified: false });
    keys = [next, former];
    expect(verify(old)).toMatchObject({ verified: true, key: former });
    expect(verify(fresh)).toMatchObject({ verified: true, key: next });
    keys = [next];
    expect(verify(old)).toMatchObject({ verified: false });
    keys = [];
    expect(verify(fresh)).toMatchObject({ verified: false });
  });
});
