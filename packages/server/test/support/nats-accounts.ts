import { randomUUID } from "node:crypto";
import { nkeys } from "@nats-io/transport-node";

/** A NATS where users are known by JWTs that an account signed, which an operator signed (NATS, decentralized authentication). */
export interface NatsAccounts {
  /** For the server's file of configuration. */
  readonly configuration: string;
  /** A credentials file of a user of the account. */
  credentials(): string;
}

type KeyPair = ReturnType<typeof nkeys.createUser>;

export function makeNatsAccounts(): NatsAccounts {
  const [operator, account] = [nkeys.createOperator(), nkeys.createAccount()];
  const operatorJwt = signed(operator, operator, { type: "operator" });
  const accountJwt = signed(operator, account, { type: "account", limits: UNLIMITED });
  return {
    configuration: [
      `operator: ${operatorJwt}`,
      "resolver: MEMORY",
      `resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`,
    ].join("\n"),
    credentials() {
      const user = nkeys.createUser();
      return [
        "-----BEGIN NATS USER JWT-----",
        signed(account, user, { type: "user", subs: -1, data: -1, payload: -1 }),
        "------END NATS USER JWT------",
        "",
        "************************* IMPORTANT *************************",
        "NKEY Seed printed below can be used to sign and prove identity.",
        "",
        "-----BEGIN USER NKEY SEED-----",
        seedOf(user),
        "------END USER NKEY SEED------",
        "",
      ].join("\n");
    },
  };
}

/** The seed of a user, and the public key by which a server knows it. */
export function makeNkey(): { readonly seed: string; readonly publicKey: string } {
  const user = nkeys.createUser();
  return { seed: seedOf(user), publicKey: user.getPublicKey() };
}

const UNLIMITED = {
  ...{ subs: -1, conn: -1, leaf: -1, imports: -1, exports: -1, data: -1, payload: -1, wildcards: true },
};

const seedOf = (pair: KeyPair): string => new TextDecoder().decode(pair.getSeed());

function signed(issuer: KeyPair, subject: KeyPair, claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const payload = {
    ...{ jti: randomUUID(), iat: Math.floor(Date.now() / 1000), iss: issuer.getPublicKey() },
    ...{ name: "test", sub: subject.getPublicKey(), nats: { ...claims, version: 2 } },
  };
  const text = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${part(payload)}`;
  return `${text}.${Buffer.from(issuer.sign(new TextEncoder().encode(text))).toString("base64url")}`;
}
