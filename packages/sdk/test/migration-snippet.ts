import { createBroadcaster } from "@hawser/sdk/broadcast";

const secret = process.env.ANYCABLE_SECRET;
const servers = ["http://localhost:8080", "http://localhost:8081"].map((server) =>
  createBroadcaster({ url: `${server}/_broadcast`, secret }),
);

export async function broadcast(stream: string, data: unknown): Promise<void> {
  await Promise.all(servers.map((server) => server.broadcast(stream, data)));
}
