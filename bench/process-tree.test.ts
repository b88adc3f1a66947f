import { describe, expect, test } from "bun:test";
import { descendants, machineCpuSeconds, parseStat, usageOf } from "./process-tree.ts";

const row = (pid: number, parent: number) => ({ pid, parent, ticks: 1, residentPages: 1 });

describe("the kernel's books", () => {
  test("a program whose name holds spaces and parentheses is read right", () => {
    const line = `42 (a (b) c) S 7 42 42 0 -1 4194304 100 0 0 0 11 22 3 4 20 0 5 0 1000 123456 789 18446744073709551615`;
    expect(parseStat(line)).toEqual({ pid: 42, parent: 7, ticks: 40, residentPages: 789 });
  });

  test("a tree holds children and their children, and nobody else's", () => {
    const rows = [row(4, 3), row(1, 0), row(3, 2), row(2, 1), row(9, 1), row(5, 2)];
    expect(
      descendants(rows, 2)
        .map(({ pid }) => pid)
        .sort(),
    ).toEqual([2, 3, 4, 5]);
  });

  test("a root that is gone is said to be gone", () => {
    expect(() => usageOf(2 ** 22 + 1)).toThrow("ended while it was being measured");
  });

  test("CPU that a grandchild spends is counted, and memory is that of live processes", () => {
    const before = { own: usageOf(process.pid), machine: machineCpuSeconds() };
    const burn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
    Bun.spawnSync(["/bin/sh", "-c", `/bin/sh -c '${burn}'; true`]);
    const after = usageOf(process.pid);
    expect(after.cpuSeconds - before.own.cpuSeconds).toBeGreaterThan(0.02);
    expect(machineCpuSeconds() - before.machine).toBeGreaterThan(0.02);
    expect(after.residentMb).toBeGreaterThan(10);
  });
});
