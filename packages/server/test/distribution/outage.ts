import { expect } from "bun:test";
import { publish } from "../support/cable-client.ts";
import type { HawserProcess } from "../support/hawser-process.ts";
import { until } from "../support/until.ts";
import { type ClusterClient, message } from "./cluster-client.ts";

/** How long a broker that was killed stays away. */
const AWAY_MS = process.env.HAWSER_FULL === "1" ? 5_000 : 500;

export interface Outage {
  /** Where it is published, and whatever else is connected. */
  readonly servers: readonly [HawserProcess, ...HawserProcess[]];
  readonly broker: { kill(): Promise<void>; restart(): Promise<void> };
  /** They hear what is published. */
  readonly clients: readonly ClusterClient[];
  /** While it goes on as before, once the broker is back. */
  readonly meanwhile?: () => Promise<void>;
}

/**
 * Kills the broker under load and starts it again: no client is dropped, publishers are told to come again, each client
 * hears what there is once and in order, and from then on everything.
 */
export async function outlive({ servers, broker, clients, meanwhile }: Outage): Promise<void> {
  const [{ broadcastPort }] = servers;
  const statuses = new Set<number>();
  const accepted: number[] = [];
  let last = 0;
  const say = async () => {
    last += 1;
    const { status } = await publish(broadcastPort, message(last));
    statuses.add(status);
    if (status === 201) accepted.push(last);
  };
  for (let n = 0; n < 200; n++) await say();
  await broker.kill();
  await until(async () => {
    await say();
    expect(statuses).toContain(503);
  });
  await Bun.sleep(AWAY_MS);
  await broker.restart();
  await Promise.all(servers.map((server) => server.waitFor(/ reconnected .*context=pubsub channel=/)));
  await until(async () => expect(await say().then(() => accepted.at(-1))).toBe(last));
  for (let n = 0; n < 100; n++) await say();
  await meanwhile?.();
  for (const client of clients) {
    await client.cable.until(() => client.heard.at(-1) === last, "the last message", 20_000);
    const heard = client.heard as number[];
    expect(heard).toEqual([...new Set(heard)].sort((x, y) => x - y));
    expect(heard.slice(0, 150)).toEqual(accepted.slice(0, 150));
    expect(heard.slice(-100)).toEqual(accepted.slice(-100));
    expect(client.cable.closedWith).toBeNull();
  }
  expect(statuses).toEqual(new Set([201, 503]));
}
