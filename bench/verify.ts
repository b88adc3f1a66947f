/*
 * CPU of one HS256 verification, beside the libraries that most people would take: bun bench/verify.ts [--rounds N]
 *
 * `node:crypto` is the floor: an HMAC, a comparison and a JSON.parse, with no check at all. Each contestant verifies
 * every one of the tokens once a round, the contestants take turns, and the figures are medians.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { ringOfSecret } from "@hawser/core/jwt/keyring";
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

interface Contestant {
  readonly name: string;
  /** Throws on a token that it refuses: all of them are good. */
  readonly verifyAll: (tokens: readonly string[]) => Promise<void> | void;
}

function hawser(): Contestant {
  const ring = ringOfSecret(SECRET);
  const verifier = createVerifier({
    ring: () => ring,
    crypto: createNodeCrypto(),
    clock: { nowMs: Date.now },
    policy: DEFAULT_POLICY,
  });
  return {
    name: "hawser",
    verifyAll(tokens) {
      for (const token of tokens) {
        const verdict = verifier.verify(token);
        if (!verdict.accepted) throw new Error(verdict.detail);
      }
    },
  };
}

function bareCrypto(): Contestant {
  return {
    name: "node:crypto alone, no checks",
    verifyAll(tokens) {
      for (const token of tokens) {
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
    verifyAll(tokens) {
      for (const token of tokens) verify(token);
    },
  };
}

function jose(): Contestant {
  const key = new TextEncoder().encode(SECRET);
  return {
    name: "jose",
    async verifyAll(tokens) {
      for (const token of tokens) await jwtVerify(token, key, { algorithms: ["HS256"] });
    },
  };
}

const cpuUs = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

async function main(rounds: number): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  const tokens = Array.from({ length: TOKENS }, (_, i) => signToken(SECRET, { user_id: i }, now, 3600));
  const contestants = [hawser(), bareCrypto(), fastJwt(), jose()];
  const figures = new Map(contestants.map(({ name }) => [name, [] as number[]]));
  for (const { verifyAll } of contestants) await verifyAll(tokens.slice(0, TOKENS / 10)); // let the JIT see it
  for (let round = 0; round < rounds; round++) {
    for (const { name, verifyAll } of contestants) {
      const before = cpuUs();
      await verifyAll(tokens);
      figures.get(name)?.push((cpuUs() - before) / TOKENS);
    }
  }
  const rows = contestants.map(({ name }) => {
    const { median, least, most } = summarize(figures.get(name) ?? []);
    return [name, `${median.toFixed(2)} us`, `${least.toFixed(2)} - ${most.toFixed(2)}`];
  });
  console.log(`CPU a verification, HS256, ${tokens[0]?.length} bytes; ${rounds} rounds of ${TOKENS}`);
  console.log(table([["", "median", "least - most"], ...rows]));
}

const flag = process.argv.indexOf("--rounds");
await main(flag > 0 ? Number(process.argv[flag + 1]) : 5);
