import type { KeyRing } from "@hawser/core/jwt/keyring";
import { publishersOf } from "../../app/server-keys.ts";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import type { KeysNow } from "../published-keys.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** Whether issuers that publish their keys could be asked for them, and have any that can be used. */
export function checkPublishedKeys(config: ResolvedConfig, { ring, problems }: KeysNow): Finding[] {
  const found = findingsOf("published keys");
  const fine = publishersOf(config).flatMap(({ issuer }) => {
    if (issuer === null) return [];
    const kids = kidsOf(ring, issuer);
    if (kids.length === 0) return [];
    return [found.ok(`${issuer} publishes ${kids.length} that can be used: ${kids.join(", ")}`)];
  });
  const advice = "until it can, clients with its tokens are refused, or known by the keys of before";
  return [...fine, ...problems.map((problem) => found.fail(problem, advice))];
}

/** Of the keys that the issuer publishes; those of a file may stand beside them. */
function kidsOf(ring: KeyRing, issuer: string): readonly string[] {
  return ring.keys
    .filter((key) => key.issuer === issuer && key.name.startsWith(`${issuer}/`))
    .map(({ name }) => name.slice(issuer.length + 1));
}
