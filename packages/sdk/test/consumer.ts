import { createBroadcaster, createCable, createTokens, serveRpc } from "@hawser/sdk";
import { type Broadcaster, CableError } from "@hawser/sdk/broadcast";
import type { Cable } from "@hawser/sdk/rpc";
import { createStreams } from "@hawser/sdk/streams";
import { createTokenEndpoint, nodeListener, type TokenVerdict } from "@hawser/sdk/tokens";

/** What an application's compiler has to make of the installed package's declarations. */

export const verdict: TokenVerdict = createTokens({ secret: "s" }).verify("t");
export const broadcaster: Broadcaster = createBroadcaster({ url: "http://127.0.0.1:1/_broadcast" });
export const cable: Cable<{ name: string }> = createCable({
  identifiers: (raw) => ({ name: String(raw) }),
}).channel("Chat", {
  params: (raw) => ({ room: String(raw.room) }),
  subscribed(ctx, { room }) {
    ctx.streamFrom(room, { whisper: true });
    ctx.connection.identifiers.name satisfies string;
    // @ts-expect-error no such parameter
    ctx.params.rom;
  },
});
export const signed: string = createStreams({ secret: "s" }).sign("chat");
export const listener = nodeListener(
  createTokenEndpoint({ tokens: createTokens({ secret: "s" }), identify: () => ({ identifiers: "ann" }) }),
);
export const start = () => serveRpc(cable, { port: 0, graceMs: 1 });
export const isFault = (thrown: unknown): boolean =>
  thrown instanceof CableError && thrown.code === "io_failed";
// @ts-expect-error what is not exported cannot be imported
export type { SendQueue } from "@hawser/sdk/broadcast";
