import { expect, test } from "bun:test";
import { natsGateways } from "./embedded-nats-options.ts";

test("other clusters are named, each with its gateways", () => {
  expect(natsGateways("")).toEqual([]);
  expect(natsGateways("east:nats://u:p@a:7222, nats://[::1]:7222;west:nats://c:1;")).toEqual([
    { name: "east", urls: ["nats://u:p@a:7222", "nats://[::1]:7222"] },
    { name: "west", urls: ["nats://c:1"] },
  ]);
});

test.each(["nats://a:7222", "east", "east:", "east:a:7222", "east:nats://a", ":nats://a:7222"])(
  "%p names none",
  (value) => {
    expect(natsGateways(value)).toBeNull();
  },
);
