import { afterAll, beforeAll, describe, test } from "bun:test";
import { CHROMIUM_SKIPPED } from "../support/chromium.ts";
import { createScratch } from "../support/scratch.ts";
import { chromiumRuntime } from "./client-page.ts";
import { bunRuntime, nodeRuntime } from "./client-process.ts";
import type { ClientRuntime, RunningClients } from "./client-runtime.ts";
import type { Carrier, Library, Task } from "./client-task.ts";

/** A client from npm, where it runs, and what it can do there. */
export interface StockClient {
  readonly library: Library;
  readonly place: "Bun" | "Node" | "Chromium";
  readonly protocols: readonly Task["protocol"][];
  /** A page can set no headers. */
  readonly carriers: readonly Carrier[];
}

export const BASE = "actioncable-v1-json";
const BOTH = [BASE, "actioncable-v1-ext-json"] as const;

export const STOCK_CLIENTS: readonly StockClient[] = [
  { library: "@anycable/core", place: "Bun", protocols: BOTH, carriers: ["query", "header", "sub-protocol"] },
  {
    library: "@anycable/core",
    place: "Node",
    protocols: BOTH,
    carriers: ["query", "header", "sub-protocol"],
  },
  {
    library: "@rails/actioncable",
    place: "Node",
    protocols: [BASE],
    carriers: ["query", "header", "sub-protocol"],
  },
  { library: "@anycable/web", place: "Chromium", protocols: BOTH, carriers: ["query", "sub-protocol"] },
  {
    library: "@rails/actioncable",
    place: "Chromium",
    protocols: [BASE],
    carriers: ["query", "sub-protocol"],
  },
];

/** Everything of a task but what the client itself decides, and what has a usual value. */
export type Wish = Omit<Task, "library" | "protocol" | "carrier"> &
  Partial<Pick<Task, "protocol" | "carrier">>;

/** Starts the clients that are wished for, hands them over, and stops them whatever happens. */
export type WithClients = (wish: Wish, use: (clients: RunningClients) => Promise<void>) => Promise<void>;

const NODE = Bun.which("node");

/**
 * The tests that `describeOne` makes, for each of the clients that can run here. Those that `isSlow` holds for wait for
 * `bin/test --full`, as all in a browser do.
 */
export function describeClients(
  clients: readonly StockClient[],
  describeOne: (client: StockClient, withClients: WithClients) => void,
  isSlow: (client: StockClient) => boolean = () => false,
): void {
  for (const client of clients) {
    const name = `${client.library} ${client.place === "Chromium" ? "in" : "under"} ${client.place}`;
    const skipped = whySkipped(client, isSlow(client));
    // One skip that says why, rather than one for each of the tests.
    if (skipped !== null) test.skip(`${name} (skipped: ${skipped})`, () => {});
    else describe(name, () => describeOne(client, startedRuntime(client)));
  }
}

function whySkipped({ place }: StockClient, isSlow: boolean): string | null {
  if (place === "Chromium") return CHROMIUM_SKIPPED;
  if (place === "Node" && NODE === null) return "there is no node on PATH";
  return isSlow && process.env.HAWSER_FULL !== "1" ? "bin/test --full runs it" : null;
}

/** The client's runtime lives as long as the tests of its `describe`. */
function startedRuntime({ library, place }: StockClient): WithClients {
  const scratch = createScratch();
  let runtime: ClientRuntime;
  beforeAll(async () => {
    runtime =
      place === "Chromium"
        ? await chromiumRuntime()
        : place === "Node"
          ? await nodeRuntime(NODE ?? "node", scratch.path)
          : bunRuntime();
  }, 60_000);
  afterAll(async () => {
    await runtime?.stop();
    scratch.remove();
  }, 60_000);
  return async (wish, use) => {
    const running = await runtime.run({ protocol: BASE, carrier: "query", ...wish, library });
    try {
      await use(running);
    } finally {
      await running.stop();
    }
  };
}
