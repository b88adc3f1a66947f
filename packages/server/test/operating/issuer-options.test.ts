import { afterAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { SignJWT } from "jose";
import { startApplication } from "../support/application.ts";
import { CableClient } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { createScratch } from "../support/scratch.ts";
import { useStarted } from "../support/started.ts";
import { inSeconds, signToken } from "../support/tokens.ts";

const SECRET = "7b1f0c9d4e2a8b6c5d3e1f0a9b8c7d6e";
const OTHER_SECRET = "0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b";
const EXT = JSON.stringify({ user: "ann" });

const scratch = createScratch();
afterAll(() => scratch.remove());

const started = useStarted();

async function start(...flags: string[]): Promise<HawserProcess> {
  return started(await startHawser(flags));
}

/** What a client with this token hears: `welcome`, or the reason of its refusal. */
async function heard(server: HawserProcess, token: string): Promise<string> {
  const client = new CableClient(`ws://127.0.0.1:${server.port}/cable?jid=${token}`);
  const { type, reason } = JSON.parse(await client.message(0)) as { type: string; reason?: string };
  client.close();
  return reason ?? type;
}

const token = (claims: object, secret = SECRET, alg = "HS256") =>
  signToken(secret, { ext: EXT, exp: inSeconds(3600), ...claims }, { alg });

describe("rules for the tokens of an issuer", () => {
  test("--jwt_audience lets in whom aud names", async () => {
    const server = await start("--norpc", `--jwt_secret=${SECRET}`, "--jwt_audience=cable,chat");
    expect(await heard(server, token({ aud: "chat" }))).toBe("welcome");
    expect(await heard(server, token({ aud: ["web", "cable"] }))).toBe("welcome");
    expect(await heard(server, token({ aud: "web" }))).toBe("unauthorized");
    expect(await heard(server, token({}))).toBe("unauthorized");
    expect(server.output()).toContain("reason=audience");
  });

  test("--jwt_algorithms takes no others, though the secret would do for them", async () => {
    const server = await start("--norpc", `--jwt_secret=${SECRET}`, "--jwt_algorithms=HS512");
    expect(await heard(server, token({}, SECRET, "HS512"))).toBe("welcome");
    expect(await heard(server, token({}, SECRET, "HS256"))).toBe("unauthorized");
    expect(server.output()).toContain("reason=alg_not_allowed");
  });

  test("--jwt_identifiers makes of claims what the application is told", async () => {
    const application = started(await startApplication());
    const server = await start(
      `--rpc_host=127.0.0.1:${application.port}`,
      `--jwt_secret=${SECRET}`,
      '--jwt_identifiers={"user_id":"$.sub","tenant":"$.org.id"}',
    );
    const claims = { sub: "7", org: { id: "acme" } };
    const client = new CableClient(`ws://127.0.0.1:${server.port}/cable?jid=${token(claims)}`);
    await client.message(0);
    client.send({ command: "subscribe", identifier: '{"channel":"Chat"}' });
    await client.message(1);
    const [command] = application.callsOf("Command");
    expect(JSON.parse(command?.request.connectionIdentifiers ?? "")).toEqual({
      user_id: "7",
      tenant: "acme",
    });
    client.close();
  });

  test("--jwt_preset knows what a provider's tokens are like", async () => {
    const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const key = { ...pair.publicKey.export({ format: "jwk" }), kid: "k1", alg: "RS256" };
    const keys = scratch.write("firebase.json", JSON.stringify({ keys: [key] }));
    const issuer = "https://securetoken.google.com/shop";
    const server = await start(
      "--norpc",
      "--jwt_preset=firebase",
      `--jwt_issuer=${issuer}`,
      "--jwt_audience=shop",
      `--jwt_keys_file=${keys}`,
    );
    const sign = (claims: Record<string, unknown>) =>
      new SignJWT({ iss: issuer, aud: "shop", sub: "u1", iat: inSeconds(0), ...claims })
        .setProtectedHeader({ alg: "RS256", kid: "k1" })
        .sign(pair.privateKey);
    expect(await heard(server, await sign({ exp: inSeconds(600) }))).toBe("welcome");
    // Without ext, for the preset takes the identity from sub; and it wants an exp.
    expect(await heard(server, await sign({}))).toBe("unauthorized");
    expect(server.output()).toContain("reason=exp_missing");
  });

  test("jwt.issuers of the file keeps several apart: each one's secret is good for its own tokens", async () => {
    const tables = (["one", "two"] as const).map((name, at) => {
      const file = scratch.write(`${name}.secret`, at === 0 ? SECRET : OTHER_SECRET);
      return `[[jwt.issuers]]\nissuer = "https://${name}.example"\nsecret_file = ${JSON.stringify(file)}\n`;
    });
    const config = scratch.write("issuers.toml", tables.join("\n"));
    const server = await start("--norpc", `--config-path=${config}`);
    const [one, two] = [{ iss: "https://one.example" }, { iss: "https://two.example" }];
    expect(await heard(server, token(one, SECRET))).toBe("welcome");
    expect(await heard(server, token(two, OTHER_SECRET))).toBe("welcome");
    expect(await heard(server, token(two, SECRET))).toBe("unauthorized");
    expect(await heard(server, token({ iss: "https://three.example" }, SECRET))).toBe("unauthorized");
  });
});
