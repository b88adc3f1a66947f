import { LIMITS } from "@hawser/core/limits";
import { base64urlByteLength, decodeBase64url } from "@hawser/core/wire/base64url";
import { type JsonObject, parseStrictObject } from "@hawser/core/wire/strict-json";
import { decodeUtf8 } from "@hawser/core/wire/utf8";
import type { Env } from "@hawser/proto/gen/rpc";
import { type Cookies, cookiesIn } from "./cookies.ts";
import { type State, TrackedState } from "./state.ts";

/** What came with a call besides its message: the server wrote it, never the client. */
export interface CallMetadata {
  /** The session that the call is about; "" when the server does not say. */
  readonly sid: string;
  /** The versions of the contract that the server speaks. */
  readonly protocolVersions: readonly string[];
  /** The verified claims of the client's token as base64url JSON, or null when no token was verified. */
  readonly jwtIdentity: string | null;
}

/** What is known of a client before it is let in. */
export interface ConnectEnv {
  /** The session's id: what clients are told in the welcome, and what the server's log lines carry. */
  readonly sid: string;
  /** The URL that the client opened. It holds the token when that came by query, so do not log it. */
  readonly url: string;
  /** Headers by lower-case name, as far as the server forwards them, and `REMOTE_ADDR`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The cookies among them, decoded; none when the server does not forward `cookie`. */
  readonly cookies: Cookies;
  /** The claims of the client's token, verified by the server; null when it has none, or the server does not pass them on. */
  readonly claims: JsonObject | null;
  /** Kept as long as the connection lives. */
  readonly cstate: State;
}

/** A client that was let in, by its token or by `connect`. */
export interface Connection<Identifiers> extends ConnectEnv {
  /** Who it is: what the token or `connect` said. */
  readonly identifiers: Identifiers;
  /** The same as the text that was issued; remote disconnects match it exactly. */
  readonly identifiersText: string;
}

/** The header by which a server passes claims on. */
const IDENTITY_HEADER = "x-jwt-identity";

/** @throws Error when the claims in the call's metadata cannot be read. */
export function connectEnvOf(
  env: Env | undefined,
  metadata: CallMetadata,
): ConnectEnv & { readonly cstate: TrackedState } {
  const headers = { ...env?.headers };
  // A server that knows nothing of this header may be told to forward it from clients, who can write anything into it.
  // Metadata is the server's alone, so the claims are taken from there and the header is hidden.
  delete headers[IDENTITY_HEADER];
  return {
    sid: metadata.sid,
    url: env?.url ?? "",
    headers,
    cookies: cookiesIn(headers.cookie ?? ""),
    claims: metadata.jwtIdentity === null ? null : claimsOf(metadata.jwtIdentity),
    cstate: new TrackedState(env?.cstate ?? {}),
  };
}

/** @throws Error when they cannot be read. */
export function claimsOf(segment: string): JsonObject {
  const bytes = new Uint8Array(base64urlByteLength(segment.length));
  const length = decodeBase64url(segment, 0, segment.length, bytes);
  const text = length < 0 ? null : decodeUtf8(bytes, 0, length);
  const claims = text === null ? "not_json" : parseStrictObject(text, LIMITS.maxJsonDepth);
  if (typeof claims !== "string") return claims;
  throw new Error(
    `Cannot read the claims in ${IDENTITY_HEADER}: ${claims}. The server in front is not one that this SDK knows.`,
  );
}
