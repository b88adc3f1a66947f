import { generateKeyPairSync, sign } from "node:crypto";

/** An identity provider of our own, in the place of one that a guide names. */
export interface StandInIssuer {
  readonly url: string;
  stop(): void;
}

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");

/**
 * Publishes a key by OpenID Connect discovery for whatever issuer under it, and answers each `POST` with an access token of
 * Keycloak's shape: `iss` is what stands before `/protocol/` in the path, and the form's parameters are claims.
 */
export function serveIssuer(): StandInIssuer {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const keys = [{ ...publicKey.export({ format: "jwk" }), kid: "k1", use: "sig", alg: "RS256" }];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { origin, pathname } = new URL(request.url);
      // One without a path is written as Auth0 writes its own.
      const issuer = `${origin}${pathname.split(/\/(?:protocol|\.well-known|oauth)\//)[0] || "/"}`;
      if (pathname.endsWith("/openid-configuration"))
        return Response.json({ issuer, jwks_uri: `${origin}/keys` });
      if (request.method === "GET") return Response.json({ keys });
      const form = Object.fromEntries(new URLSearchParams(await request.text()));
      const iat = Math.floor(Date.now() / 1000);
      const claims = {
        iss: issuer,
        sub: "f1b3c6ce",
        aud: "cable",
        typ: "Bearer",
        iat,
        exp: iat + 300,
        ...form,
      };
      const input = `${encode({ alg: "RS256", kid: "k1", typ: "JWT" })}.${encode(claims)}`;
      const signature = sign("sha256", Buffer.from(input), privateKey).toString("base64url");
      return Response.json({ access_token: `${input}.${signature}`, token_type: "Bearer", expires_in: 300 });
    },
  });
  return { url: server.url.origin, stop: () => void server.stop(true) };
}
