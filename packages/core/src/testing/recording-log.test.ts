import { expect, test } from "bun:test";
import { RecordingLog } from "./recording-log.ts";

test("keeps the lines of the log and of its children together, with the fields of both", () => {
  const log = new RecordingLog();
  const child = log.with({ context: "ws", sid: "a" }).with({ sid: "b" });
  log.info("first");
  child.warn("second", { n: 1 });
  expect(log.lines).toEqual([
    { level: "info", message: "first", fields: {} },
    { level: "warn", message: "second", fields: { context: "ws", sid: "b", n: 1 } },
  ]);
  expect(log.text()).toContain('"sid":"b"');
});

test("a silenced level is not enabled and keeps nothing, in children too", () => {
  const log = new RecordingLog(["debug"]);
  expect(log.enabled("debug")).toBe(false);
  expect(log.with({ a: 1 }).enabled("debug")).toBe(false);
  log.with({ a: 1 }).debug("quiet");
  log.error("loud");
  expect(log.lines.map((line) => line.message)).toEqual(["loud"]);
});
