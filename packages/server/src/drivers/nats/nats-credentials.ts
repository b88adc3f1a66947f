/** Whom to log in as: a user of an account, whose JWT says so, or an nkey that the server knows. */
export interface NatsCredentials {
  readonly jwt: string | null;
  readonly seed: string;
}

/** Between lines of dashes, as `nsc` writes it. */
const JWT = /-{3,}BEGIN NATS USER JWT-{3,}\s*([\w-]+\.[\w-]+\.[\w-]+)\s*-{3,}END NATS USER JWT-{3,}/;
/** A user's, in base 32. */
const SEED = /(?:^|\s)(SU[A-Z2-7]{56})(?:\s|$)/;

/** Reads a credentials file, or one with nothing but a seed. Null when it is neither. */
export function parseNatsCredentials(text: string): NatsCredentials | null {
  const seed = SEED.exec(text)?.[1];
  if (seed === undefined) return null;
  const jwt = JWT.exec(text)?.[1];
  if (jwt !== undefined) return { jwt, seed };
  // A JWT that is not to be found is not left out: the server would say nothing but that the login is wrong.
  return text.trim() === seed || /^-{3,}BEGIN USER NKEY SEED-{3,}/.test(text.trim())
    ? { jwt: null, seed }
    : null;
}
