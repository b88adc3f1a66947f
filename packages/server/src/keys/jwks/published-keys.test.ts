import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { KeySources } from "@hawser/core/jwt/key-sources";
import { createKeyRing } from "@hawser/core/jwt/keyring";
import { RingHolder } from "@hawser/core/jwt/ring-holder";
import { createVerifier, type Verifier } from "@hawser/core/jwt/verifier";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { RecordingLog } from "@hawser/core/testing/recording-log";
import { SignJWT } from "jose";
import { configOf } from "../../../test/support/load-config.ts";
import { createScratch, type Scratch } from "../../../test/support/scratch.ts";
import { hmacHex, nodeCrypto } from "../../drivers/crypto.ts";
import { createDocumentFetch } from "../../drivers/document-fetch.ts";
import { readTextFile, replaceTextFile } from "../../drivers/files.ts";
import { tokenPolicy } from "../token-policy.ts";
import { PublishedKeys } from "./published-keys.ts";

/* A real issuer over HTTP, and a clock that is driven. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const TIMEOUT_MS = 400;

interface Pair {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: object;
}

function pairOf(kid: string): Pair {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { kid, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" } };
}
const FIRST = pairOf("first");
const SECOND = pairOf("second");

type Answer = (request: Request) => Response | Promise<Response>;
const setOf = (...pairs: readonly Pair[]): Answer => {
  const body = JSON.stringify({ keys: pairs.map(({ jwk }) => jwk) });
  return () => new Response(body, { headers: { "Cache-Control": "max-age=3600" } });
};

class Issuer {
  answer: Answer = setOf(FIRST);
  asked = 0;
  readonly #server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      this.asked++;
      return this.answer(request);
    },
  });
  readonly url = `http://127.0.0.1:${this.#server.port}`;
  readonly stop = () => this.#server.stop(true);
}

let issuer: Issuer;
let scratch: Scratch;
let clock: ManualClock;
beforeEach(() => {
  issuer = new Issuer();
  scratch = createScratch();
  clock = new ManualClock();
});
afterEach(async () => {
  await issuer.stop();
  scratch.remove();
});

interface Part {
  readonly keys: PublishedKeys;
  readonly log: RecordingLog;
  readonly results: string[];
  readonly verify: Verifier["verify"];
  /** What the client of a token hears, the wait for its key included. */
  reasonOf(token: string): Promise<string>;
}

function part(...more: string[]): Part {
  const { jwt } = configOf(
    ...(more.some((flag) => flag.startsWith("--jwt_oidc_issuer"))
      ? []
      : [`--jwt_jwks_url=${issuer.url}/keys`, "--jwt_issuer=https://id.example.com"]),
    ...["--jwt_audience=cable", '--jwt_identifiers={"id":"$.sub"}', ...more],
  );
  const holder = new RingHolder(createKeyRing([]));
  const log = new RecordingLog();
  const results: string[] = [];
  const keys = new PublishedKeys(
    { issuers: [jwt.main], maxStaleMs: jwt.jwksMaxStaleMs, cacheFolder: jwt.jwksCacheFolder },
    {
      ...{ clock, log, crypto: nodeCrypto, sources: new KeySources(holder) },
      fetch: createDocumentFetch({ timeoutMs: TIMEOUT_MS, maxBytes: 256 * 1024 }),
      files: { read: readTextFile, replace: replaceTextFile },
      digest: (text) => hmacHex("test", text).slice(0, 16),
      onFetch: (_issuer, result) => void results.push(result),
    },
  );
  const { verify } = createVerifier({
    ...{ ring: () => holder.current(), crypto: nodeCrypto, clock, policy: tokenPolicy(jwt) },
    onUnknownKid: (whose, kid) => keys.missed(whose, kid),
  });
  const judged = (token: string) => {
    keys.forgetMissed();
    const verdict = verify(token);
    return verdict.accepted ? "accepted" : verdict.reason;
  };
  return {
    ...{ keys, log, results, verify },
    async reasonOf(token) {
      const reason = judged(token);
      const arrival = reason === "accepted" ? null : keys.arrival();
      if (arrival === null) return reason;
      await arrival;
      return judged(token);
    },
  };
}

