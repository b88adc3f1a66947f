import { fingerprint, type HmacHex } from "@hawser/core/options";

/** What a fingerprint of a broadcast key is for: the same as `--print-config` prints of `--broadcast_key`. */
const PURPOSE = "broadcast_key";

/** What is logged of a publication whose key is not ours: both fingerprints, so that an operator sees which is which. */
export function refusedPublicationFields(
  presented: string | null,
  key: string,
  hmacHex: HmacHex,
): Readonly<Record<string, string>> {
  const bearer = /^Bearer (.+)$/i.exec(presented ?? "")?.[1];
  return {
    context: "broadcast",
    reason: bearer === undefined ? "no_key" : "wrong_key",
    key_fp: fingerprint(hmacHex, key, PURPOSE),
    presented_fp: bearer === undefined ? "none" : fingerprint(hmacHex, bearer, PURPOSE),
    detail:
      bearer === undefined
        ? "the request has no Authorization: Bearer with the broadcast key"
        : "the publisher's broadcast key or secret is another than this server's",
  };
}
