/**
 * A whole small application on the SDK's public API, for any runtime: says where it listens and what its tokens are like in
 * one line of JSON, and ends by itself when its standard input does.
 */
import { createBroadcaster, createCable, createTokens, serveRpc } from "../src/index.ts";

const [secret = "", broadcastUrl = ""] = process.argv.slice(2);
const tokens = createTokens({ secret, algorithm: "HS384" });
const broadcaster = createBroadcaster({ url: broadcastUrl, secret });

const cable = createCable({ connect: (env) => ({ identifiers: { sid: env.sid } }) }).channel("Chat", {
  params: (raw) => ({ room: String(raw.room) }),
  subscribed(ctx, { room }) {
    ctx.streamFrom(room);
  },
  actions: {
    async speak(ctx, { text }) {
      await broadcaster.broadcast(ctx.params.room, { text: text ?? null });
    },
  },
});

const service = await serveRpc(cable, { port: 0 });
const token = tokens.issue({ name: "ann" });
console.log(JSON.stringify({ port: service.port, token, own: tokens.verify(token).accepted }));

process.stdin.resume();
process.stdin.on("end", async () => {
  await service.close();
  console.log(JSON.stringify({ closed: true }));
});
