import { createCable } from "@anycable/core";
import { SeededRandom } from "@hawser/core/testing/seeded-random";
import { readLines } from "../clients/lines.ts";
import type { ClientReport, CrowdOrder, CrowdTask } from "./crowd-task.ts";

/** A process of stock clients that come and go. Takes its task in the first argument and orders as lines. */

const task = JSON.parse(process.argv[2] ?? "") as CrowdTask;
const random = new SeededRandom(task.seed);
let calm = false;

/** What happened to a client, while it happens. */
type Running = { -readonly [K in keyof Omit<ClientReport, "spans" | "closes">]: ClientReport[K] } & {
  readonly spans: [number, number][];
  readonly closes: string[];
};

const clients = await Promise.all(
  Array.from({ length: task.clients }, (_, index) => startClient(task.firstUser + index)),
);
void readLines(process.stdin, (line) => {
  if ((line as CrowdOrder) === "calm") calm = true;
  else process.stdout.write(`${JSON.stringify(clients)}\n`);
});

async function startClient(user: number): Promise<Running> {
  const stays = task.stayersEvery > 0 && user % task.stayersEvery === 0;
  const client: Running = {
    ...{ user, stays, here: false, spans: [], gaps: 0, subscribed: 0, refreshed: 0, closes: [] },
  };
  let socket: WebSocket | null = null;
  const cable = createCable(task.url, {
    auth: { token: await fetchToken(user) },
    logLevel: "error",
    reconnectStrategy: () => 50 + random.fraction() * 200,
    websocketImplementation: class extends WebSocket {
      constructor(url: string, protocols: string | string[]) {
        super(url, protocols);
        socket = this;
      }
    },
    tokenRefresher: async (transport) => {
      client.refreshed += 1;
      transport.setToken(await fetchToken(user));
    },
  });
  cable.on("close", (event) => {
    if (event?.reason !== "token_expired") client.closes.push(event?.reason ?? "");
  });
  const channel = cable.subscribeTo("DeckChannel", { deck: task.deck });
  let last = 0;
  channel.on("connect", () => {
    client.here = true;
    client.subscribed += 1;
    last = 0;
    if (!stays) setTimeout(leave, 2 * task.stayMs * random.fraction());
  });
  channel.on("disconnect", () => (client.here = false));
  channel.on("close", () => (client.here = false));
  channel.on("message", (message) => {
    const number = Number(message);
    const span = client.spans.at(-1);
    if (last === 0 || span === undefined) client.spans.push([number, number]);
    else {
      if (number !== last + 1) client.gaps += 1;
      span[1] = number;
    }
    last = number;
  });
  /** As a network does it: no word from the client. */
  function leave(): void {
    if (!calm) socket?.terminate();
  }
  return client;
}

async function fetchToken(user: number): Promise<string> {
  const response = await fetch(`${task.tokenUrl}${user}`, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`no token: ${response.status}`);
  return String(Object(await response.json()).token);
}
