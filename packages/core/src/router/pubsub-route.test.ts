import { describe, expect, test } from "bun:test";
import { createMessageKey } from "@hawser/server/drivers/message-key";
import { createStreamVerifier, signStreamName } from "../signed/stream-name.ts";
import { type PubsubRouteOptions, pubsubRoute } from "./pubsub-route.ts";
import { routeSubscription } from "./router.ts";

const key = createMessageKey("streams", "s3Krit");
const signed = signStreamName("chat", key);

function route(options: Partial<PubsubRouteOptions> = {}) {
  const verify = createStreamVerifier(() => [key]);
  return pubsubRoute({ publicStreams: true, verify, whisper: false, presence: true, ...options });
}

const open = route();
const router = new Map([["$pubsub", open]]);

describe("a public stream", () => {
  test("is followed with whispers and presence on it, whatever signed ones have", () => {
    for (const { whisper, presence } of [
      { whisper: false, presence: false },
      { whisper: true, presence: true },
    ]) {
      expect(route({ whisper, presence })({ stream_name: "chat" })).toEqual({
        confirmed: true,
        stream: "chat",
        istate: { $w: "chat", $p: "chat" },
      });
    }
  });

  test("is rejected where public ones are not allowed", () => {
    expect(route({ publicStreams: false })({ stream_name: "chat" })).toMatchObject({ confirmed: false });
  });

  test.each([{}, { stream_name: "" }, { stream_name: null }, { signed_stream_name: "" }])(
    "is rejected in %p, which names none",
    (members) => {
      expect(open(members)).toEqual({ confirmed: false, why: "no stream name" });
    },
  );

  test.each([5, {}, true])("is rejected when its name is %p", (name) => {
    expect(open({ stream_name: name })).toMatchObject({ confirmed: false });
    expect(open({ stream_name: name, signed_stream_name: signed })).toMatchObject({ confirmed: false });
  });
});

describe("a signed stream", () => {
  test.each([
    { whisper: false, presence: true, istate: { $p: "chat" } },
    { whisper: true, presence: true, istate: { $w: "chat", $p: "chat" } },
    { whisper: true, presence: false, istate: { $w: "chat" } },
    { whisper: false, presence: false, istate: {} },
  ])("has the state that the options say: %p", ({ istate, ...options }) => {
    expect(route({ publicStreams: false, ...options })({ signed_stream_name: signed })).toEqual({
      confirmed: true,
      stream: "chat",
      istate,
    });
  });

  test("wins over a public one", () => {
    expect(open({ signed_stream_name: signed, stream_name: "other" })).toMatchObject({ stream: "chat" });
  });

  test.each([`${signed}0`, "ImNoYXQi--00", 5, {}, true])(
    "is rejected as %p, also where a public one is named beside it",
    (name) => {
      expect(open({ signed_stream_name: name })).toMatchObject({ confirmed: false });
      expect(open({ signed_stream_name: name, stream_name: "chat" })).toMatchObject({ confirmed: false });
    },
  );

  test("is rejected where there is no key, however it is signed (D7)", () => {
    const keyless = route({ verify: createStreamVerifier(() => []) });
    expect(keyless({ signed_stream_name: signed, stream_name: "chat" })).toMatchObject({ confirmed: false });
    expect(keyless({ stream_name: "chat" })).toMatchObject({ confirmed: true });
  });

  test.each(["", null])("is not meant by %p, as in the reference", (none) => {
    expect(open({ signed_stream_name: none, stream_name: "chat" })).toMatchObject({ stream: "chat" });
  });
});

describe("routing", () => {
  test("goes by the channel", () => {
    expect(routeSubscription(router, '{"channel":"$pubsub","stream_name":"a"}')).toMatchObject({
      stream: "a",
    });
    expect(routeSubscription(router, '{"Channel":"$pubsub","Stream_Name":"a"}')).toMatchObject({
      stream: "a",
    });
  });

  test.each([
    '{"channel":"Chat"}',
    '{"channel":5}',
    "{}",
    "null",
    "plain text",
    "",
    '{"channel":["$pubsub"]}',
  ])("leaves %s to the application", (identifier) => {
    expect(routeSubscription(router, identifier)).toBeNull();
  });

  test("leaves everything to it where there is no route", () => {
    expect(routeSubscription(new Map(), '{"channel":"$pubsub","stream_name":"a"}')).toBeNull();
  });
});
