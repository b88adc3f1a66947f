/** What the page and the backend agree on. */
export const ROOMS = ["lobby", "harbour", "staff"] as const;
export type Room = (typeof ROOMS)[number];

/** What everyone in a room gets. */
export interface ChatMessage {
  readonly from: string;
  readonly text: string;
  readonly atMs: number;
}

/** What `/token` answers. */
export interface IssuedToken {
  readonly token: string;
  readonly expiresAtMs: number;
  readonly lifeSeconds: number;
  /** Where the cable server listens, on the host of the page. */
  readonly cablePort: number;
}
