import { createBroadcaster, createCable, type RpcHandlers } from "@hawser/sdk";

/** Where the cable server takes publications, and the secret that both sides have. */
export const { ANYCABLE_SECRET: secret = "", BROADCAST_URL = "http://127.0.0.1:8080/_broadcast" } =
  process.env;

/** A chat: whoever gives a name is let in, and what one says in a room is heard there. */
export function createChat(): RpcHandlers {
  const broadcaster = createBroadcaster({ url: BROADCAST_URL, secret, onError: console.error });
  return createCable({
    identifiers: (raw) => ({ name: String(Object(raw).name) }),
    connect(env) {
      const name = new URL(env.url).searchParams.get("name") ?? "guest";
      return { identifiers: { name } };
    },
  }).channel("ChatChannel", {
    params: (raw) => ({ room: String(raw.room) }),
    data: { speak: (raw) => ({ text: String(raw.text) }) },
    subscribed(ctx, { room }) {
      ctx.streamFrom(`chat:${room}`);
    },
    actions: {
      async speak(ctx, { text }) {
        const from = ctx.connection.identifiers.name;
        await broadcaster.broadcast(`chat:${ctx.params.room}`, { from, text });
      },
    },
  });
}
