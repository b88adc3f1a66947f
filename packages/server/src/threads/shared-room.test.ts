import { expect, test } from "bun:test";
import { roomFor, SharedRoom } from "./shared-room.ts";

test("there is room until all threads together have the limit, and again when one has fewer", () => {
  const buffer = roomFor(2);
  const [one, other] = [new SharedRoom(buffer, 0), new SharedRoom(buffer, 1)];
  one.update(2);
  expect(other.hasRoom(0, 3)).toBe(true);
  expect(one.hasRoom(2, 3)).toBe(false);
  expect(other.hasRoom(1, 3)).toBe(false);
  one.update(1);
  expect(other.hasRoom(1, 3)).toBe(true);
});

test("one that found no room takes none away", () => {
  const buffer = roomFor(2);
  const [one, other] = [new SharedRoom(buffer, 0), new SharedRoom(buffer, 1)];
  other.update(1);
  for (let i = 0; i < 5; i++) expect(one.hasRoom(0, 1)).toBe(false);
  other.update(0);
  expect(other.hasRoom(0, 1)).toBe(true);
});
