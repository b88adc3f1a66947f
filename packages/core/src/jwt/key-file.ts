import { CableError } from "../errors.ts";
import { boundTo, checkedFacts, type JwkReading, UnusableKey, unusable } from "./jwk.ts";
import { type JwkSet, type JwkSetReading, readJwkSet, type SetKey } from "./jwk-set.ts";
import type { PublicMaterial } from "./key-material.ts";

/** What a file of an operator's keys is read as: theirs to mark and to sign with, never published. */
export type KeyFileReading = Omit<JwkSetReading, "published">;

const PEM_BEGIN = "-----BEGIN ";

/**
 * Reads a file of keys: a JWK Set, a single JWK, or public keys in PEM, one after the other.
 *
 * @throws CableError `config_invalid` for the first thing that is wrong with it: a file is taken whole or not at all.
 */
export function readKeyFile(text: string, reading: KeyFileReading): readonly SetKey[] {
  const whole = { ...reading, published: false };
  const set = text.includes(PEM_BEGIN) ? readPemKeys(text, whole) : readJwkSet(text, whole);
  const [first] = set.refused;
  if (first !== undefined) throw first;
  if (set.keys.length > 0) return set.keys;
  throw new CableError(
    "config_invalid",
    `Cannot use ${reading.source} as a file of keys: it holds none. Put a key in, or leave the option out.`,
  );
}

/** What people have at hand instead of a public key, and how they get one from it. */
const OTHER_PEM: readonly (readonly [label: RegExp, todo: string])[] = [
  [/PRIVATE KEY/, "it is a private key, which does not belong here; give openssl pkey -pubout -in FILE"],
  [/CERTIFICATE/, "it is a certificate; give what openssl x509 -pubkey -noout -in FILE prints"],
  [/RSA PUBLIC KEY/, "it is in PKCS #1 form; give what openssl rsa -RSAPublicKey_in -pubout -in FILE prints"],
];

function readPemKeys(text: string, reading: JwkSetReading): JwkSet {
  const blocks = text.split(PEM_BEGIN).slice(1);
  const keys: SetKey[] = [];
  const refused: CableError[] = [];
  blocks.forEach((block, at) => {
    try {
      keys.push(pemKey(PEM_BEGIN + block, at, reading));
    } catch (thrown) {
      if (!(thrown instanceof UnusableKey)) throw thrown;
      refused.push(unusable(thrown, `key number ${at + 1}`, reading.source));
    }
  });
  return { keys, refused };
}

function pemKey(pem: string, at: number, reading: JwkSetReading & JwkReading): SetKey {
  const label = pem.slice(PEM_BEGIN.length, pem.indexOf("-----", PEM_BEGIN.length));
  const other = OTHER_PEM.find(([pattern]) => pattern.test(label));
  if (other !== undefined) throw new UnusableKey(other[1]);
  const material: PublicMaterial = { kind: "public", form: { format: "spki", pem: pem.trim() } };
  const algorithm = boundTo(checkedFacts(material, reading.crypto), reading.preferred);
  return {
    name: `${reading.namePrefix}key-${at + 1}`,
    ...{ kid: null, algorithms: [algorithm], material, signing: null, state: "active" },
    issuer: reading.issuer,
    source: reading.source,
  };
}

/**
 * Reads a file with one secret: its text without the white space around it, as secret mounts and editors leave it.
 *
 * @throws CableError `config_invalid` when there is none, or the file is of another kind.
 */
export function readSecretFile(text: string, source: string): string {
  const secret = text.replace(/^\uFEFF/, "").trim();
  const why = whyNoSecret(secret);
  if (why === null) return secret;
  throw new CableError("config_invalid", `Cannot use ${source} as a secret: ${why}.`);
}

function whyNoSecret(secret: string): string | null {
  if (secret === "") return "it is empty; write the secret into it";
  if (secret === "none") return "it says none, which only the option itself can; write the secret into it";
  if (secret.includes("\uFFFD")) {
    return "it is not UTF-8 text, and SDKs take secrets for text; write one of letters and digits";
  }
  if (secret.startsWith(PEM_BEGIN) || /^\{\s*"(?:keys|kty)"/.test(secret)) {
    return "it holds keys and no plain secret; give it with --jwt_keys_file";
  }
  return null;
}
