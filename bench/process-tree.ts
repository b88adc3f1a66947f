import { readdirSync, readFileSync } from "node:fs";

/** One process, as the kernel's books have it. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  /** Ticks of CPU, user and system, of its threads and of the children it has reaped. */
  readonly ticks: number;
  readonly residentPages: number;
}

const systemConstant = (name: string): number => Number(Bun.spawnSync(["getconf", name]).stdout.toString());
const TICKS_PER_SECOND = systemConstant("CLK_TCK");
const PAGE_BYTES = systemConstant("PAGESIZE");

/** Reads `/proc/PID/stat` (proc(5)). The name may hold spaces and parentheses, so fields are counted from its last `)`. */
export function parseStat(text: string): ProcessRow {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (index: number): number => Number(fields[index - 3]);
  return {
    pid: Number.parseInt(text, 10),
    parent: field(4),
    ticks: field(14) + field(15) + field(16) + field(17),
    residentPages: field(24),
  };
}

/** The rows of `root` and of everything below it. */
export function descendants(rows: readonly ProcessRow[], root: number): ProcessRow[] {
  const found = rows.filter((row) => row.pid === root);
  for (let i = 0; i < found.length; i++) found.push(...rows.filter((row) => row.parent === found[i]?.pid));
  return found;
}

function allProcesses(): ProcessRow[] {
  const rows: ProcessRow[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    try {
      rows.push(parseStat(readFileSync(`/proc/${name}/stat`, "utf8")));
    } catch {
      // It ended between the two reads.
    }
  }
  return rows;
}

export interface Usage {
  /** Seconds of CPU since each process began; right to a hundredth of a second. */
  readonly cpuSeconds: number;
  readonly residentMb: number;
}

/** What a process and its descendants have used. Throws when `root` is gone. */
export function usageOf(root: number): Usage {
  const tree = descendants(allProcesses(), root);
  if (tree.length === 0) throw new Error(`process ${root} ended while it was being measured`);
  const sum = (pick: (row: ProcessRow) => number): number =>
    tree.reduce((total, row) => total + pick(row), 0);
  return {
    cpuSeconds: sum((row) => row.ticks) / TICKS_PER_SECOND,
    residentMb: (sum((row) => row.residentPages) * PAGE_BYTES) / (1 << 20),
  };
}

/** Seconds of CPU that the whole machine has spent since it started, whoever spent them. */
export function machineCpuSeconds(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync("/proc/stat", "utf8")
    .split(/\s+/)
    .map(Number);
  return (
    [user, nice, system, irq, softirq, steal].reduce<number>((total, n) => total + (n ?? 0), 0) /
    TICKS_PER_SECOND
  );
}
