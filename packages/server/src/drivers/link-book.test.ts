import { describe, expect, test } from "bun:test";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { RecordingLog } from "@hawser/core/testing/recording-log";
import { LinkBook } from "./link-book.ts";

const LOST = "connection to Redis lost; connecting again";
const UNUSABLE = "Redis cannot be used; trying again";

function start() {
  const clock = new ManualClock();
  const log = new RecordingLog();
  const book = new LinkBook(clock, log);
  const warnings = () => log.lines.filter(({ level }) => level === "warn");
  return { clock, log, book, warnings };
}

describe("links that are lost together", () => {
  test("are one line, which names what they are for", () => {
    const { clock, book, warnings } = start();
    const links = ["pubsub", "pubsub", "redisx"].map((use) => book.open("redis", use));
    for (const link of links) link.up();
    for (const [attempt, link] of links.entries()) link.down(LOST, { attempt });
    clock.advance(1_000);
    for (const link of links) link.down(UNUSABLE, { attempt: 9 });
    clock.advance(1_000);
    expect(warnings()).toEqual([
      { level: "warn", message: LOST, fields: { attempt: 0, for: "pubsub,redisx" } },
    ]);
  });

  test("are told again after a minute, and when another one goes", () => {
    const { clock, book, warnings } = start();
    const [first, second] = [book.open("redis", "pubsub"), book.open("redis", "redisx")];
    first.up();
    second.up();
    first.down(LOST, {});
    clock.advance(10_000);
    second.down(LOST, {});
    clock.advance(10_000);
    first.down(UNUSABLE, {});
    clock.advance(51_000);
    first.down(UNUSABLE, {});
    second.down(UNUSABLE, {});
    clock.advance(1_000);
    const uses = warnings().map(({ message, fields }) => [message, fields.for]);
    expect(uses).toEqual([
      [LOST, "pubsub"],
      [LOST, "pubsub,redisx"],
      [UNUSABLE, "pubsub,redisx"],
    ]);
  });

  test("are told at once when they had been there meanwhile", () => {
    const { clock, book, warnings } = start();
    const link = book.open("nats", "pubsub");
    for (const message of ["first", "second"]) {
      link.up();
      link.down(message, {});
      clock.advance(1_000);
    }
    expect(warnings().map(({ message }) => message)).toEqual(["first", "second"]);
  });
});

test("a use is up when all of its links are", () => {
  const { book } = start();
  const [publisher, subscriber, other] = [
    book.open("redis", "pubsub"),
    book.open("redis", "pubsub"),
    book.open("nats", "nats"),
  ];
  const states = () => book.states().map(({ to, use, isUp }) => `${to} ${use} ${isUp}`);
  expect(states()).toEqual(["redis pubsub false", "nats nats false"]);
  publisher?.up();
  other?.up();
  expect(states()).toEqual(["redis pubsub false", "nats nats true"]);
  subscriber?.up();
  expect(states()).toEqual(["redis pubsub true", "nats nats true"]);
  publisher?.down(LOST, {});
  expect(states()).toEqual(["redis pubsub false", "nats nats true"]);
});

test("what the library remarks is said once", () => {
  const { book, warnings } = start();
  for (const use of ["pubsub", "redisx"]) book.open("redis", use).remark("no password is needed");
  expect(warnings()).toHaveLength(1);
});
