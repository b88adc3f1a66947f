import { describe, expect, test } from "bun:test";
import { createNodeCrypto, hmacHex } from "@hawser/server/drivers/crypto";
import { CableError } from "../errors.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { encodeBase64url } from "../wire/base64url.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import { ALGORITHMS, type AlgorithmName, HMAC_ALGORITHMS } from "./algorithms.ts";
import { DEFAULT_ISSUER, type IssuerPolicy } from "./issuer-policy.ts";
import { secretFromText } from "./key-material.ts";
import { createKeyRing, type KeySpec, type KeyState, ringOfSecret } from "./keyring.ts";
import { RULES, type RuleName } from "./rules.ts";
import { signCompact, signToken } from "./sign.ts";
import type { Verdict } from "./verdict.ts";
import { createVerifier, DEFAULT_POLICY } from "./verifier.ts";

const crypto = createNodeCrypto();
const clock = new ManualClock();
const NOW_S = Math.floor(clock.nowMs() / 1000);
const SECRET = "qwerty";
const EXT = '{"user_id":"15"}';

type Settings = Partial<IssuerPolicy> & { readonly maxTokenBytes?: number };

/** A verifier with one issuer. */
function verifierWith({ maxTokenBytes = 8192, ...issuer }: Settings = {}, ring = ringOfSecret(SECRET)) {
  const policy = { maxTokenBytes, issuers: [{ ...DEFAULT_ISSUER, ...issuer }] };
  return createVerifier({ ring: () => ring, crypto, clock, policy });
}

const { verify } = verifierWith();

/** A token over exactly this payload text. */
function tokenOf(
  payload: string,
  header = '{"alg":"HS256"}',
  secret = SECRET,
  name: AlgorithmName = "HS256",
) {
  return signCompact(
    { header, payload: encodeUtf8(payload), material: secretFromText(secret), algorithm: ALGORITHMS[name] },
    crypto,
  );
}

function tokenWith(claims: Record<string, unknown>, header?: string): string {
  return tokenOf(JSON.stringify({ ext: EXT, ...claims }), header);
}

/** The name of the rule that refused it, or "accepted". */
function outcome(verdict: Verdict): RuleName | "accepted" {
  if (verdict.accepted) return "accepted";
  for (const [name, rule] of Object.entries(RULES)) {
    // The keys of RULES are the names.
    if (rule.detail === verdict.detail && rule.reason === verdict.reason) return name as RuleName;
  }
  throw new Error(`no rule says "${verdict.detail}"`);
}

function textOfSegment(segment: string): string {
  return Buffer.from(segment, "base64url").toString();
}

describe("the tokens that AnyCable's own binary was asked about", () => {
  const now = NOW_S;
  const decisions: [string, string, RuleName | "accepted"][] = [
    ["exp in a minute", tokenWith({ exp: now + 60 }), "accepted"],
    ["exp five seconds ago", tokenWith({ exp: now - 5 }), "expired"],
    [
      "exp five seconds ago, wrong key",
      tokenOf(`{"ext":"","exp":${now - 5}}`, '{"alg":"HS256"}', "other"),
      "bad_signature",
    ],
    ["wrong key", tokenOf(`{"ext":"","exp":${now + 60}}`, '{"alg":"HS256"}', "other"), "bad_signature"],
    // DEVIATION: D3. The reference closes 1011 for the next two.
    ["no ext", tokenOf(`{"exp":${now + 60}}`), "ext_missing"],
    ["ext an object", tokenOf(`{"ext":{"user_id":"15"},"exp":${now + 60}}`), "ext_not_string"],
    ["ext empty", tokenOf(`{"ext":"","exp":${now + 60}}`), "accepted"],
    ["ext not JSON", tokenOf(`{"ext":"plain","exp":${now + 60}}`), "accepted"],
    ["no exp", tokenWith({}), "accepted"],
    ["exp 0", tokenWith({ exp: 0 }), "accepted"],
    ["exp a string", tokenWith({ exp: String(now + 60) }), "exp_not_number"],
    ["exp null", tokenWith({ exp: null }), "exp_not_number"],
    ["exp a boolean", tokenWith({ exp: true }), "exp_not_number"],
    ["exp an array", tokenWith({ exp: [now + 60] }), "exp_not_number"],
    ["exp 60.7 s ahead", tokenWith({ exp: now + 60.7 }), "accepted"],
    ["nbf in half a minute", tokenWith({ exp: now + 60, nbf: now + 30 }), "not_yet_valid"],
    ["expired, and not yet valid", tokenWith({ exp: now - 60, nbf: now + 30 }), "expired"],
    ["iat in the future", tokenWith({ exp: now + 60, iat: now + 3000 }), "accepted"],
    ["HS384", tokenOf(`{"ext":"","exp":${now + 60}}`, '{"alg":"HS384"}', SECRET, "HS384"), "accepted"],
    ["HS512", tokenOf(`{"ext":"","exp":${now + 60}}`, '{"alg":"HS512"}', SECRET, "HS512"), "accepted"],
    ["alg none", tokenWith({}, '{"alg":"none"}'), "alg_unknown"],
    ["alg hs256", tokenWith({}, '{"alg":"hs256"}'), "alg_unknown"],
    ["alg RS256", tokenWith({}, '{"alg":"RS256"}'), "alg_without_key"],
    ["no alg", tokenWith({}, '{"typ":"JWT"}'), "alg_invalid"],
    ["padding", `${tokenWith({})}=`, "padding"],
    ["four segments", `${tokenWith({})}.AAAA`, "not_three_segments"],
    ["garbage", "garbage", "not_three_segments"],
    ["empty", "", "not_three_segments"],
    ["payload an array", tokenOf("[1]"), "payload_not_object"],
    // DEVIATION: D3. The reference closes 1011.
    ["payload null", tokenOf("null"), "payload_not_object"],
    ["a Bearer prefix", `Bearer ${tokenWith({})}`, "bearer_prefix"],
  ];
  test.each(decisions)("%s", (_name, token, expected) => {
    expect(outcome(verify(token))).toBe(expected);
  });
});

