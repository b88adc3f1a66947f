/**
 * A whole small application on the SDK's public API, for any runtime: says where it listens and what its tokens are like in
 * one line of JSON, and ends by itself when its standard input does.
 */
import { createServer } from "node:http";
import { CableError, createBroadcaster, createCable, serveRpc } from "@hawser/sdk";
import { CableError as SameError } from "@hawser/sdk/broadcast";
import { createStreams } from "@hawser/sdk/streams";
import { createTokenEndpoint, createTokens, nodeListener } from "@hawser/sdk/tokens";

const [secret = "", broadcastUrl = ""] = process.argv.slice(2);
const tokens = createTokens({ secret, algorithm: "HS384" });
const broadcaster = createBroadcaster({ url: broadcastUrl, secret });

const cable = createCable({ connect: (env) => ({ identifiers: { sid: env.sid } }) }).channel("Chat", {
  params: (raw) => ({ room: String(raw.room) }),
  subscribed(ctx, { room }) {
    ctx.streamFrom(room, { whisper: true });
  },
  actions: {
    async speak(ctx, { text }) {
      await broadcaster.broadcast(ctx.params.room, { text: text ?? null });
    },
  },
});

const service = await serveRpc(cable, { port: 0 });
const endpoint = createTokenEndpoint({
  tokens,
  identify: async (request) => ({ identifiers: { name: await request.text() } }),
});
const http = createServer(nodeListener(endpoint));
await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));

const token = tokens.issue({ name: "ann" });
console.log(
  JSON.stringify({
    port: service.port,
    httpPort: Object(http.address()).port,
    token,
    own: tokens.verify(token).accepted,
    signed: createStreams({ secret }).sign("chat"),
    oneClass: CableError === SameError,
  }),
);

process.stdin.resume();
process.stdin.on("end", async () => {
  await broadcaster.flush();
  await new Promise<void>((resolve) => void http.close(() => resolve()));
  await service.close();
  console.log(JSON.stringify({ closed: true }));
});