function tokenOf(pair: Pair, kid = pair.kid, iss = "https://id.example.com"): Promise<string> {
  return new SignJWT({ sub: "ann", iss, aud: "cable", exp: Math.floor(clock.nowMs() / 1000) + 86_400 * 30 })
    .setProtectedHeader({ alg: "ES256", kid })
    .sign(pair.privateKey);
}

/** Lets time pass, and the fetch that this starts come to its end. */
async function pass(keys: PublishedKeys, ms: number, steps = 1): Promise<void> {
  for (let step = 0; step < steps; step++) {
    clock.advance(ms / steps);
    if (keys.isFetching) await keys.refresh();
  }
}

describe("keys that an issuer publishes", () => {
  test("are fetched at the start, and a known key waits for nothing", async () => {
    const { keys, verify, results, log } = part();
    await keys.start();
    expect(verify(await tokenOf(FIRST))).toMatchObject({
      accepted: true,
      identity: '{"id":"ann"}',
      keyName: "https://id.example.com/first",
    });
    expect([results, issuer.asked, keys.ages()]).toEqual([["ok"], 1, [["https://id.example.com", 0]]]);
    expect(log.text()).toContain("issuer's keys are in force");
    keys.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test("are fetched again before they have had their time", async () => {
    const { keys, verify, results } = part();
    await keys.start();
    issuer.answer = setOf(FIRST, SECOND);
    await pass(keys, 47 * MINUTE);
    expect(issuer.asked).toBe(1);
    await pass(keys, 2 * MINUTE);
    expect(results).toEqual(["ok", "ok"]);
    expect(verify(await tokenOf(SECOND)).accepted).toBe(true);
  });

  test("are asked for at once when a token names one that is not there, and the token waits", async () => {
    const { keys, reasonOf } = part();
    await keys.start();
    issuer.answer = setOf(SECOND);
    const token = await tokenOf(SECOND);
    expect(await Promise.all([reasonOf(token), reasonOf(token), reasonOf(token)])).toEqual([
      "accepted",
      "accepted",
      "accepted",
    ]);
    expect(issuer.asked).toBe(2);
    // The old key is no longer published.
    expect(await reasonOf(await tokenOf(FIRST))).toBe("unknown_key");
  });

  test("are not asked for by every stranger: 10,000 foreign kids cost three fetches, and one a minute", async () => {
    const { keys, reasonOf } = part();
    await keys.start();
    const forged = await tokenOf(SECOND);
    const [, payload, signature] = forged.split(".");
    const named = (kid: string) =>
      `${Buffer.from(JSON.stringify({ alg: "ES256", kid })).toString("base64url")}.${payload}.${signature}`;
    for (let round = 0; round < 100; round++) {
      const reasons = await Promise.all(
        Array.from({ length: 100 }, (_, i) => reasonOf(named(`${round}-${i}`))),
      );
      expect(new Set(reasons)).toEqual(new Set(["unknown_key"]));
    }
    expect(issuer.asked).toBe(1 + 3);
    clock.advance(MINUTE);
    expect(await reasonOf(named("more"))).toBe("unknown_key");
    expect(await reasonOf(named("and more"))).toBe("unknown_key");
    expect(issuer.asked).toBe(1 + 3 + 1);
  });

  test("that are known not to be there are not asked for again, and their tokens refused for good", async () => {
    const { keys, reasonOf } = part();
    await keys.start();
    const token = await tokenOf(SECOND);
    for (let i = 0; i < 5; i++) expect(await reasonOf(token)).toBe("unknown_key");
    expect(issuer.asked).toBe(2);
    expect(keys.isBlind).toBe(false);
  });

  test("may be new when strangers have used up the fetches: their tokens are not refused for good", async () => {
    const { keys, reasonOf } = part();
    await keys.start();
    for (const kid of ["made", "up", "names"]) await reasonOf(await tokenOf(SECOND, kid));
    issuer.answer = setOf(FIRST, SECOND);
    const token = await tokenOf(SECOND);
    expect([await reasonOf(token), keys.isBlind]).toEqual(["unknown_key", true]);
    clock.advance(MINUTE);
    expect(await reasonOf(token)).toBe("accepted");
  });

  test("may be new while the issuer is down: their tokens are not refused for good", async () => {
    const { keys, reasonOf } = part();
    await keys.start();
    issuer.answer = () => new Response("", { status: 503 });
    expect([await reasonOf(await tokenOf(SECOND)), keys.isBlind]).toEqual(["unknown_key", true]);
    expect([await reasonOf(await tokenOf(FIRST)), keys.isBlind]).toEqual(["accepted", false]);
  });
});

describe("an issuer that fails", () => {
  test.each<[string, Answer, string]>([
    ["with 500s", () => new Response("oops", { status: 500 }), "status"],
    ["with garbage", () => new Response("<html>"), "invalid"],
    ["with an empty set", () => new Response('{"keys":[]}'), "invalid"],
    [
      "with a secret among its keys alone",
      () => Response.json({ keys: [{ kty: "oct", k: "c2VjcmV0" }] }),
      "invalid",
    ],
    [
      "with more keys than anybody has",
      () =>
        Response.json({ keys: Array.from({ length: 101 }, (_, at) => ({ ...FIRST.jwk, kid: `k${at}` })) }),
      "invalid",
    ],
    ["with too much", () => new Response("x".repeat(256 * 1024 + 1)), "too_large"],
    ["with too much that it does not announce", endless, "too_large"],
    ["with a redirect", () => Response.redirect("https://elsewhere.example/keys"), "redirect"],
    ["by being slow", () => Bun.sleep(TIMEOUT_MS * 3).then(() => new Response("")), "timeout"],
  ])("%s leaves the keys in force, is named, and is asked again", async (_how, answer, result) => {
    const { keys, verify, results, log } = part();
    await keys.start();
    issuer.answer = answer;
    await pass(keys, 48 * MINUTE);
    expect(results).toEqual(["ok", result]);
    expect(verify(await tokenOf(FIRST)).accepted).toBe(true);
    const warnings = log.lines.filter(({ level }) => level === "warn");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ message: "issuer's keys were not fetched" });
    issuer.answer = setOf(FIRST, SECOND);
    await pass(keys, 1_000);
    expect(results).toEqual(["ok", result, "ok"]);
    expect(verify(await tokenOf(SECOND)).accepted).toBe(true);
    expect(log.text()).toContain("issuer's keys can be fetched again");
  });

  test("for an hour is asked once a minute, and said once", async () => {
    const { keys, verify, results, log } = part();
    await keys.start();
    issuer.answer = () => new Response("", { status: 503 });
    await pass(keys, 48 * MINUTE);
    await pass(keys, HOUR, 3_600);
    expect(results.length).toBeWithin(60, 70);
    expect(log.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    expect(verify(await tokenOf(FIRST)).accepted).toBe(true);
    expect(keys.ages()[0]?.[1]).toBe(48 * 60 + 3600);
  });

  test("for longer than a day is believed no more, until it is back", async () => {
    const { keys, reasonOf, verify, log } = part();
    await keys.start();
    issuer.answer = () => new Response("", { status: 503 });
    await pass(keys, 24 * HOUR - 1, 300);
    expect(verify(await tokenOf(FIRST)).accepted).toBe(true);
    await pass(keys, 1);
    expect(verify(await tokenOf(FIRST)).accepted).toBe(false);
    expect(keys.isBlind).toBe(true);
    expect(log.text()).toContain("raise jwt_jwks_max_stale");
    issuer.answer = setOf(FIRST);
    expect(await reasonOf(await tokenOf(FIRST))).toBe("accepted");
  });

  test("at the start leaves its tokens unjudged, and is asked again within seconds", async () => {
    issuer.answer = () => new Response("", { status: 502 });
    const { keys, reasonOf } = part();
    await keys.start();
    const token = await tokenOf(FIRST);
    for (let i = 0; i < 5; i++) expect(await reasonOf(token)).not.toBe("accepted");
    expect(keys.isBlind).toBe(true);
    issuer.answer = setOf(FIRST);
    await pass(keys, 60_000);
    expect(await reasonOf(token)).toBe("accepted");
  });

  test("at the start is made up for by what was kept, of this issuer and URL alone", async () => {
    const cache = `--jwt_jwks_cache=${scratch.path}`;
    const before = part(cache);
    await before.keys.start();
    before.keys.stop();
    issuer.answer = () => new Response("", { status: 500 });
    clock.advance(HOUR);

    const after = part(cache);
    await after.keys.start();
    expect(after.verify(await tokenOf(FIRST)).accepted).toBe(true);
    expect(after.keys.ages()[0]?.[1]).toBe(3600);
    const other = part(cache, "--jwt_issuer=https://other.example.com");
    await other.keys.start();
    expect(other.verify(await tokenOf(FIRST, "first", "https://other.example.com")).accepted).toBe(false);
    // Nor is it believed for longer than it would have been without the restart.
    clock.advance(24 * HOUR);
    const late = part(cache);
    await late.keys.start();
    expect(late.verify(await tokenOf(FIRST)).accepted).toBe(false);
  });
});

describe("an answer that a cache on the way has kept", () => {
  const aged =
    (ageS: number, cacheControl: string): Answer =>
    async (request) => {
      const fresh = await setOf(FIRST)(request);
      return new Response(fresh.body, { headers: { Age: `${ageS}`, "Cache-Control": cacheControl } });
    };

  test("is as good as new for as long as its issuer allows", async () => {
    issuer.answer = aged(5 * 86_400, "max-age=31536000");
    const { keys, verify, results } = part();
    await keys.start();
    await pass(keys, MINUTE);
    expect(results).toEqual(["ok"]);
    expect(verify(await tokenOf(FIRST)).accepted).toBe(true);
  });

  test("for a day longer than that is a failure", async () => {
    issuer.answer = aged(2 * 86_400, "max-age=600");
    const { keys, verify, results, log } = part();
    await keys.start();
    expect(results).toEqual(["invalid"]);
    expect(verify(await tokenOf(FIRST)).accepted).toBe(false);
    expect(log.text()).toContain("answered with a set of 48h0m0s ago");
  });
});

test("a set that was kept while the clock was ahead serves no longer than one of now", async () => {
  const cache = `--jwt_jwks_cache=${scratch.path}`;
  const before = part(cache);
  clock.advance(365 * 24 * HOUR);
  await before.keys.start();
  before.keys.stop();
  issuer.answer = () => new Response("", { status: 500 });
  clock = new ManualClock();

  const after = part(cache);
  await after.keys.start();
  expect(after.verify(await tokenOf(FIRST)).accepted).toBe(true);
  await pass(after.keys, 24 * HOUR, 24);
  expect(after.verify(await tokenOf(FIRST)).accepted).toBe(false);
});

function endless(): Response {
  const chunk = new Uint8Array(64 * 1024).fill(32);
  return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }));
}

