import { signMessage, verifyMessage } from "./message.ts";
import type { MessageKey } from "./message-key.ts";

export type StreamVerdict =
  | { readonly verified: true; readonly stream: string; readonly key: MessageKey }
  | { readonly verified: false; readonly why: string };

/** Judges a signed stream name, whatever string it is. Never throws. */
export type StreamVerifier = (signed: string) => StreamVerdict;

/** The name of a stream, signed, so that a client may subscribe to it and to no other. */
export function signStreamName(stream: string, key: Pick<MessageKey, "sign">): string {
  return signMessage(stream, key);
}

/**
 * @param keys asked for each name, so that a change of keys takes effect with the next one; tried in their order.
 *   DEVIATION: D7. Without any every name is refused; the reference checks them with an empty key.
 */
export function createStreamVerifier(keys: () => readonly MessageKey[]): StreamVerifier {
  return (signed) => {
    const verdict = verifyMessage(signed, keys());
    if (!verdict.verified) return verdict;
    const { payload, key } = verdict;
    if (typeof payload !== "string")
      return { verified: false, why: "well signed, but not the name of a stream" };
    return { verified: true, stream: payload, key };
  };
}
