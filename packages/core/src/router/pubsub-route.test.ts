import { describe, expect, test } from "bun:test";
import { pubsubRoute } from "./pubsub-route.ts";
import { routeSubscription } from "./router.ts";

const open = pubsubRoute({ publicStreams: true });
const router = new Map([["$pubsub", open]]);

describe("$pubsub", () => {
  test("follows the stream that is named, with whispers and presence on it", () => {
    expect(open({ stream_name: "chat" })).toEqual({
      confirmed: true,
      stream: "chat",
      istate: { $w: "chat", $p: "chat" },
    });
  });

  test("rejects every stream where public ones are not allowed", () => {
    expect(pubsubRoute({ publicStreams: false })({ stream_name: "chat" })).toMatchObject({
      confirmed: false,
    });
  });

  test.each([{}, { stream_name: "" }, { stream_name: null }, { stream_name: 5 }, { stream_name: ["chat"] }])(
    "rejects %p, which names no stream",
    (members) => {
      expect(open(members)).toMatchObject({ confirmed: false, why: "no stream name" });
    },
  );

  test.each(["ImNoYXQi--00", 5, {}, true])(
    "rejects the signed name %p, whatever else is named: there is no key to check it with (D7)",
    (signed) => {
      expect(open({ signed_stream_name: signed, stream_name: "chat" })).toMatchObject({ confirmed: false });
    },
  );

  test.each(["", null])("takes %p for no signed name at all, as the reference does", (signed) => {
    expect(open({ signed_stream_name: signed, stream_name: "chat" })).toMatchObject({ stream: "chat" });
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
