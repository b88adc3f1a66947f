import { afterEach } from "bun:test";

/** A process, a client, a server of the test's own. */
type Started = { stop(): unknown } | { close(): unknown } | { kill(): unknown };

/** Call it once in a test file: what a test hands over ends with it, the last first. */
export function useStarted(): <T extends Started>(part: T) => T {
  const parts: Started[] = [];
  afterEach(async () => {
    for (const part of parts.splice(0).reverse()) await end(part);
  }, 30_000);
  return (part) => {
    parts.push(part);
    return part;
  };
}

function end(part: Started): unknown {
  if ("stop" in part) return part.stop();
  return "close" in part ? part.close() : part.kill();
}
