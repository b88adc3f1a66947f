import { CableError } from "@hawser/core/errors";
import { callUnix, type JsonAnswer } from "../drivers/unix-http.ts";

/** A server that is alive answers this soon. */
const TIMEOUT_MS = 10_000;

export interface ServerFacts {
  readonly version: string;
  readonly pid: number;
}

/** A key as the admin socket tells it: what operators may see. */
export interface ListedKey {
  readonly name: string;
  readonly kid: string | null;
  readonly algorithms: readonly string[];
  readonly state: string;
  readonly source: string;
  readonly issuer: string | null;
  readonly fingerprint: string | null;
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  /** When a token of it was last taken; null when none was since the server's start, or no server was asked. */
  readonly lastUsed: string | null;
}

/** Another server of the same broker, as it has shown itself of late. */
export interface OtherServer {
  /** The machine and the process. */
  readonly name: string;
  /** When it took its keys, in ISO 8601. */
  readonly keysSince: string;
  /** Marks of its keys: fingerprints of secrets, names and digests of public keys. */
  readonly keys: readonly string[];
  /** Of former keys that it takes for a while longer. */
  readonly passing: readonly string[];
  /** Marks of keys that it has and the server that is asked has not. */
  readonly missingHere: readonly string[];
  readonly missingThere: readonly string[];
}

export interface KeysAnswer {
  readonly keys: readonly ListedKey[];
  /** Null where servers share no broker. */
  readonly servers: readonly OtherServer[] | null;
}

export interface ReloadAnswer {
  readonly result: string;
  readonly keys: readonly ListedKey[];
}

export interface RevokeAnswer {
  /** How many connections were closed. */
  readonly closed: number;
  /** When it is forgotten, in ISO 8601. */
  readonly until: string;
}

/** @throws CableError `io_failed` when the server cannot be asked. */
export async function fetchServer(socketPath: string): Promise<ServerFacts> {
  // Both ends are of one program and version.
  return answerOf(socketPath, await callUnix(socketPath, "GET", "/server", TIMEOUT_MS)) as ServerFacts;
}

/** @throws CableError `io_failed` when the server cannot be asked. */
export async function fetchKeys(socketPath: string): Promise<KeysAnswer> {
  const answer = await callUnix(socketPath, "GET", "/keys", TIMEOUT_MS);
  return answerOf(socketPath, answer) as KeysAnswer;
}

/** @throws CableError `io_failed` when the server cannot be asked, or could not read its keys. */
export async function askForReload(socketPath: string): Promise<ReloadAnswer> {
  return answerOf(socketPath, await callUnix(socketPath, "POST", "/keys/reload", TIMEOUT_MS)) as ReloadAnswer;
}

/** @throws CableError `io_failed` when the server cannot be asked, or did not do it. */
export async function askToRevoke(socketPath: string, payload: object): Promise<RevokeAnswer> {
  const answer = await callUnix(socketPath, "POST", "/revoke", TIMEOUT_MS, payload);
  return answerOf(socketPath, answer) as RevokeAnswer;
}

function answerOf(socketPath: string, { status, body }: JsonAnswer): unknown {
  if (status === 200) return body;
  const error =
    typeof body === "object" && body !== null && "error" in body ? String(body.error) : `status ${status}`;
  throw new CableError("io_failed", `ask the server at ${socketPath}: ${error}`);
}
