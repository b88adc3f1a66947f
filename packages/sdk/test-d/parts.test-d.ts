import { createBroadcaster, createTokens, type Tokens as TokensOfAll } from "@hawser/sdk";
import { type Broadcaster, type BroadcastMessage, createBroadcaster as create } from "@hawser/sdk/broadcast";
import { createCable, createRpcHandler } from "@hawser/sdk/http-rpc";
import { createStreams, type Streams, streamName } from "@hawser/sdk/streams";
import { createTokenEndpoint, nodeListener, type Tokens, type TokenVerdict } from "@hawser/sdk/tokens";

// The parts are those of the whole.
const tokens: Tokens = createTokens({ secret: "s" });
const same: TokensOfAll = tokens;
const broadcaster: Broadcaster = createBroadcaster({ url: "http://127.0.0.1/_broadcast" });
create({ url: "http://127.0.0.1/_broadcast", secret: process.env.ANYCABLE_SECRET });

// A verdict has to be looked at before what it holds.
const verdict: TokenVerdict = same.verify("t");
// @ts-expect-error it may have been refused
verdict.identifiers;
// @ts-expect-error it may have been accepted
verdict.reason;
if (verdict.accepted) verdict.identifiers;
else verdict.reason satisfies string;

// Identifiers are an object or a text; a token without a secret is none.
tokens.issue({ user_id: 7 }, { expiresInSeconds: null, claims: { role: "a" } }) satisfies string;
// @ts-expect-error neither
tokens.issue(7);
// @ts-expect-error no secret
createTokens({});
// @ts-expect-error no HMAC
createTokens({ secret: "s", algorithm: "RS256" });

// Everything may be broadcast but nothing.
const message: BroadcastMessage = { stream: "s", data: [1, { a: null }] };
broadcaster.broadcast("s", "text", { excludeSid: "x", broadcastType: "note" }) satisfies Promise<void>;
broadcaster.broadcastBatch([message]) satisfies Promise<void>;
broadcaster.disconnect("me", { reconnect: true }) satisfies Promise<void>;
broadcaster.revoke({ identifiers: { user_id: 7 }, issuedBeforeMs: Date.now() }) satisfies Promise<void>;
broadcaster.revoke({ jti: "a" }, { reconnect: true, expiresAtMs: 1 });
// @ts-expect-error a time is for identifiers alone
broadcaster.revoke({ jti: "a", issuedBeforeMs: 1 });
// @ts-expect-error one at a time
broadcaster.revoke({ jti: "a", sid: "b" });
// @ts-expect-error nothing is named
broadcaster.revoke({});
// @ts-expect-error the data is missing
broadcaster.broadcast("s");
// @ts-expect-error no such option
broadcaster.broadcast("s", 1, { exclude: "x" });
// @ts-expect-error the stream is missing
broadcaster.broadcastBatch([{ data: 1 }]);

const streams: Streams = createStreams({ secret: "s" });
streams.sign(streamName("rooms", 7)) satisfies string;
const signed = streams.verify("x");
// @ts-expect-error it may have been refused
signed.stream;
// @ts-expect-error parts are texts and numbers
streamName({ id: 7 });

// An endpoint says who asks, now or later, or that it is nobody.
createTokenEndpoint({ tokens, identify: () => null }) satisfies (request: Request) => Promise<Response>;
const endpoint = createTokenEndpoint({
  tokens,
  identify: async (request) => ({ identifiers: { from: request.url }, expiresInSeconds: 60 }),
});
// @ts-expect-error who it is, is missing
createTokenEndpoint({ tokens, identify: () => ({ expiresInSeconds: 60 }) });
nodeListener(endpoint);

// Who may call has to be one of the things that can be said; a variable of the environment may be missing.
const rpc = createRpcHandler(createCable({}), { secret: process.env.ANYCABLE_SECRET });
nodeListener(rpc);
rpc(new Request("http://app/connect")) satisfies Promise<Response>;
// @ts-expect-error no options
createRpcHandler(createCable({}));
// @ts-expect-error no such option
createRpcHandler(createCable({}), { password: "s" });
