import { readFileSync } from "node:fs";
import { CompactVerifier } from "@hawser/core/jwt/compact";
import { readJwkSet } from "@hawser/core/jwt/jwk-set";
import { createKeyRing, type KeyRing } from "@hawser/core/jwt/keyring";
import { nodeCrypto } from "@hawser/server/drivers/crypto";

/*
 * Runs a Wycheproof JSON Web Signature file (testvectors_v1/json_web_signature_test.json) against the signature layer and
 * prints how many vectors were accepted and refused, by what they should be: npm run vectors -- FILE
 * Exit 1 when a vector that is invalid was accepted, 2 when the file cannot be used.
 *
 * The file contradicts itself: 367 and 370, invalid, are the very token and key of 357, valid (C2SP/wycheproof#236). Such
 * vectors are found by comparing, counted as they are labelled, listed, and do not fail the run. Six valid ones no strict
 * verifier takes: 346 and 350 name another algorithm than their key, 347 and 351 one that does not exist (ES521), and 372
 * and 373 have a character in them that no token has.
 */

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly jws: string;
  readonly result: "valid" | "invalid" | "acceptable";
}

interface VectorFile {
  readonly testGroups: readonly {
    readonly private?: object;
    readonly public?: object;
    readonly tests: readonly Vector[];
  }[];
}

interface Outcome {
  readonly vector: Vector;
  /** Null when it was accepted. */
  readonly refusal: string | null;
  /** The key itself was not taken, so the token was not looked at. */
  readonly keyRefused: boolean;
  /** The vector that has the same token and key, and is labelled valid where this one is invalid. */
  readonly contradicts: Vector | null;
}

const MAX_TOKEN_BYTES = 1 << 20;

/** The ring that a server with this key in its keys file has, or why it has none. */
function ringOf(jwk: object | undefined): KeyRing | string {
  const reading = {
    ...{ crypto: nodeCrypto, published: false, withPrivate: false, preferred: [] },
    ...{ source: "the file", issuer: null, namePrefix: "" },
  };
  const { keys, refused } = readJwkSet(JSON.stringify({ keys: [jwk] }), reading);
  return refused[0]?.message ?? createKeyRing(keys);
}

function run(file: VectorFile): Outcome[] {
  const verifier = new CompactVerifier({ crypto: nodeCrypto, maxTokenBytes: MAX_TOKEN_BYTES });
  return file.testGroups.flatMap((group) => {
    const ring = ringOf(group.public ?? group.private);
    const valid = group.tests.filter(({ result }) => result === "valid");
    return group.tests.map((vector) => {
      const twin = valid.find(({ jws }) => vector.result === "invalid" && jws === vector.jws);
      const refusal = typeof ring === "string" ? ring : refusalOf(verifier, vector, ring);
      return { vector, refusal, keyRefused: typeof ring === "string", contradicts: twin ?? null };
    });
  });
}

function refusalOf(verifier: CompactVerifier, { jws }: Vector, ring: KeyRing): string | null {
  const judged = verifier.verify(jws, ring.poolOf(null));
  return "reason" in judged ? `${judged.reason}: ${judged.detail}` : null;
}

function report(outcomes: readonly Outcome[]): void {
  console.log(`${outcomes.length} vectors`);
  console.log("result      accepted  refused  of these for the key");
  for (const result of ["valid", "invalid", "acceptable"] as const) {
    const all = outcomes.filter(({ vector }) => vector.result === result);
    const refused = all.filter(({ refusal }) => refusal !== null);
    const counts = [all.length - refused.length, refused.length, refused.filter((o) => o.keyRefused).length];
    console.log(
      `${result.padEnd(10)}  ${String(counts[0]).padStart(8)}  ${String(counts[1]).padStart(7)}  ${String(counts[2]).padStart(20)}`,
    );
  }
  list("accepted, though invalid", outcomes.filter(isWronglyAccepted));
  list(
    "labelled invalid, though a valid vector is the same token",
    outcomes.filter(({ contradicts }) => contradicts !== null),
  );
  list(
    "refused, though valid",
    outcomes.filter(({ vector, refusal }) => vector.result === "valid" && refusal !== null),
  );
}

function isWronglyAccepted({ vector, refusal, contradicts }: Outcome): boolean {
  return vector.result === "invalid" && refusal === null && contradicts === null;
}

function list(title: string, outcomes: readonly Outcome[]): void {
  console.log(`${title}: ${outcomes.length === 0 ? "none" : outcomes.length}`);
  for (const { vector, refusal, contradicts } of outcomes) {
    const twin = contradicts === null ? "" : ` (the same as ${contradicts.tcId} ${contradicts.comment})`;
    console.log(`  ${vector.tcId} ${vector.comment}: ${refusal ?? "accepted"}${twin}`);
  }
}

function readVectors(path: string): VectorFile {
  const file: VectorFile = JSON.parse(readFileSync(path, "utf8"));
  if (!Array.isArray(file.testGroups)) throw new Error("it has no testGroups");
  return file;
}

function main(path: string | undefined): number {
  if (path === undefined) {
    console.error("usage: npm run vectors -- FILE, FILE being Wycheproof's json_web_signature_test.json");
    return 2;
  }
  let file: VectorFile;
  try {
    file = readVectors(path);
  } catch (error) {
    console.error(
      `Cannot use ${path} as a file of vectors: ${error instanceof Error ? error.message : error}`,
    );
    return 2;
  }
  const outcomes = run(file);
  report(outcomes);
  return outcomes.some(isWronglyAccepted) ? 1 : 0;
}

process.exit(main(process.argv[2]));
