/** What the page and the backend agree on. */
export const ROOMS = ["lobby", "harbour", "staff"] as const;
export type Room = (typeof ROOMS)[number];

/** What everyone in a room gets. */
export interface ChatMessage {
  readonly from: string;
  readonly text: string;
  readonly atMs: number;
}

/**
 * What one who writes whispers to the others in the room. Whispers do not pass the application: the name is only what the
 * sender says it is.
 */
export interface TypingNotice {
  readonly typing: string;
}

/** Whether `name` is one that this chat gives tokens to: short, and nothing but letters, digits, `-` and `_`. */
export function isName(name: unknown): name is string {
  return typeof name === "string" && /^[\p{L}\p{N}_-]{1,24}$/u.test(name);
}

/** What `/token` answers. */
export interface IssuedToken {
  readonly token: string;
  readonly expiresAtMs: number;
  readonly lifeSeconds: number;
  /** Where the cable server listens, on the host of the page. */
  readonly cablePort: number;
}
