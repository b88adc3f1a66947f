import { describe, expect, test } from "bun:test";
import { CHECKS } from "@hawser/core/jwt/explain";
import { type CommandPlace, runHawser } from "../support/hawser-command.ts";
import { goodToken, inSeconds, signToken } from "../support/tokens.ts";

const SECRET = "of-this-test-and-never-to-be-seen";
const PLACE: CommandPlace = { env: { ANYCABLE_SECRET: SECRET } };

const explain = (...args: string[]) => runHawser(["token", "explain", ...args], PLACE);
const verify = (...args: string[]) => runHawser(["token", "verify", ...args], PLACE);

/** What the line of a check says, with its mark. */
function lineOf(stdout: string, check: string): string | undefined {
  return stdout.split("\n").find((line) => line.slice(6).startsWith(check));
}

describe("hawser token explain", () => {
  test("shows every check of a good token in order, and who it is for", async () => {
    const { code, stdout, stderr } = await explain(goodToken(SECRET));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines.slice(0, CHECKS.length).map((line) => line.slice(6).split("  ")[0])).toEqual([...CHECKS]);
    expect(lines.slice(0, CHECKS.length).every((line) => line.startsWith("ok    "))).toBe(true);
    expect(lineOf(stdout, "identity")).toContain('{"user":"ann"}');
    expect(lineOf(stdout, "expiry")).toMatch(/expires in (59m|1h)/);
    expect(lines.at(-1)).toBe("accepted, by the key secret");
  });

  test("shows where another fails and what the client hears, with status 1", async () => {
    const expired = await explain(signToken(SECRET, { ext: "x", exp: inSeconds(-600) }));
    expect(expired.code).toBe(1);
    expect(lineOf(expired.stdout, "signature")).toStartWith("ok  ");
    expect(lineOf(expired.stdout, "expiry")).toMatch(/^FAIL .*expired 10m\ds ago/);
    expect(lineOf(expired.stdout, "identity")).toStartWith("-   ");
    expect(expired.stdout.trimEnd()).toEndWith(
      "refused: expired; the client hears token_expired\nto do: let the client fetch another; if it is fresh, compare the clocks",
    );
    const forged = await explain(goodToken("the other secret"));
    const ours = await runHawser(["keys", "fingerprint"], { input: SECRET });
    expect(lineOf(forged.stdout, "signature")).toMatch(
      new RegExp(`^FAIL .*: not of secret \\(${ours.stdout.trim()}\\)$`),
    );
    expect(lineOf(forged.stdout, "identity")).toBe('-     identity    {"user":"ann"}');
    expect(forged.stdout).toContain("refused: bad_signature; the client hears unauthorized\nto do: ");
    expect(forged.stdout).toContain("hawser keys fingerprint");
  });

  test("goes by the server's own options", async () => {
    const token = signToken(SECRET, { ext: "x", exp: inSeconds(7200), iat: inSeconds(0) });
    expect((await explain(token)).code).toBe(0);
    const strict = await explain(token, "--jwt_max_lifetime=3600");
    expect(lineOf(strict.stdout, "lifetime")).toMatch(/^FAIL .*for 2h0m0s; 1h0m0s is allowed/);
    expect((await explain(signToken("mine", { ext: "x" }), "--jwt_secret=mine")).code).toBe(0);
  });

  test("takes the token on standard input, in a URL, under the name of --jwt_param, and in a header", async () => {
    const token = goodToken(SECRET);
    const accepted = async (args: string[], input?: string) =>
      (await runHawser(["token", "explain", ...args], input === undefined ? PLACE : { ...PLACE, input }))
        .code;
    expect(await accepted([], `${token}\n`)).toBe(0);
    expect(await accepted(["-"], `wss://example.com/cable?jid=${token}`)).toBe(0);
    expect(await accepted([`ws://localhost:8080/cable?t=${token}`, "--jwt_param=t"])).toBe(0);
    expect(await accepted([`Authorization: Bearer ${token}`])).toBe(0);
  });

  test("asks for a token when there is none", async () => {
    const nothing = await explain();
    expect(nothing.code).toBe(2);
    expect(nothing.stderr).toContain("there is no token");
    const url = await explain("wss://example.com/cable?x=1");
    expect(url.stderr).toBe(
      "hawser: token explain: the URL has no parameter jid; --jwt_param=NAME names another\n",
    );
  });

  test("prints JSON for machines", async () => {
    const { stdout } = await explain("--json", goodToken("the other secret"));
    const printed = JSON.parse(stdout);
    expect(printed).toMatchObject({
      accepted: false,
      reason: "bad_signature",
      client_hears: "unauthorized",
      key: null,
    });
    expect(printed.checks[5]).toMatchObject({ name: "signature", outcome: "failed" });
  });

  test("shows the secret nowhere", async () => {
    for (const token of [goodToken(SECRET), goodToken("other"), "x"]) {
      for (const { stdout, stderr } of [await explain(token), await verify(token)]) {
        expect(stdout + stderr).not.toContain(SECRET);
      }
    }
  });
});

describe("hawser token verify", () => {
  test("says in a line what the server would say", async () => {
    const good = await verify(goodToken(SECRET));
    expect(good.code).toBe(0);
    expect(good.stdout).toMatch(/^accepted: \{"user":"ann"\}, key secret, expires in .*\n$/);
    const bad = await verify(goodToken("other"));
    expect(bad).toEqual({
      code: 1,
      stdout: "refused: bad_signature: the signature was not made with any key known here\n",
      stderr: "",
    });
    expect((await verify(signToken(SECRET, { ext: "x" }))).stdout).toContain("never expires");
  });

  test("takes what token mint makes", async () => {
    const minted = await runHawser(["token", "mint", "someone", "--alg=HS384"], PLACE);
    const { code, stdout } = await runHawser(["token", "verify"], { ...PLACE, input: minted.stdout });
    expect(code).toBe(0);
    expect(stdout).toStartWith("accepted: someone, key secret,");
  });
});
