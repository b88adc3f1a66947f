import { describe, expect, test } from "bun:test";
import { createMessageKey } from "@hawser/server/drivers/message-key";
import { createStreamVerifier, signStreamName } from "../signed/stream-name.ts";
import { SIGNED_CHANNELS, signedRoute } from "./signed-route.ts";

const key = createMessageKey("turbo", "s3Krit");
const verify = createStreamVerifier(() => [key]);
const signed = signStreamName("chat:2021", key);

describe.each(Object.values(SIGNED_CHANNELS))("$channel", ({ member }) => {
  const route = signedRoute(member, verify);

  test("follows a stream whose name is well signed, without whispers and presence", () => {
    expect(route({ [member]: signed })).toEqual({ confirmed: true, stream: "chat:2021", istate: {} });
  });

  test.each(["fake_id", `${signed}0`, 5, {}, true])("rejects %p", (name) => {
    expect(route({ [member]: name })).toMatchObject({ confirmed: false });
  });

  test.each([undefined, null, ""])("rejects %p, also where a public stream is named", (name) => {
    expect(route({ [member]: name, stream_name: "chat" })).toEqual({
      confirmed: false,
      why: "no stream name",
    });
  });
});
