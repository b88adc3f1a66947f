import type { LogLevel } from "./log.ts";

/**
 * How a refused or dropped client is told. `wire` is the `reason` of its disconnect message, or null when no message
 * is sent; a client refreshes its token on `token_expired` and on nothing else (anycable-client create-cable).
 */
export interface Farewell {
  readonly wire: string | null;
  readonly reconnect: boolean;
  /** RFC 6455 7.4 close code and text. */
  readonly closeCode: number;
  readonly closeText: string;
  /** How loud the operator's line is. */
  readonly level: LogLevel;
  /** Set where the client may have its session back by its id: neither we nor the application wanted it gone. */
  readonly resumable?: true;
}

const UNAUTHORIZED = {
  wire: "unauthorized",
  reconnect: false,
  closeCode: 1000,
  closeText: "Auth Failed",
  level: "info",
} as const satisfies Farewell;

const TOKEN_EXPIRED = { ...UNAUTHORIZED, wire: "token_expired" } as const satisfies Farewell;

/**
 * Every reason why a token can be refused, and the only map from it to the wire. The codes are also metric labels and
 * log values. The client hears the coarse reason alone: the exact one would tell an attacker which check failed.
 */
export const AUTH_REASONS = {
  missing: UNAUTHORIZED,
  malformed: UNAUTHORIZED,
  too_large: UNAUTHORIZED,
  alg_not_allowed: UNAUTHORIZED,
  unknown_key: UNAUTHORIZED,
  bad_signature: UNAUTHORIZED,
  expired: TOKEN_EXPIRED,
  not_yet_valid: UNAUTHORIZED,
  lifetime_too_long: UNAUTHORIZED,
  exp_missing: UNAUTHORIZED,
  // DEVIATION: D3. The reference closes 1011 without a message here, so that clients retry for ever.
  ext_missing: UNAUTHORIZED,
  ext_not_string: UNAUTHORIZED,
  // A token of a key that is on its way out is answered like an expired one: stock clients then fetch a fresh token.
  key_retired: TOKEN_EXPIRED,
  key_revoked: UNAUTHORIZED,
  issuer: UNAUTHORIZED,
  audience: UNAUTHORIZED,
  type: UNAUTHORIZED,
  revoked: UNAUTHORIZED,
} as const satisfies Record<string, Farewell>;

/** Why a token, or that there is none, keeps a client out. */
export type AuthReason = keyof typeof AUTH_REASONS;

/** What options and circumstances change about the table. */
export interface AuthFarewells {
  /** `--jwt_retired_as`: what the bearer of a retired key's token hears. */
  readonly retiredAs: "token_expired" | "unauthorized";
  /** Whether who has a wrong signature is to come again, because it is ours that is wrong. */
  readonly forgedMayReturn: boolean;
}

const COME_AGAIN = { ...UNAUTHORIZED, reconnect: true } as const satisfies Farewell;

export function authFarewell(reason: AuthReason, { retiredAs, forgedMayReturn }: AuthFarewells): Farewell {
  if (reason === "key_retired" && retiredAs === "unauthorized") return UNAUTHORIZED;
  return reason === "bad_signature" && forgedMayReturn ? COME_AGAIN : AUTH_REASONS[reason];
}

/** Every other way in which this server ends a connection. `remote` takes `reconnect` from the command. */
export const DROP_REASONS = {
  /** No backend and nothing else that could let the client in. */
  no_backend: { ...UNAUTHORIZED, level: "info" },
  /** The application said no to Connect; its own transmissions are the message. */
  backend_refused: { wire: null, reconnect: false, closeCode: 1000, closeText: "Auth Failed", level: "info" },
  /** Connect could not be asked, or the application answered ERROR. */
  backend_failed: { wire: null, reconnect: true, closeCode: 1011, closeText: "Auth Error", level: "error" },
  // DEVIATION: D17. The reference puts 1006 on the wire.
  backend_closed: {
    wire: null,
    reconnect: true,
    closeCode: 1000,
    closeText: "Command Failed",
    level: "debug",
  },
  internal_error: {
    wire: null,
    reconnect: true,
    closeCode: 1011,
    closeText: "Internal Error",
    level: "error",
  },
  server_restart: {
    wire: "server_restart",
    reconnect: true,
    closeCode: 1001,
    closeText: "Server restart",
    level: "debug",
  },
  remote: { wire: "remote", reconnect: false, closeCode: 1000, closeText: "Closed remotely", level: "debug" },
  /** Its token or its session was revoked; `reconnect` is the command's. */
  revoked: { wire: "revoked", reconnect: false, closeCode: 1000, closeText: "Revoked", level: "debug" },
  /** With `--session_expiry=close`: the connection has lived as long as its token. Clients fetch another and come back. */
  token_expired: { ...TOKEN_EXPIRED, closeText: "Token Expired", level: "info" },
  /** A token for somebody else came in an `auth` command. */
  identity_changed: { ...UNAUTHORIZED, level: "info" },
  no_pong: {
    wire: "no_pong",
    reconnect: true,
    closeCode: 1000,
    closeText: "No Pong",
    level: "warn",
    resumable: true,
  },
  too_slow: {
    wire: "too_slow",
    reconnect: true,
    closeCode: 1000,
    closeText: "",
    level: "debug",
    resumable: true,
  },
  /** Its socket took no byte for too long; nothing that we say would arrive. */
  write_timeout: {
    wire: null,
    reconnect: true,
    closeCode: 1006,
    closeText: "",
    level: "debug",
    resumable: true,
  },
  // DEVIATION: D6. The reference stops reading and leaves the socket.
  bad_frames: {
    wire: null,
    reconnect: true,
    closeCode: 1008,
    closeText: "Too many malformed messages",
    level: "info",
    resumable: true,
  },
  too_many_commands: {
    wire: null,
    reconnect: true,
    closeCode: 1008,
    closeText: "Too many pending commands",
    level: "info",
    resumable: true,
  },
  /** It said more in a second than `--max_commands_per_second`. */
  command_rate: {
    wire: null,
    reconnect: true,
    closeCode: 1008,
    closeText: "Too many commands",
    level: "info",
    resumable: true,
  },
  /** Checking a signature is the dearest thing that a client can have done here. */
  too_many_tokens: {
    wire: null,
    reconnect: true,
    closeCode: 1008,
    closeText: "Too many tokens",
    level: "info",
    resumable: true,
  },
} as const satisfies Record<string, Farewell>;

export type DropReason = keyof typeof DROP_REASONS;
