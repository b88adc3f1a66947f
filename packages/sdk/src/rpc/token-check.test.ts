import { describe, expect, test } from "bun:test";
import { createTokens, type SecretNotice, serveRpc } from "../index.ts";
import { createCable } from "./cable.ts";
import { createTokenCheck, type VerifyTokensOptions } from "./token-check.ts";

const SECRET = "of-the-application";
const tokens = createTokens({ secret: SECRET });
const ANN = { user: "ann" };

function checking(options: VerifyTokensOptions = {}) {
  const notices: SecretNotice[] = [];
  let nowMs = Date.now();
  const check = createTokenCheck({
    ...{ secret: SECRET, options, clock: { nowMs: () => nowMs } },
    onNotice: (notice) => notices.push(notice),
  });
  /** What the check has against a call with this token, by header, and these claims from the server. */
  const against = (
    token: string | null,
    claims: string | null = token?.split(".")[1] ?? null,
    connected = false,
  ) => {
    const env = {
      url: "http://cable.test/cable",
      headers: token === null ? {} : { "x-jid": token },
      cstate: {},
      istate: {},
    };
    const metadata = { sid: "s1", protocolVersions: ["v1"], jwtIdentity: claims };
    return check.refusalOf(env, metadata, connected)?.message ?? null;
  };
  return { check, against, notices, pass: (ms: number) => (nowMs += ms) };
}

describe("a token that the server let in", () => {
  test("is let in here when the secret is the same, and without a notice", () => {
    const { against, notices } = checking();
    expect(against(tokens.issue(ANN))).toBeNull();
    expect(against(tokens.issue(ANN), null)).toBeNull();
    expect(notices).toEqual([]);
  });

  test("is refused when it was made with another secret, with this one's fingerprint and nothing of the token", () => {
    const { against, notices } = checking();
    const token = createTokens({ secret: "another" }).issue(ANN);
    expect(against(token)).toMatch(/bad_signature: .*fingerprint [0-9a-f]{8}\)/);
    expect(notices).toHaveLength(1);
    expect(notices[0]?.level).toBe("warn");
    expect(notices[0]?.message).toMatch(/^Token refused \(session s1\): .*bad_signature/);
    for (const part of token.split(".")) expect(notices[0]?.message).not.toContain(part);
  });

  test("is let in when a previous secret made it", () => {
    const { against } = checking({ previousSecrets: ["another"] });
    expect(against(createTokens({ secret: "another" }).issue(ANN))).toBeNull();
  });

  test("is refused when a claim is not what the server says, and the claim is named", () => {
    const { against } = checking();
    const [mate, captain] = ["mate", "captain"].map((role) => tokens.issue(ANN, { claims: { role } }));
    expect(against(mate ?? "", captain?.split(".")[1])).toContain(
      'claims: the claim "role" is not what the server',
    );
    expect(against(tokens.issue(ANN), tokens.issue({ user: "ben" }).split(".")[1])).toContain('"ext"');
  });

  test("is refused when it has expired, but not when the client has been here since", () => {
    const { against } = checking();
    const token = tokens.issue(ANN, { expiresInSeconds: -5 });
    expect(against(token)).toContain("expired: ");
    expect(against(token, undefined, true)).toBeNull();
    expect(checking({ leewaySeconds: 30 }).against(token)).toBeNull();
  });

  test("that is not there at all is missed, though not for a client that has none", () => {
    const { against } = checking();
    expect(against(null, "e30")).toContain("missing: no token came with verified claims; set tokenParam");
    expect(against(null, null)).toBeNull();
  });
});

test("the token is found in the query too, and under another name", () => {
  const { check } = checking({ tokenParam: "Token" });
  const forged = createTokens({ secret: "another" }).issue(ANN);
  const metadata = { sid: "s1", protocolVersions: ["v1"], jwtIdentity: null };
  const env = { url: "http://cable.test/cable", headers: {}, cstate: {}, istate: {} };
  expect(check.refusalOf({ ...env, url: `${env.url}?a=1&Token=${forged}` }, metadata, false)).not.toBeNull();
  expect(check.refusalOf({ ...env, headers: { "x-token": forged } }, metadata, false)).not.toBeNull();
  expect(check.refusalOf(env, metadata, false)).toBeNull();
});

test("a flood of refusals is a line every ten seconds, with their number", () => {
  const { against, notices, pass } = checking();
  const token = createTokens({ secret: "another" }).issue(ANN);
  for (let call = 0; call < 100; call++) against(token);
  expect(notices).toHaveLength(1);
  pass(10_000);
  against(token);
  expect(notices).toHaveLength(2);
  expect(notices[1]?.message).toEndWith("(and 99 more like it)");
});

test("tokens cannot be verified without a secret, or with an empty one", async () => {
  const serve = (secret?: string) =>
    serveRpc(createCable({}), { port: 0, verifyTokens: true, ...(secret === undefined ? {} : { secret }) });
  await expect(serve()).rejects.toThrow("Cannot verify tokens without the secret. Give `secret` too.");
  await expect(serve("")).rejects.toThrow("empty secret");
  expect(() => checking({ previousSecrets: [""] })).toThrow(
    "Cannot verify tokens: previous-1 is an empty secret",
  );
});
