import { availableParallelism, constants, hostname } from "node:os";

/** The process as the operating system sees it. */
export const argv: readonly string[] = process.argv.slice(2);
export const env: Readonly<Record<string, string | undefined>> = process.env;
export const pid: number = process.pid;
/** What the machine or the container is called. */
export const machineName: string = hostname();

export function writeOut(text: string): void {
  process.stdout.write(text);
}

export function writeError(text: string): void {
  process.stderr.write(text);
}

export function isTerminal(): boolean {
  return process.stdout.isTTY === true;
}

/** Whether somebody types on standard input. */
export function isTypedInput(): boolean {
  return process.stdin.isTTY === true;
}

/** All of standard input as text. */
export async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

/** Ends the process with this status once all that was written is out. */
export function endWith(code: number): void {
  process.exitCode = code;
}

export function exit(code: number): never {
  process.exit(code);
}

/** Cores that this process may use. */
export function cores(): number {
  return availableParallelism();
}

/** Bytes that the operating system has given to this process. */
export function residentBytes(): number {
  return process.memoryUsage.rss();
}

/** Calls `onSignal` for every SIGINT and SIGTERM. */
export function onTermination(onSignal: (name: string) => void): void {
  process.on("SIGINT", () => onSignal("SIGINT"));
  process.on("SIGTERM", () => onSignal("SIGTERM"));
}

/** Calls `onSignal` for every SIGHUP, which then no longer ends the process. */
export function onHangup(onSignal: () => void): void {
  process.on("SIGHUP", onSignal);
}

/** Calls `onBug` for what nobody caught; the process lives on, as one session's bug must not end the others. */
export function onUncaught(onBug: (thrown: unknown) => void): void {
  process.on("uncaughtException", onBug);
  process.on("unhandledRejection", onBug);
}

/** The soft limit of open files, or null where it cannot be told. */
export function openFileLimit(): number | null {
  const report = process.report?.getReport() as
    | { userLimits?: { open_files?: { soft?: number | string } } }
    | undefined;
  const soft = report?.userLimits?.open_files?.soft;
  return typeof soft === "number" ? soft : null;
}

/** Exit status of a process that a signal ended, as shells count it. */
export function signalStatus(name: "SIGINT" | "SIGTERM"): number {
  return 128 + constants.signals[name];
}
