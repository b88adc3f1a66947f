import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import type { PublicJwk } from "@hawser/core/jwt/key-material";
import { createKeyRing } from "@hawser/core/jwt/keyring";
import { createVerifier } from "@hawser/core/jwt/verifier";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { SignJWT } from "jose";
import { configOf } from "../../test/support/load-config.ts";
import { nodeCrypto } from "../drivers/crypto.ts";
import { tokenPolicy } from "./token-policy.ts";

/* Tokens of the shape that each provider documents, made here with a key of our own. */

const clock = new ManualClock();
const NOW_S = Math.floor(clock.nowMs() / 1000);
const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = pair.publicKey.export({ format: "jwk" }) as PublicJwk;

function verifierFor(preset: string, issuer: string, audience: string, ...more: string[]) {
  const { jwt } = configOf(
    `--jwt_preset=${preset}`,
    `--jwt_issuer=${issuer}`,
    `--jwt_audience=${audience}`,
    "--jwt_keys_file=/keys.json",
    ...more,
  );
  const ring = createKeyRing([
    {
      ...{ name: "idp", kid: "k1", algorithms: ["RS256"], state: "active", issuer },
      material: { kind: "public", form: { format: "jwk", jwk } },
    },
  ]);
  return createVerifier({ ring: () => ring, crypto: nodeCrypto, clock, policy: tokenPolicy(jwt) }).verify;
}

const sign = (claims: Record<string, unknown>, header: Record<string, unknown> = {}) =>
  new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "k1", ...header }).sign(pair.privateKey);

describe("Keycloak", () => {
  const ISSUER = "https://id.example.com/realms/shop";
  const verify = verifierFor("keycloak", ISSUER, "cable");
  const ACCESS = {
    exp: NOW_S + 300,
    iat: NOW_S,
    auth_time: NOW_S - 5,
    jti: "onrtac:3a3e5f0a-1e6f-4f0a-8b2f-000000000000",
    iss: ISSUER,
    aud: ["cable", "account"],
    sub: "f1b3c6ce-0f33-4b6c-8a2d-9f0e8f3f1a11",
    typ: "Bearer",
    azp: "shop-web",
    sid: "6d0e2f5b-2b1e-4b0a-9a53-000000000000",
    acr: "1",
    "allowed-origins": ["https://shop.example.com"],
    realm_access: { roles: ["offline_access", "uma_authorization"] },
    resource_access: { account: { roles: ["manage-account", "view-profile"] } },
    scope: "openid profile email",
    email_verified: true,
    preferred_username: "ann",
  };

  test("access tokens are taken, and their subject is the user", async () => {
    expect(verify(await sign(ACCESS, { typ: "JWT" }))).toMatchObject({
      accepted: true,
      identity: '{"user_id":"f1b3c6ce-0f33-4b6c-8a2d-9f0e8f3f1a11"}',
    });
  });

  test("ID and refresh tokens are not, nor those for others", async () => {
    expect(verify(await sign({ ...ACCESS, typ: "ID" }))).toMatchObject({ reason: "type" });
    expect(verify(await sign({ ...ACCESS, typ: "Refresh" }))).toMatchObject({ reason: "type" });
    expect(verify(await sign({ ...ACCESS, aud: "account" }))).toMatchObject({ reason: "audience" });
    expect(verify(await sign({ ...ACCESS, iss: "https://id.example.com/realms/other" }))).toMatchObject({
      reason: "issuer",
    });
    const { exp: _exp, ...endless } = ACCESS;
    expect(verify(await sign(endless))).toMatchObject({ reason: "exp_missing" });
  });
});

describe("Auth0", () => {
  const ISSUER = "https://shop.eu.auth0.com/";
  const ACCESS = {
    iss: ISSUER,
    sub: "auth0|507f1f77bcf86cd799439020",
    aud: ["https://cable.example.com", "https://shop.eu.auth0.com/userinfo"],
    iat: NOW_S,
    exp: NOW_S + 86_400,
    scope: "openid profile",
    azp: "my_client_id",
    "https://shop.example.com/tenant": "t-7",
  };

  test("access tokens are taken, and their subject is the user", async () => {
    const verify = verifierFor("auth0", ISSUER, "https://cable.example.com");
    expect(verify(await sign(ACCESS, { typ: "JWT" }))).toMatchObject({
      accepted: true,
      identity: '{"user_id":"auth0|507f1f77bcf86cd799439020"}',
    });
    // An ID token is for the client.
    expect(verify(await sign({ ...ACCESS, aud: "my_client_id" }))).toMatchObject({ reason: "audience" });
  });

  test("claims of a name space of one's own go into the identifiers by a template", async () => {
    const template = String.raw`{"user_id":"$.sub","tenant":"$[\"https://shop.example.com/tenant\"]"}`;
    const verify = verifierFor("auth0", ISSUER, "https://cable.example.com", `--jwt_identifiers=${template}`);
    expect(verify(await sign(ACCESS))).toMatchObject({
      identity: '{"user_id":"auth0|507f1f77bcf86cd799439020","tenant":"t-7"}',
    });
  });
});

describe("Firebase", () => {
  const verify = verifierFor("firebase", "https://securetoken.google.com/my-shop", "my-shop");
  const ID_TOKEN = {
    name: "Ann",
    iss: "https://securetoken.google.com/my-shop",
    aud: "my-shop",
    auth_time: NOW_S - 5,
    user_id: "oJ8Zc1hYyRcJ0rZlB2mB3yX1abc2",
    sub: "oJ8Zc1hYyRcJ0rZlB2mB3yX1abc2",
    iat: NOW_S,
    exp: NOW_S + 3600,
    email: "ann@example.com",
    email_verified: true,
    firebase: { identities: { email: ["ann@example.com"] }, sign_in_provider: "password" },
  };

  test("ID tokens are taken, and their subject is the user", async () => {
    expect(verify(await sign(ID_TOKEN, { typ: "JWT" }))).toMatchObject({
      accepted: true,
      identity: '{"user_id":"oJ8Zc1hYyRcJ0rZlB2mB3yX1abc2"}',
    });
  });

  test("those of another project, signed with the same keys, are not", async () => {
    const other = { ...ID_TOKEN, iss: "https://securetoken.google.com/their-shop", aud: "their-shop" };
    expect(verify(await sign(other))).toMatchObject({ reason: "issuer" });
    expect(verify(await sign({ ...ID_TOKEN, aud: "their-shop" }))).toMatchObject({ reason: "audience" });
  });
});
