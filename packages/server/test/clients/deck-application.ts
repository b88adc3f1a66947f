import { type Broadcaster, createBroadcaster, createCable, type RpcService, serveRpc } from "@hawser/sdk";

/** An application on the SDK behind the server under test. */
export interface DeckApplication {
  readonly rpcPort: number;
  /** Where it publishes, once the server is up. */
  publishTo(broadcastPort: number, secret: string): Broadcaster;
  stop(): Promise<void>;
}

/**
 * Its channel `DeckChannel` has a deck for each `deck` in the parameters, and a bridge that nobody may enter. Whoever is
 * on a deck can be told who they are, have a text sent back, say one to the whole deck, and whisper to the others there.
 */
export async function startDeckApplication(): Promise<DeckApplication> {
  let broadcaster: Broadcaster | null = null;
  const cable = createCable({ identifiers: (raw) => ({ user: String(Object(raw).user) }) }).channel(
    "DeckChannel",
    {
      params: (raw) => ({ deck: String(raw.deck) }),
      data: {
        echo: (raw) => ({ text: String(raw.text) }),
        say: (raw) => ({ text: String(raw.text) }),
      },
      subscribed(ctx, { deck }) {
        if (deck === "bridge") return ctx.reject();
        ctx.streamFrom(`deck:${deck}`, { whisper: true });
      },
      actions: {
        whoami: (ctx) => ctx.transmit({ user: ctx.connection.identifiers.user }),
        echo: (ctx, { text }) => ctx.transmit({ text }),
        async say(ctx, { text }) {
          const from = ctx.connection.identifiers.user;
          await broadcaster?.broadcast(`deck:${ctx.params.deck}`, { from, text });
        },
      },
    },
  );
  const service: RpcService = await serveRpc(cable, { port: 0 });
  return {
    rpcPort: service.port,
    publishTo(broadcastPort, secret) {
      broadcaster = createBroadcaster({ url: `http://127.0.0.1:${broadcastPort}/_broadcast`, secret });
      return broadcaster;
    },
    stop: () => service.close(),
  };
}
