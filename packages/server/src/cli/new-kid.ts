import { systemClock } from "../drivers/clock.ts";
import { randomBytes } from "../drivers/random.ts";

/** Sorts by age, and tells keys of one day apart. */
export function newKid(): string {
  const day = new Date(systemClock.nowMs()).toISOString().slice(0, 10);
  return `${day}-${Buffer.from(randomBytes(2)).toString("hex")}`;
}
