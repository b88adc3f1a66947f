import type { Log } from "@hawser/core/log";
import { atMost } from "../wait.ts";
import { PATIENCE_MS, type RunningThread } from "./running-thread.ts";

/** For threads to say how it went, once their time is over. */
const LAST_WORDS_MS = 500;

/**
 * Has every thread tell its clients and close, and says of all together what one thread says of itself; resolves when all
 * have, or when the time is over.
 *
 * @param ratePerS clients that are told a second; 0 for all at once.
 */
export async function drainThreads(
  threads: readonly RunningThread[],
  timeoutMs: number,
  ratePerS: number,
  log: Log,
): Promise<void> {
  const clients = threads.map(() => 0);
  /** Of a thread that has not said how it went, none has heard anything. */
  const unheard: (number | null)[] = threads.map(() => null);
  const counted = threads.map(async (thread, i) => {
    clients[i] = (await numberFrom(thread.ask("clients"))) ?? 0;
  });
  const drained = threads.map(async (thread, i) => {
    unheard[i] = await numberFrom(thread.ask("drain", timeoutMs));
  });
  await atMost(Math.min(timeoutMs, PATIENCE_MS), Promise.all(counted));
  const num = sum(clients);
  if (num > 0) log.info("closing active connections", ratePerS === 0 ? { num } : { num, rate: ratePerS });
  await atMost(timeoutMs + LAST_WORDS_MS, Promise.all(drained));
  if (num === 0) return;
  const left = sum(unheard.map((count, i) => count ?? clients[i] ?? 0));
  if (left === 0) log.info("all active connections closed");
  else log.warn("terminated while disconnecting active sessions", { num: left });
}

async function numberFrom(answer: Promise<unknown>): Promise<number | null> {
  const given = await answer.catch(() => null);
  return typeof given === "number" ? given : null;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
