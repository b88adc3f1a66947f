import { createServer } from "node:http";
import {
  createBroadcaster,
  createCable,
  createStreams,
  createTokenEndpoint,
  createTokens,
  nodeListener,
  serveRpc,
} from "@hawser/sdk";

const {
  ANYCABLE_SECRET: secret = "",
  CABLE = "127.0.0.1:8080",
  PORT = "3000",
  RPC_PORT = "50051",
} = process.env;

// What clients show to the cable server: a token that says who they are, for ten minutes.
const tokens = createTokens({ secret, ttlSeconds: 600 });
const token = createTokenEndpoint({
  tokens,
  // Whoever has signed in; a real application looks the session up.
  identify: (request) => {
    const name = /\bname=(\w+)/.exec(request.headers.get("cookie") ?? "")?.[1];
    return name === undefined ? null : { identifiers: { name } };
  },
});

// What the cable server asks: who may follow what, and what happens when someone speaks.
const broadcaster = createBroadcaster({ url: `http://${CABLE}/_broadcast`, secret, onError: console.error });
const cable = createCable({
  // Makes what a token says typed; called for every command.
  identifiers: (raw) => ({ name: String(Object(raw).name) }),
}).channel("ChatChannel", {
  // Clients send what they like: parsers give it a type, or throw to refuse it.
  params: (raw) => ({ room: String(raw.room) }),
  data: { speak: (raw) => ({ text: String(raw.text) }) },

  subscribed(ctx, { room }) {
    if (room === "staff" && ctx.connection.identifiers.name !== "ann") return ctx.reject();
    // Followers may whisper to each other: "ann is typing" never comes this way.
    ctx.streamFrom(`chat:${room}`, { whisper: true });
    ctx.state.set("said", 0);
  },
  actions: {
    async speak(ctx, { text }) {
      const said = Number(ctx.state.get("said")) + 1;
      ctx.state.set("said", said);
      const { name } = ctx.connection.identifiers;
      await broadcaster.broadcast(`chat:${ctx.params.room}`, { from: name, text, said });
    },
  },
});

// A stream that clients follow without asking: whoever is given its signed name may.
const news = createStreams({ secret }).sign("news");

const web = createServer(
  nodeListener(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/token") return token(request);
    if (pathname === "/news") return Response.json({ channel: "$pubsub", signed_stream_name: news });
    return new Response("not found", { status: 404 });
  }, console.error),
);
web.listen(Number(PORT), "127.0.0.1");

// The server: hawser --rpc_host=127.0.0.1:50051, with the same secret in ANYCABLE_SECRET.
const service = await serveRpc(cable, { port: Number(RPC_PORT), secret });
console.log(`listening: http://127.0.0.1:${PORT}, gRPC on ${service.port}`);

process.once("SIGTERM", async () => {
  web.close();
  await service.close();
  await broadcaster.flush();
});
