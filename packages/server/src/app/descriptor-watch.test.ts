import { expect, test } from "bun:test";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { RecordingLog } from "@hawser/core/testing/recording-log";
import { watchDescriptors } from "./descriptor-watch.ts";

test("says once that there are none left, and once that there are again", () => {
  const clock = new ManualClock();
  const log = new RecordingLog();
  let left = true;
  const cancel = watchDescriptors({ clock, log, isOneLeft: () => left });
  const said = () => log.lines.map(({ level, message }) => `${level}: ${message.slice(0, 24)}`);
  clock.advance(5000);
  expect(said()).toEqual([]);
  left = false;
  clock.advance(5000);
  left = true;
  clock.advance(5000);
  expect(said()).toEqual(["error: no file descriptors left", "info: file descriptors are fre"]);
  cancel();
  left = false;
  clock.advance(5000);
  expect(said()).toHaveLength(2);
});