describe("an accepted token", () => {
  // The two tokens in the documentation and tests of AnyCable's Ruby SDK.
  const TO_2100 =
    "eyJhbGciOiJIUzI1NiJ9.eyJleHQiOiJ7XCJ1c2VyX2lkXCI6XCIxNVwifSIsImV4cCI6NDEwMjQ0NDgwMH0." +
    "oKLheFg2qqZ2c-td1atBirR9FiodfSNHB9IvHQNcsaA";
  const FOR_EVER =
    "eyJhbGciOiJIUzI1NiJ9.eyJleHQiOiJ7XCJ1c2VyXCI6XCJ2b3ZhXCIsXCJmZWF0dXJlc1wiOltcInJhaWxzXCIsXCJzdHJlYW1zXCJdfSJ9." +
    "5hJpXpC9deAFyfrCbOXpwJ55wm1RwyXRe2trtyVpqK4";

  test("names the identity, the key, the claims and the end", () => {
    expect(verify(TO_2100)).toEqual({
      accepted: true,
      identity: '{"user_id":"15"}',
      keyName: "secret",
      claimsSegment: TO_2100.split(".")[1]!,
      expiresAtMs: 4_102_444_800_000,
      marks: {
        ...{ jti: null, sid: null, issuedAtS: null, kid: null },
        tag: expect.any(Number),
        expiresAtMs: 4_102_444_800_000,
      },
      connectionEndsAtMs: 4_102_444_800_000,
    });
  });

  test("without exp has no end", () => {
    expect(verify(FOR_EVER)).toMatchObject({
      identity: '{"user":"vova","features":["rails","streams"]}',
      expiresAtMs: null,
    });
    expect(verify(tokenWith({ exp: 0 }))).toMatchObject({ expiresAtMs: null });
  });

  test("keeps ext byte for byte", () => {
    for (const ext of [
      '{"user_id": 42}',
      "",
      "plain",
      ' {"a" : 1}\n',
      "é 😀 \u0000 \u2028",
      "{}".repeat(500),
    ]) {
      expect(verify(tokenWith({ ext }))).toMatchObject({ accepted: true, identity: ext });
    }
  });

  test("hands on the claims as the issuer wrote them", () => {
    const payload = `{ "ext":"x",  "id": 12345678901234567890, "exp":${NOW_S + 5} }`;
    const verdict = verify(tokenOf(payload));
    if (!verdict.accepted) throw new Error(verdict.detail);
    expect(textOfSegment(verdict.claimsSegment)).toBe(payload);
  });

  test("that ends after the last date there is ends with it", () => {
    expect(verify(tokenWith({ exp: 1e300 }))).toMatchObject({ accepted: true, expiresAtMs: 8.64e15 });
  });

  test("may have been signed with a secret outside ASCII, by its UTF-8 bytes", () => {
    const secret = "пароль-🔑";
    const claims = { ext: "x" };
    const token = signToken({ claims, secret }, crypto);
    expect(hmacHex(secret, token.slice(0, token.lastIndexOf(".")))).toBe(
      Buffer.from(token.split(".")[2]!, "base64url").toString("hex"),
    );
    expect(verifierWith({}, ringOfSecret(secret)).verify(token).accepted).toBe(true);
  });
});

