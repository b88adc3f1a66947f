import type { StreamVerifier } from "../signed/stream-name.ts";
import { nameOf, type Route, reject } from "./router.ts";

/** The channels that other libraries have for signed streams, and the member that holds the name. */
export const SIGNED_CHANNELS = {
  turbo: { channel: "Turbo::StreamsChannel", member: "signed_stream_name" },
  cableReady: { channel: "CableReady::Stream", member: "identifier" },
} as const;

/**
 * A channel whose streams are all signed, and that knows neither whispers nor presence (anycable
 * streams/controller.go@1.6.16).
 *
 * @param member of the identifier, which holds the signed name.
 */
export function signedRoute(member: string, verify: StreamVerifier): Route {
  return (members) => {
    const signed = nameOf(members[member]);
    if (signed === null) return reject("the name of the stream is not a string");
    if (signed === "") return reject("no stream name");
    const verdict = verify(signed);
    return verdict.verified
      ? { confirmed: true, stream: verdict.stream, istate: NO_STATE }
      : reject(verdict.why);
  };
}

const NO_STATE = Object.freeze({});
