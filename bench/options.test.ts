import { expect, test } from "bun:test";
import { readOptions } from "./options.ts";

test("five rounds of every scenario by default, one with --quick, as many as --rounds says in either case", () => {
  expect(readOptions([])).toMatchObject({
    rounds: 5,
    quick: false,
    peers: ["hawser", "floor", "anycable-go"],
  });
  expect(readOptions(["--quick"]).rounds).toBe(1);
  expect(readOptions(["--quick", "--rounds", "3"]).rounds).toBe(3);
});

test("scenarios and peers keep the order in which they are given", () => {
  expect(readOptions(["--scenarios=memory,connect"]).scenarios).toEqual(["memory", "connect"]);
  expect(readOptions(["--peers", "floor, hawser"]).peers).toEqual(["floor", "hawser"]);
});

test("what is not known is refused with what is", () => {
  expect(() => readOptions(["--peers=florr"])).toThrow(/there is no "florr"; known are hawser, floor/);
  expect(() => readOptions(["--scenarios=conect"])).toThrow(/known are connect, fanout-steady/);
  expect(() => readOptions(["--rounds=0"])).toThrow("whole number from 1");
  expect(() => readOptions(["--patience=long"])).toThrow("give seconds");
  expect(() => readOptions(["--round=2"])).toThrow();
});