describe("exp", () => {
  test("is over on the very instant, to the millisecond", () => {
    const ends = new ManualClock(1_000_000 * 1000 - 1);
    const ring = ringOfSecret(SECRET);
    const { verify } = createVerifier({ ring: () => ring, crypto, clock: ends, policy: DEFAULT_POLICY });
    const token = tokenWith({ exp: 1_000_000 });
    expect(verify(token).accepted).toBe(true);
    ends.advance(1);
    expect(verify(token)).toMatchObject({ reason: "expired", expiredForMs: 0, keyName: "secret" });
    ends.advance(2500);
    expect(verify(token)).toMatchObject({ reason: "expired", expiredForMs: 2500 });
  });

  test("drops its fraction, so that half a second is not 0 and long past", () => {
    expect(outcome(verify(tokenWith({ exp: NOW_S + 0.99 })))).toBe("expired");
    expect(outcome(verify(tokenWith({ exp: 0.5 })))).toBe("expired");
    expect(outcome(verify(tokenWith({ exp: -1 })))).toBe("expired");
    expect(outcome(verify(tokenOf('{"ext":"","exp":-0}')))).toBe("accepted");
  });

  test("is given the leeway, and the time since is counted without it", () => {
    const { verify } = verifierWith({ leewayS: 30 });
    expect(outcome(verify(tokenWith({ exp: NOW_S - 29 })))).toBe("accepted");
    expect(outcome(verify(tokenWith({ exp: NOW_S - 30 })))).toBe("expired");
    expect(verify(tokenWith({ exp: NOW_S - 30 }))).toMatchObject({
      expiredForMs: clock.nowMs() - (NOW_S - 30) * 1000,
    });
  });

  test("may be required, and then 0 is none", () => {
    const { verify } = verifierWith({ requireExp: true });
    expect(outcome(verify(tokenWith({})))).toBe("exp_missing");
    expect(outcome(verify(tokenWith({ exp: 0 })))).toBe("exp_missing");
    expect(outcome(verify(tokenWith({ exp: null })))).toBe("exp_not_number");
    expect(outcome(verify(tokenWith({ exp: NOW_S + 5 })))).toBe("accepted");
  });
});

describe("nbf", () => {
  test("lets the token in from that second on", () => {
    expect(outcome(verify(tokenWith({ nbf: NOW_S })))).toBe("accepted");
    expect(outcome(verify(tokenWith({ nbf: NOW_S + 0.9 })))).toBe("accepted");
    expect(outcome(verify(tokenWith({ nbf: NOW_S + 1 })))).toBe("not_yet_valid");
    expect(outcome(verify(tokenWith({ nbf: 1e300 })))).toBe("not_yet_valid");
    expect(outcome(verify(tokenWith({ nbf: 0 })))).toBe("accepted");
    expect(outcome(verify(tokenWith({ nbf: -5 })))).toBe("accepted");
  });

  test("is given the leeway", () => {
    const { verify } = verifierWith({ leewayS: 300 });
    expect(outcome(verify(tokenWith({ nbf: NOW_S + 300 })))).toBe("accepted");
    expect(outcome(verify(tokenWith({ nbf: NOW_S + 301 })))).toBe("not_yet_valid");
  });

  test("must be a number", () => {
    for (const nbf of ["0", null, false, [], {}]) {
      expect(outcome(verify(tokenWith({ nbf })))).toBe("nbf_not_number");
    }
  });
});

describe("the longest lifetime", () => {
  const { verify } = verifierWith({ maxLifetimeS: 3600 });

  test("is counted from iat", () => {
    expect(outcome(verify(tokenWith({ iat: NOW_S - 10, exp: NOW_S + 3590 })))).toBe("accepted");
    expect(outcome(verify(tokenWith({ iat: NOW_S - 10, exp: NOW_S + 3591 })))).toBe("lifetime_too_long");
    expect(outcome(verify(tokenWith({ iat: NOW_S + 10, exp: NOW_S + 3610 })))).toBe("accepted");
  });

  test("is counted from now without an iat, or with one that clocks do not explain", () => {
    expect(outcome(verify(tokenWith({ exp: NOW_S + 3600 })))).toBe("accepted");
    expect(outcome(verify(tokenWith({ exp: NOW_S + 3602 })))).toBe("lifetime_too_long");
    expect(outcome(verify(tokenWith({ iat: 0, exp: NOW_S + 3602 })))).toBe("lifetime_too_long");
    const farOff = NOW_S + 1_000_000;
    expect(outcome(verify(tokenWith({ iat: farOff, exp: farOff + 60 })))).toBe("lifetime_too_long");
  });

  test("needs an exp, and an iat that is a number if there is one", () => {
    expect(outcome(verify(tokenWith({ iat: NOW_S })))).toBe("exp_missing");
    expect(outcome(verify(tokenWith({ exp: 0 })))).toBe("exp_missing");
    expect(outcome(verify(tokenWith({ iat: "now", exp: NOW_S + 5 })))).toBe("iat_not_number");
  });

  test("does not make an expired token anything else", () => {
    expect(outcome(verify(tokenWith({ iat: NOW_S - 9000, exp: NOW_S - 1 })))).toBe("expired");
  });

  test("is not looked at when there is none, nor is iat", () => {
    expect(outcome(verifierWith().verify(tokenWith({ iat: "now", exp: NOW_S + 1e9 })))).toBe("accepted");
  });
});

