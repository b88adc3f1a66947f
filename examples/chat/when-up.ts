import type { IssuedToken } from "./rooms.ts";

/**
 * Waits until the page and the cable server answer, then says where to look. Ends with 1 when they do not in 30 s, or one of
 * their processes is gone.
 *
 * Arguments: the page's address, the cable server's, and the processes' ids.
 */

const PATIENCE_MS = 30_000;
const [page = "", cable = "", ...pids] = process.argv.slice(2);
const deadline = Date.now() + PATIENCE_MS;

await until("the chat", `${page}/health`);
// Ready, and not only alive: the server has reached the chat's gRPC service.
await until("the server", `${cable}/ready`);
const response = await fetch(`${page}/token?name=ann`);
const { token }: IssuedToken = await response.json();

console.log(`
The chat is up. Open it twice, once for each:

    ${page}/?name=ann
    ${page}/?name=ben     (the staff room refuses ben)

The server behind it: ${cable.replace(/^http/, "ws")}/cable. A token for it, good for ten minutes:

    ${token}

Ctrl-C stops both.
`);

async function until(what: string, url: string): Promise<void> {
  let last = "";
  while (Date.now() < deadline) {
    if (pids.some(isGone)) process.exit(1);
    try {
      const { ok, status } = await fetch(url, { signal: AbortSignal.timeout(1000) });
      if (ok) return;
      last = `it answers ${status}`;
    } catch (thrown) {
      last = thrown instanceof Error ? thrown.message : String(thrown);
    }
    await Bun.sleep(50);
  }
  console.error(`start: ${what} is not up after ${PATIENCE_MS / 1000} s (${url}): ${last}`);
  process.exit(1);
}

function isGone(pid: string): boolean {
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch {
    return true;
  }
}
