import { createBroadcaster, createCable, createTokens, serveRpc } from "@hawser/sdk";

const secret = process.env.ANYCABLE_SECRET ?? "";

// For the page: new WebSocket(`ws://127.0.0.1:8080/cable?jid=${token}`, "actioncable-v1-json")
const tokens = createTokens({ secret, ttlSeconds: 600 });
console.log(tokens.issue({ name: "ann" }));

const broadcaster = createBroadcaster({ url: "http://127.0.0.1:8080/_broadcast", secret });

const cable = createCable({
  // Makes what a token says typed; called for every command.
  identifiers: (raw) => ({ name: String(Object(raw).name) }),
}).channel("ChatChannel", {
  // Clients send what they like: parsers give it a type, or throw to refuse it.
  params: (raw) => ({ room: String(raw.room) }),
  data: { speak: (raw) => ({ text: String(raw.text) }) },

  subscribed(ctx, { room }) {
    if (room === "staff" && ctx.connection.identifiers.name !== "ann") return ctx.reject();
    ctx.streamFrom(`chat:${room}`);
    ctx.state.set("since", Date.now());
  },
  actions: {
    async speak(ctx, { text }) {
      await broadcaster.broadcast(`chat:${ctx.params.room}`, { from: ctx.connection.identifiers.name, text });
    },
  },
});

// The server: bin/hawser --rpc_host=127.0.0.1:50051, with the same secret in ANYCABLE_SECRET.
const service = await serveRpc(cable, { port: 50051 });
process.once("SIGTERM", () => service.close());
