import { createBroadcaster, serveRpc } from "@hawser/sdk";
import { createChat } from "./chat-cable.ts";
import { servePage } from "./page-server.ts";

/** The application behind the cable server: its gRPC service, and the page. */

const host = process.env.CHAT_HOST ?? "127.0.0.1";
const cablePort = portIn("CABLE_PORT", 8080);
const secret = process.env.ANYCABLE_SECRET ?? "";
if (secret === "") fail("set ANYCABLE_SECRET to the cable server's secret");

try {
  const broadcaster = createBroadcaster({ url: `http://${host}:${cablePort}/_broadcast`, secret });
  const service = await serveRpc(createChat(broadcaster), { host, port: portIn("CHAT_RPC_PORT", 50051) });
  const page = await servePage({ host, port: portIn("CHAT_PORT", 3000), cablePort, secret });
  console.log(`chat: page on http://${host}:${page.port}, gRPC on ${host}:${service.port}`);
  const stop = async () => {
    await Promise.all([service.close(), page.stop()]);
    process.exit(0);
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
} catch (thrown) {
  fail(thrown instanceof Error ? thrown.message : String(thrown));
}

function portIn(name: string, otherwise: number): number {
  const port = Number(process.env[name] ?? otherwise);
  if (!Number.isInteger(port) || port < 0 || port > 65535) fail(`${name} must be a port number`);
  return port;
}

function fail(why: string): never {
  console.error(`chat: ${why}`);
  process.exit(1);
}