describe("what the reference lets through (D4)", () => {
  const refused: [string, string, RuleName][] = [
    ["crit that names an extension", tokenWith({}, '{"alg":"HS256","crit":["exp"],"exp":1}'), "crit"],
    ["crit that is empty", tokenWith({}, '{"alg":"HS256","crit":[]}'), "crit"],
    ["crit that is null", tokenWith({}, '{"alg":"HS256","crit":null}'), "crit"],
    ["b64", tokenWith({}, '{"alg":"HS256","b64":true}'), "b64"],
    ["zip", tokenWith({}, '{"alg":"HS256","zip":"DEF"}'), "zip"],
    ["alg twice", tokenWith({}, '{"alg":"none","alg":"HS256"}'), "header_duplicate_member"],
    [
      "alg twice, once with an escape",
      tokenWith({}, '{"\\u0061lg":"none","alg":"HS256"}'),
      "header_duplicate_member",
    ],
    ["exp twice", tokenOf(`{"ext":"","exp":1,"exp":${NOW_S + 60}}`), "payload_duplicate_member"],
    ["ext twice", tokenOf(`{"ext":"a","ext":"b"}`), "payload_duplicate_member"],
    ["a member twice, deep inside", tokenOf(`{"ext":"","a":[{"b":1,"b":1}]}`), "payload_duplicate_member"],
    ["exp 1e999", tokenOf(`{"ext":"","exp":1e999}`), "payload_not_finite"],
    ["nbf -1e999", tokenOf(`{"ext":"","nbf":-1e999}`), "payload_not_finite"],
    ["a number out of range in the header", tokenWith({}, '{"alg":"HS256","x":1e999}'), "header_not_finite"],
    [
      "a header 33 deep",
      tokenWith({}, `{"alg":"HS256","x":${"[".repeat(32)}${"]".repeat(32)}}`),
      "header_too_deep",
    ],
    ["a payload 33 deep", tokenOf(`{"ext":"","x":${"[".repeat(32)}${"]".repeat(32)}}`), "payload_too_deep"],
    ["half of a surrogate pair in ext", tokenOf(String.raw`{"ext":"\ud83d"}`), "ext_not_text"],
  ];
  test.each(refused)("%s is refused", (_name, token, expected) => {
    expect(outcome(verify(token))).toBe(expected);
  });

  test("JSON 32 deep is taken", () => {
    expect(outcome(verify(tokenOf(`{"ext":"","x":${"[".repeat(31)}${"]".repeat(31)}}`)))).toBe("accepted");
  });

  test("a token over the size limit is refused, one of exactly that size is not", () => {
    const token = tokenWith({ exp: NOW_S + 60 });
    expect(outcome(verifierWith({ maxTokenBytes: token.length }).verify(token))).toBe("accepted");
    expect(outcome(verifierWith({ maxTokenBytes: token.length - 1 }).verify(token))).toBe("token_too_large");
    expect(outcome(verify("A".repeat(8193)))).toBe("token_too_large");
    const big = tokenWith({ x: "y".repeat(80_000) });
    expect(outcome(verify(big))).toBe("token_too_large");
    expect(outcome(verifierWith({ maxTokenBytes: 1 << 20 }).verify(big))).toBe("accepted");
  });

  test("every other spelling of a segment is refused", () => {
    // A signature of 32 bytes leaves two bits of its last character unused.
    const token = tokenWith({ exp: NOW_S + 60 });
    const last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".indexOf(token.at(-1)!);
    for (const bits of [1, 2, 3]) {
      const other =
        token.slice(0, -1) + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last | bits];
      expect(outcome(verify(other))).toBe("not_canonical");
    }
    const [header, payload] = [
      segmentWithStrayBits('{"alg":"HS256"}x'),
      segmentWithStrayBits('{"ext":"abc"}'),
    ];
    expect(outcome(verify(signedSegments(header, encodeBase64url(encodeUtf8('{"ext":""}')))))).toBe(
      "not_canonical",
    );
    expect(outcome(verify(signedSegments(encodeBase64url(encodeUtf8('{"alg":"HS256"}')), payload)))).toBe(
      "not_canonical",
    );
  });

  test("invalid UTF-8 is refused, in the header and in the payload", () => {
    for (const bytes of [[0xff], [0xc0, 0xa2], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      const header = encodeBase64url(
        Uint8Array.from([...encodeUtf8('{"alg":"HS256","x":"'), ...bytes, 0x22, 0x7d]),
      );
      const payload = encodeBase64url(Uint8Array.from([...encodeUtf8('{"ext":"'), ...bytes, 0x22, 0x7d]));
      const goodHeader = encodeBase64url(encodeUtf8('{"alg":"HS256"}'));
      expect(outcome(verify(signedSegments(header, payload)))).toBe("header_not_utf8");
      expect(outcome(verify(signedSegments(goodHeader, payload)))).toBe("payload_not_utf8");
    }
    expect(outcome(verify(tokenOf('\ufeff{"ext":""}')))).toBe("payload_not_utf8");
    expect(outcome(verify(tokenWith({}, '\ufeff{"alg":"HS256"}')))).toBe("header_not_utf8");
  });

  /** A segment of `text` whose last character has its unused bits set. `text` is no multiple of three bytes long. */
  function segmentWithStrayBits(text: string): string {
    const segment = encodeBase64url(encodeUtf8(text));
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return segment.slice(0, -1) + alphabet[alphabet.indexOf(segment.at(-1)!) | 1];
  }

  function signedSegments(header: string, payload: string): string {
    const input = `${header}.${payload}`;
    return `${input}.${crypto.sign(ALGORITHMS.HS256, secretFromText(SECRET), input)}`;
  }
});

