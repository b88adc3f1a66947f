/*
 * CPU of one HS256 verification, beside the libraries that most people would take: bun bench/verify.ts [--rounds N]
 *
 * `node:crypto` is the floor: an HMAC, a comparison and a JSON.parse, with no check at all. Each contestant verifies
 * every one of the tokens once a round, the contestants take turns, and the figures are medians. The rows with a bound
 * are budgets: exit 1 when one is broken.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { HMAC_ALGORITHMS } from "@hawser/core/jwt/algorithms";
import { secretFromText } from "@hawser/core/jwt/key-material";
import { createKeyRing, type KeySpec } from "@hawser/core/jwt/keyring";
import { createVerifier, DEFAULT_POLICY } from "@hawser/core/jwt/verifier";
import { createNodeCrypto } from "@hawser/server/drivers/crypto";
import { createVerifier as createFastJwtVerifier } from "fast-jwt";
import { jwtVerify } from "jose";
import { table } from "./report.ts";
import { summarize } from "./statistics.ts";
import { BENCH_SECRET, signToken } from "./tokens.ts";

const TOKENS = 20_000;
// jose takes only secrets of 32 bytes and more for HS256.
const SECRET = BENCH_SECRET.repeat(6);
const KID = "2026-11-25-ab12";

interface Contestant {
  readonly name: string;
  /** Throws on a token that it refuses: all of them are good. */
  readonly verifyAll: (tokens: Tokens) => Promise<void> | void;
  /** The most that it may cost, as a multiple of the floor: a gate that holds on any machine. */
  readonly atMost?: number;
}

/** The same tokens twice. */
interface Tokens {
  readonly plain: readonly string[];
  readonly withKid: readonly string[];
}

/** 2.5 and 6 us where the floor is 1.3 us. */
const WITH_KID = { atMost: 1.9 };
const WITH_8_KEYS = { atMost: 4.6 };
const FLOOR = "node:crypto alone, no checks";

const key = (name: string, secret: string, kid: string | null): KeySpec => ({
  ...{ name, kid, algorithms: HMAC_ALGORITHMS, material: secretFromText(secret), state: "active" },
});
/** Seven that are tried before the one that signed. */
const OTHERS = Array.from({ length: 7 }, (_, i) => `another secret of some length, number ${i}`);

function hawser(
  name: string,
  keys: readonly KeySpec[],
  which: keyof Tokens,
  budget: { atMost?: number } = {},
): Contestant {
  const ring = createKeyRing(keys);
  const verifier = createVerifier({
    ring: () => ring,
    crypto: createNodeCrypto(),
    clock: { nowMs: Date.now },
    policy: DEFAULT_POLICY,
  });
  return {
    name,
    ...budget,
    verifyAll(tokens) {
      for (const token of tokens[which]) {
        const verdict = verifier.verify(token);
        if (!verdict.accepted) throw new Error(verdict.detail);
      }
    },
  };
}

function bareCrypto(): Contestant {
  return {
    name: FLOOR,
    verifyAll({ plain }) {
      for (const token of plain) {
        const dot = token.lastIndexOf(".");
        const expected = createHmac("sha256", SECRET).update(token.slice(0, dot)).digest();
        const given = Buffer.from(token.slice(dot + 1), "base64url");
        if (!timingSafeEqual(expected, given)) throw new Error("bad signature");
        JSON.parse(Buffer.from(token.slice(token.indexOf(".") + 1, dot), "base64url").toString());
      }
    },
  };
}

function fastJwt(): Contestant {
  const verify = createFastJwtVerifier({ key: SECRET, algorithms: ["HS256"], cache: false });
  return {
    name: "fast-jwt",
    verifyAll({ plain }) {
      for (const token of plain) verify(token);
    },
  };
}

function jose(): Contestant {
  const key = new TextEncoder().encode(SECRET);
  return {
    name: "jose",
    async verifyAll({ plain }) {
      for (const token of plain) await jwtVerify(token, key, { algorithms: ["HS256"] });
    },
  };
}

const cpuUs = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

function contestants(): readonly Contestant[] {
  const tried = OTHERS.map((secret, i) => key(`other-${i}`, secret, null));
  const named = OTHERS.map((secret, i) => key(`other-${i}`, secret, `other-${i}`));
  return [
    hawser("hawser, one secret", [key("secret", SECRET, null)], "plain"),
    hawser("hawser, the last of 8 keys", [...tried, key("secret", SECRET, null)], "plain", WITH_8_KEYS),
    hawser("hawser, 8 keys and a kid", [...named, key("secret", SECRET, KID)], "withKid", WITH_KID),
    bareCrypto(),
    fastJwt(),
    jose(),
  ];
}

/** @returns whether every budget was kept. */
async function main(rounds: number): Promise<boolean> {
  const now = Math.floor(Date.now() / 1000);
  const identities = Array.from({ length: TOKENS }, (_, i) => ({ user_id: i }));
  const tokens = {
    plain: identities.map((identity) => signToken(SECRET, identity, now, 3600)),
    withKid: identities.map((identity) => signToken(SECRET, identity, now, 3600, { kid: KID })),
  };
  const all = contestants();
  const figures = new Map(all.map(({ name }) => [name, [] as number[]]));
  for (const { verifyAll } of all) await verifyAll(tokens); // let the JIT see it
  for (let round = 0; round < rounds; round++) {
    for (const { name, verifyAll } of all) {
      const before = cpuUs();
      await verifyAll(tokens);
      figures.get(name)?.push((cpuUs() - before) / TOKENS);
    }
  }
  let kept = true;
  const floor = summarize(figures.get(FLOOR) ?? []).median;
  const rows = all.map(({ name, atMost }) => {
    const { median, least, most } = summarize(figures.get(name) ?? []);
    const ratio = median / floor;
    const within = atMost === undefined || ratio <= atMost;
    kept &&= within;
    const budget = atMost === undefined ? "" : `<= ${atMost}: ${within ? "kept" : "BROKEN"}`;
    const spread = `${least.toFixed(2)} - ${most.toFixed(2)}`;
    return [name, `${median.toFixed(2)} us`, spread, ratio.toFixed(2), budget];
  });
  console.log(`CPU a verification, HS256, ${tokens.plain[0]?.length} bytes; ${rounds} rounds of ${TOKENS}`);
  console.log(table([["", "median", "least - most", "floors", "budget"], ...rows]));
  return kept;
}

const flag = process.argv.indexOf("--rounds");
process.exitCode = (await main(flag > 0 ? Number(process.argv[flag + 1]) : 5)) ? 0 : 1;
