import { CableClient, publish } from "../support/cable-client.ts";
import { until } from "../support/until.ts";

/** A client of one of several servers, and what it heard by its stream. */
export class ClusterClient {
  readonly cable: CableClient;
  readonly identifier: string;

  constructor(port: number, stream = "chat", protocols: string[] = [], query = "") {
    this.cable = new CableClient(`ws://127.0.0.1:${port}/cable${query}`, { protocols });
    this.identifier = JSON.stringify({ channel: "$pubsub", stream_name: stream });
  }

  /** Connects and subscribes. */
  static async join(
    port: number,
    stream?: string,
    protocols?: string[],
    query?: string,
  ): Promise<ClusterClient> {
    const client = new ClusterClient(port, stream, protocols, query);
    await client.cable.message(0);
    client.cable.send({ command: "subscribe", identifier: client.identifier });
    await client.cable.until(() => client.cable.messages.length > 1, "confirmation", 20_000);
    return client;
  }

  get heard(): unknown[] {
    return this.cable.messages
      .map((text) => JSON.parse(text))
      .filter(({ identifier, message }) => identifier === this.identifier && message !== undefined)
      .map(({ message }) => message)
      .filter((message) => message !== "?");
  }

  /** Whether it heard a question of `untilJoined`. */
  get isAsked(): boolean {
    return this.cable.messages.some((text) => text.includes('"message":"?"'));
  }

  async untilHeard(count: number, withinMs = 20_000): Promise<unknown[]> {
    await this.cable.until(() => this.heard.length >= count, `${count} messages`, withinMs);
    return this.heard;
  }

  whisper(data: unknown): void {
    this.cable.send({ command: "whisper", identifier: this.identifier, data });
  }

  close(): void {
    this.cable.close();
  }
}

/** The messages of many publications. */
export const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

export const message = (data: unknown, stream = "chat") => ({ stream, data: JSON.stringify(data) });

/**
 * Resolves when all of these hear what is published at the port. A server tells the broker of a stream while the client is
 * told that it follows it, so that a publication of that moment may pass by.
 */
export async function untilJoined(
  clients: readonly ClusterClient[],
  broadcastPort: number,
  stream?: string,
  key?: string,
): Promise<void> {
  await until(async () => {
    await publish(broadcastPort, message("?", stream), key);
    await Bun.sleep(50);
    if (!clients.every((client) => client.isAsked)) throw new Error("not all of them hear what is published");
  });
  // Questions that are still on their way come before anything that is published from now on.
}