describe("the order of the checks", () => {
  test("is size, format, header, algorithm, key, signature, claims", () => {
    const { verify } = verifierWith({ maxTokenBytes: 400 });
    const forged = (token: string) => `${token.slice(0, token.lastIndexOf(".") + 1)}${"A".repeat(43)}`;
    const expired = { exp: 1 };
    expect(outcome(verify("=".repeat(401)))).toBe("token_too_large");
    expect(outcome(verify(`${tokenWith(expired, '{"crit":1}')}=`))).toBe("padding");
    expect(outcome(verify(forged(tokenWith(expired, '{"alg":"none","crit":[]}'))))).toBe("crit");
    expect(outcome(verify(forged(tokenWith(expired, '{"alg":"none"}'))))).toBe("alg_unknown");
    expect(outcome(verify(forged(tokenOf("not JSON"))))).toBe("bad_signature");
    expect(outcome(verify(forged(tokenWith(expired))))).toBe("bad_signature");
    expect(outcome(verify(tokenOf('{"exp":1}')))).toBe("expired");
  });

  test("names the key from the signature on, and no key before", () => {
    expect(verify(tokenWith({ exp: 1 }))).toMatchObject({ keyName: "secret" });
    expect(verify(tokenOf("[]"))).toMatchObject({ keyName: "secret" });
    expect(verify(tokenOf("{}", '{"alg":"HS256"}', "other"))).toMatchObject({ keyName: null });
    expect(verify("x")).toMatchObject({ keyName: null, expiredForMs: null });
  });
});

