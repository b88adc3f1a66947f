import { PRESENCE_STREAM, WHISPER_STREAM } from "../protocol/channel-state.ts";
import type { StreamVerifier } from "../signed/stream-name.ts";
import { nameOf, type Route, type RouteDecision, reject } from "./router.ts";

export interface PubsubRouteOptions {
  /** Whether clients may name a stream without a signature. */
  readonly publicStreams: boolean;
  readonly verify: StreamVerifier;
  /** Whether followers of a signed stream may whisper on it; those of a public one always may. */
  readonly whisper: boolean;
  /** The same for presence. */
  readonly presence: boolean;
}

/** The built-in channel `$pubsub` (anycable streams/controller.go@1.6.16). A signed name wins over a plain one. */
export function pubsubRoute(options: PubsubRouteOptions): Route {
  return ({ stream_name, signed_stream_name }) => {
    const stream = nameOf(stream_name);
    const signed = nameOf(signed_stream_name);
    if (stream === null || signed === null) return reject("the name of a stream is not a string");
    if (signed !== "") return followSigned(options, signed);
    if (stream === "") return reject("no stream name");
    if (!options.publicStreams) return reject("public streams are not allowed (start with --public_streams)");
    return { confirmed: true, stream, istate: { [WHISPER_STREAM]: stream, [PRESENCE_STREAM]: stream } };
  };
}

function followSigned({ verify, whisper, presence }: PubsubRouteOptions, signed: string): RouteDecision {
  const verdict = verify(signed);
  if (!verdict.verified) return reject(verdict.why);
  const { stream } = verdict;
  const istate: Record<string, string> = {};
  if (whisper) istate[WHISPER_STREAM] = stream;
  if (presence) istate[PRESENCE_STREAM] = stream;
  return { confirmed: true, stream, istate };
}