describe("keys found by discovery", () => {
  const discovered: Answer = (request) =>
    new URL(request.url).pathname === "/.well-known/openid-configuration"
      ? Response.json({ issuer: issuer.url, jwks_uri: `${issuer.url}/moved/keys` })
      : setOf(FIRST)(request);

  test("verify the issuer's tokens", async () => {
    issuer.answer = discovered;
    const { keys, verify } = part(`--jwt_oidc_issuer=${issuer.url}`);
    await keys.start();
    expect(verify(await tokenOf(FIRST, "first", issuer.url)).accepted).toBe(true);
    expect(issuer.asked).toBe(2);
  });

  test("are not taken on the word of another issuer's document", async () => {
    issuer.answer = () => Response.json({ issuer: "https://evil.example", jwks_uri: `${issuer.url}/keys` });
    const { keys, results, log } = part(`--jwt_oidc_issuer=${issuer.url}`);
    await keys.start();
    expect(results).toEqual(["invalid"]);
    expect(log.text()).toContain("it is about another issuer");
  });
});

test("a key that arrives with its token is not looked at", async () => {
  const { keys, reasonOf } = part();
  await keys.start();
  const token = await new SignJWT({ sub: "ann", iss: "https://id.example.com", aud: "cable" })
    .setProtectedHeader({ alg: "ES256", kid: "second", jwk: SECOND.jwk as never, jku: `${issuer.url}/mine` })
    .sign(SECOND.privateKey);
  expect(await reasonOf(token)).toBe("unknown_key");
});