describe("several keys", () => {
  function key(name: string, more: Partial<KeySpec> = {}): KeySpec {
    const material = secretFromText(`secret of ${name}`);
    return { name, kid: null, algorithms: HMAC_ALGORITHMS, material, state: "active", ...more };
  }
  function sign(
    name: string,
    header: Record<string, unknown> = {},
    algorithm: AlgorithmName = "HS256",
  ): string {
    const text = JSON.stringify({ alg: algorithm, ...header });
    return tokenOf('{"ext":"x"}', text, `secret of ${name}`, algorithm);
  }
  function withKeys(...keys: KeySpec[]) {
    return verifierWith({}, createKeyRing(keys)).verify;
  }

  test("without kid are all tried", () => {
    const verify = withKeys(key("a"), key("b", { kid: "b" }), key("c"));
    for (const name of ["a", "b", "c"])
      expect(verify(sign(name))).toMatchObject({ accepted: true, keyName: name });
    expect(outcome(verify(sign("d")))).toBe("bad_signature");
  });

  test("of which one has the token's kid leave only that one", () => {
    const verify = withKeys(key("a", { kid: "1" }), key("b", { kid: "2" }), key("c"));
    expect(verify(sign("b", { kid: "2" }))).toMatchObject({ accepted: true, keyName: "b" });
    expect(outcome(verify(sign("a", { kid: "2" })))).toBe("bad_signature");
    expect(outcome(verify(sign("c", { kid: "2" })))).toBe("bad_signature");
  });

  test("of which none has the token's kid leave those without a kid", () => {
    const verify = withKeys(key("a", { kid: "1" }), key("c"));
    expect(verify(sign("c", { kid: "new" }))).toMatchObject({ accepted: true, keyName: "c" });
    expect(outcome(verify(sign("a", { kid: "new" })))).toBe("bad_signature");
  });

  test("that all have a kid make a foreign one unknown", () => {
    const verify = withKeys(key("a", { kid: "1" }), key("b", { kid: "2" }));
    expect(outcome(verify(sign("a", { kid: "3" })))).toBe("kid_unknown");
    expect(outcome(verify(sign("a", { kid: "__proto__" })))).toBe("kid_unknown");
    expect(verify(sign("a", { kid: "3" }))).toMatchObject({ reason: "unknown_key" });
  });

  test("serve only the algorithms they are bound to", () => {
    const verify = withKeys(
      key("a", { algorithms: ["HS256"], kid: "1" }),
      key("b", { algorithms: ["HS512"] }),
    );
    expect(verify(sign("a")).accepted).toBe(true);
    expect(verify(sign("b", {}, "HS512")).accepted).toBe(true);
    expect(outcome(verify(sign("b")))).toBe("bad_signature");
    expect(outcome(verify(sign("a", {}, "HS384")))).toBe("alg_without_key");
    expect(outcome(verify(sign("a", { kid: "1" }, "HS512")))).toBe("alg_not_of_key");
    const named = withKeys(
      key("a", { algorithms: ["HS256"], kid: "1" }),
      key("b", { algorithms: ["HS512"] }),
    );
    expect(outcome(named(sign("b", { kid: "9" })))).toBe("alg_without_key");
  });

  test("that are revoked or retired are known by their tokens, and refuse them", () => {
    const states: [KeyState, string][] = [
      ["active", "accepted"],
      ["verify-only", "accepted"],
      ["retired", "key_retired"],
      ["revoked", "key_revoked"],
    ];
    for (const [state, expected] of states) {
      const verify = withKeys(key("new"), key("old", { state }));
      const verdict = verify(sign("old"));
      expect<string>(outcome(verdict)).toBe(expected);
      expect(verdict.keyName).toBe("old");
      expect(outcome(verify(sign("other")))).toBe("bad_signature");
      expect(outcome(verify(`${sign("old").slice(0, -2)}AA`))).not.toBe(expected);
    }
  });

  test("are tried up to eight, those in use first", () => {
    const old = Array.from({ length: 9 }, (_, i) => key(`old${i}`, { state: "revoked" }));
    const verify = withKeys(...old, key("new"));
    expect(verify(sign("new")).accepted).toBe(true);
    expect(outcome(verify(sign("old6")))).toBe("key_revoked");
    expect(outcome(verify(sign("old7")))).toBe("bad_signature");
  });

  test("are used from their first moment to their last, and answer as retired afterwards", () => {
    const nowMs = clock.nowMs();
    const at = (notBeforeMs: number | null, notAfterMs: number | null, state: KeyState = "active") =>
      outcome(withKeys(key("a", { notBeforeMs, notAfterMs, state }))(sign("a")));
    expect(at(nowMs, nowMs + 1)).toBe("accepted");
    expect(at(nowMs + 1, null)).toBe("key_not_yet");
    expect(at(null, nowMs)).toBe("key_retired");
    expect(at(null, nowMs + 1, "verify-only")).toBe("accepted");
    expect(at(nowMs + 1, null, "retired")).toBe("key_not_yet");
    expect(at(null, nowMs + 1, "retired")).toBe("key_retired");
    expect(at(nowMs + 1, nowMs, "revoked")).toBe("key_revoked");
  });

  test("change their life with the clock, in one and the same ring", () => {
    const moving = new ManualClock();
    const ring = createKeyRing([key("a", { notAfterMs: moving.nowMs() + 1000 })]);
    const { verify } = createVerifier({
      ring: () => ring,
      crypto,
      clock: moving,
      policy: DEFAULT_POLICY,
    });
    expect(verify(sign("a")).accepted).toBe(true);
    moving.advance(1000);
    expect(verify(sign("a"))).toMatchObject({ reason: "key_retired", keyName: "a" });
  });

  test("of which none has the token's kid are asked for, by issuer", () => {
    const asked: [string | null, string][] = [];
    const ring = createKeyRing([key("a", { kid: "1" })]);
    const { verify } = createVerifier({
      ring: () => ring,
      crypto,
      clock,
      policy: DEFAULT_POLICY,
      onUnknownKid: (issuer, kid) => asked.push([issuer, kid]),
    });
    verify(sign("a", { kid: "1" }));
    verify(`${sign("a", { kid: "1" }).slice(0, -4)}AAAA`);
    verify(sign("a"));
    expect(asked).toEqual([]);
    verify(sign("a", { kid: "2" }));
    verify(sign("a", { kid: "3" }, "HS512"));
    expect(asked).toEqual([
      [null, "2"],
      [null, "3"],
    ]);
  });

  test("may change between two tokens", () => {
    let ring = ringOfSecret("secret of a", "a");
    const { verify } = createVerifier({ ring: () => ring, crypto, clock, policy: DEFAULT_POLICY });
    expect(verify(sign("a")).accepted).toBe(true);
    ring = ringOfSecret("secret of b", "b");
    expect(outcome(verify(sign("a")))).toBe("bad_signature");
    expect(verify(sign("b"))).toMatchObject({ accepted: true, keyName: "b" });
  });
});

