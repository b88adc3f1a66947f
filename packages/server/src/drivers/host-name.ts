import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/** Whether the name stands for some address; an address stands for itself. */
export async function isResolvable(host: string): Promise<boolean> {
  if (isIP(host) !== 0) return true;
  try {
    await lookup(host);
    return true;
  } catch {
    return false;
  }
}
