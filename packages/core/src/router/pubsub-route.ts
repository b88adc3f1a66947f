import type { Route, RouteDecision } from "./router.ts";

export interface PubsubRouteOptions {
  /** Whether clients may name a stream without a signature. */
  readonly publicStreams: boolean;
}

/** State keys of anycable common/common.go: where whispers and presence of the channel go. */
const WHISPER_STREAM = "$w";
const PRESENCE_STREAM = "$p";

/**
 * The built-in channel `$pubsub`. A signed name wins over a plain one, and without a way to check it is rejected.
 *
 * DEVIATION: D7. The reference checks signed names against an empty key when it has no secret.
 */
export function pubsubRoute({ publicStreams }: PubsubRouteOptions): Route {
  return ({ stream_name: stream, signed_stream_name: signed }) => {
    if (isGiven(signed)) return reject("signed streams have no key to be checked with");
    if (typeof stream !== "string" || stream === "") return reject("no stream name");
    if (!publicStreams) return reject("public streams are not allowed (start with --public_streams)");
    return { confirmed: true, stream, istate: { [WHISPER_STREAM]: stream, [PRESENCE_STREAM]: stream } };
  };
}

/** An empty name is none (Go's zero value). */
function isGiven(name: unknown): boolean {
  return name !== undefined && name !== null && name !== "";
}

function reject(why: string): RouteDecision {
  return { confirmed: false, why };
}