describe("several issuers", () => {
  const keyOf = (issuer: string | null, secret: string): KeySpec => ({
    ...{ name: secret, kid: null, algorithms: HMAC_ALGORITHMS, state: "active", issuer },
    material: secretFromText(secret),
  });
  const A = "https://a.example";
  const B = "https://b.example";
  const ring = createKeyRing([keyOf(A, "of a"), keyOf(B, "of b"), keyOf(null, "of nobody")]);
  const policyOf = (issuer: string | null, more: Partial<IssuerPolicy> = {}): IssuerPolicy => ({
    ...DEFAULT_ISSUER,
    issuer,
    ...more,
  });
  const verifierOf = (...issuers: IssuerPolicy[]) =>
    createVerifier({ ring: () => ring, crypto, clock, policy: { maxTokenBytes: 8192, issuers } }).verify;
  const claims = (iss: unknown, more: Record<string, unknown> = {}) =>
    JSON.stringify({ ext: EXT, ...(iss === undefined ? {} : { iss }), ...more });
  const signed = (payload: string, secret: string) => tokenOf(payload, '{"alg":"HS256"}', secret);

  test("each verify their own tokens, and never another's", () => {
    const verify = verifierOf(policyOf(A), policyOf(B));
    expect(verify(signed(claims(A), "of a"))).toMatchObject({ accepted: true, keyName: "of a" });
    expect(verify(signed(claims(B), "of b"))).toMatchObject({ accepted: true, keyName: "of b" });
    expect(outcome(verify(signed(claims(A), "of b")))).toBe("bad_signature");
    expect(outcome(verify(signed(claims(B), "of a")))).toBe("bad_signature");
  });

  test("leave nobody to verify the tokens of strangers, unless there are keys for these", () => {
    for (const iss of ["https://c.example", `${A}/`, undefined, 7, null, [A], "__proto__", "null"]) {
      const token = signed(claims(iss), "of nobody");
      expect(outcome(verifierOf(policyOf(A), policyOf(B))(token))).toBe("issuer_unknown");
      expect(outcome(verifierOf(policyOf(A), policyOf(null))(token))).toBe("accepted");
    }
    expect(outcome(verifierOf(policyOf(A), policyOf(null))(signed(claims(A), "of nobody")))).toBe(
      "bad_signature",
    );
  });

  test("each have their own rules", () => {
    const verify = verifierOf(
      policyOf(A, { audience: ["cable"], requireExp: true }),
      policyOf(B, { leewayS: 60, type: "at+jwt" }),
    );
    const future = { exp: NOW_S + 60 };
    expect(outcome(verify(signed(claims(A, { ...future, aud: "cable" }), "of a")))).toBe("accepted");
    expect(outcome(verify(signed(claims(A, { aud: "cable" }), "of a")))).toBe("exp_missing");
    expect(outcome(verify(signed(claims(A, future), "of a")))).toBe("audience_other");
    const typed = (payload: string) => tokenOf(payload, '{"alg":"HS256","typ":"at+jwt"}', "of b");
    expect(outcome(verify(typed(claims(B, { exp: NOW_S - 30 }))))).toBe("accepted");
    expect(outcome(verify(signed(claims(B), "of b")))).toBe("type_other");
  });

  test("are told apart only in a payload that is read as strictly as ever", () => {
    const verify = verifierOf(policyOf(A), policyOf(B));
    expect(outcome(verify(signed(`{"iss":"${A}","iss":"${B}","ext":""}`, "of b")))).toBe(
      "payload_duplicate_member",
    );
    expect(outcome(verify(signed("[]", "of a")))).toBe("payload_not_object");
    expect(outcome(verify(signed(`{"iss":"${A}","ext":"","reason":"x","detail":"y"}`, "of a")))).toBe(
      "accepted",
    );
  });

  test("that are one need not be looked for, but the token has to name it", () => {
    const verify = verifierOf(policyOf(A));
    expect(outcome(verify(signed(claims(A), "of a")))).toBe("accepted");
    expect(outcome(verify(signed(claims(B), "of a")))).toBe("issuer_other");
    expect(outcome(verify(signed(claims(undefined), "of a")))).toBe("issuer_other");
    expect(outcome(verify(signed(claims(A), "of b")))).toBe("bad_signature");
  });

  test("with two policies for one, or none at all, are a fault", () => {
    expect(() => verifierOf(policyOf(A), policyOf(A))).toThrow(A);
    expect(() => verifierOf(policyOf(null), policyOf(null))).toThrow(CableError);
    expect(() => verifierOf()).toThrow(CableError);
  });
});

test("an audience has to be named, alone or among others", () => {
  const { verify } = verifierWith({ audience: ["cable", "chat"] });
  for (const aud of ["cable", "chat", ["x", "chat"], ["cable"]]) {
    expect(outcome(verify(tokenWith({ aud })))).toBe("accepted");
  }
  for (const aud of ["Cable", "cable ", ["x"], [], "", null, 7, { cable: true }, [["cable"]], "cable,chat"]) {
    expect(outcome(verify(tokenWith({ aud })))).toBe("audience_other");
  }
  expect(outcome(verify(tokenWith({})))).toBe("audience_other");
});

test("a pinned type has to be the header's", () => {
  const { verify } = verifierWith({ type: "at+jwt" });
  for (const typ of ["at+jwt", "AT+JWT", "application/at+jwt"]) {
    expect(outcome(verify(tokenWith({}, `{"alg":"HS256","typ":"${typ}"}`)))).toBe("accepted");
  }
  for (const typ of ['"JWT"', "null", '["at+jwt"]', '"at+jwt "']) {
    expect(outcome(verify(tokenWith({}, `{"alg":"HS256","typ":${typ}}`)))).toBe("type_other");
  }
  expect(outcome(verify(tokenWith({ typ: "at+jwt" })))).toBe("type_other");
});

describe("the end of a connection", () => {
  const endOf = (claims: Record<string, unknown>, settings: Settings = { expireClaim: "until" }) => {
    const verdict = verifierWith(settings).verify(tokenWith(claims));
    return verdict.accepted ? verdict.connectionEndsAtMs : outcome(verdict);
  };
  const [SOON_S, LATER_S] = [NOW_S + 60, NOW_S + 3600];

  test("is exp with its leeway, and none where there is no exp", () => {
    expect(endOf({ exp: SOON_S }, {})).toBe(SOON_S * 1000);
    expect(endOf({ exp: SOON_S, until: LATER_S }, { leewayS: 10 })).toBe((SOON_S + 10) * 1000);
    expect(endOf({}, {})).toBeNull();
  });

  test("is the claim that stands in for exp, later or sooner, and exp without it", () => {
    expect(endOf({ exp: SOON_S, until: LATER_S })).toBe(LATER_S * 1000);
    expect(endOf({ exp: LATER_S, until: SOON_S })).toBe(SOON_S * 1000);
    expect(endOf({ until: SOON_S })).toBe(SOON_S * 1000);
    expect(endOf({ exp: SOON_S })).toBe(SOON_S * 1000);
    expect(endOf({ exp: SOON_S, until: LATER_S }, { expireClaim: "until", leewayS: 10 })).toBe(
      (LATER_S + 10) * 1000,
    );
  });

  test("does not let a token in past exp, nor one whose connection would have to end at once", () => {
    expect(endOf({ exp: NOW_S - 5, until: LATER_S })).toBe("expired");
    expect(endOf({ exp: SOON_S, until: NOW_S - 5 })).toBe("ended");
    expect(endOf({ exp: SOON_S, until: NOW_S - 5 }, { expireClaim: "until", leewayS: 10 })).toBeNumber();
    for (const until of ["tomorrow", null, true, {}]) {
      expect(endOf({ exp: SOON_S, until })).toBe("end_not_number");
    }
  });
});

test("every rule is told apart by its reason and detail", () => {
  const seen = new Set(Object.values(RULES).map(({ reason, detail }) => `${reason} ${detail}`));
  expect(seen.size).toBe(Object.keys(RULES).length);
});

test("a policy out of range is a fault, and says which number", () => {
  const bad: [Settings, string][] = [
    [{ leewayS: 301 }, "leewayS"],
    [{ leewayS: -1 }, "leewayS"],
    [{ leewayS: 1.5 }, "leewayS"],
    [{ leewayS: Number.NaN }, "leewayS"],
    [{ maxLifetimeS: 0 }, "maxLifetimeS"],
    [{ maxTokenBytes: 0 }, "maxTokenBytes"],
    [{ maxTokenBytes: Number.POSITIVE_INFINITY }, "maxTokenBytes"],
  ];
  for (const [policy, name] of bad) {
    expect(() => verifierWith(policy)).toThrow(CableError);
    expect(() => verifierWith(policy)).toThrow(name);
  }
});

test("the verifier's function works when it is handed on alone", () => {
  expect([tokenWith({})].map(verify)[0]).toMatchObject({ accepted: true });
});
