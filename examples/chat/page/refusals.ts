import type { Answer } from "./knock.ts";

/** Something that this page was refused, as it is shown. */
export interface Refusal {
  /** The server's word for it, or the application's. */
  readonly reason: string;
  readonly presented: string;
  /** What came back, where that is known. */
  readonly answer: Answer | null;
  /** What the application said to it; null when it was not asked. */
  readonly words: string | null;
  readonly meaning: string;
}

/** The close code of a connection that nobody closed in words. */
const CUT = 1006;

/** The tokens that one can knock with, what they are, and why they are refused. */
export const KNOCKS = {
  expired: {
    presented: "a token that expired a minute ago",
    meaning:
      "Signed rightly, but too late. A client that hears token_expired may fetch another and come back.",
  },
  foreign: {
    presented: "a token signed with another secret",
    meaning:
      "No key of this server made the signature. That is bad_signature in its log; the client hears no more than unauthorized.",
  },
  none: {
    presented: "no token",
    meaning:
      "This server lets nobody in without one. That is missing in its log; the client hears no more than unauthorized.",
  },
} as const;

export type Knock = keyof typeof KNOCKS;

export function isKnock(kind: string): kind is Knock {
  return Object.hasOwn(KNOCKS, kind);
}

/** What an answer to a bad token says; null when there was none, or the connection was cut. */
export function refusalOfKnock(kind: Knock, answer: Answer): Refusal | null {
  if (answer.close === null || answer.close.code === CUT) return null;
  return { reason: reasonIn(answer) ?? answer.close.reason, answer, words: null, ...KNOCKS[kind] };
}

/** The application has refused a room; the token had nothing to do with it. */
export function refusalOfRoom(room: string, why: string | null): Refusal {
  return {
    reason: "rejected",
    presented: `a wish to enter ${room}`,
    answer: null,
    words: why ?? "nothing",
    meaning: "The token was good. This is the second layer: the application decides what its owner may do.",
  };
}

/** The server has refused the connection of the chat itself; `final` when the client does not try again. */
export function refusalOfConnection(reason: string, final: boolean): Refusal {
  return {
    reason,
    presented: "this page's own token",
    answer: null,
    words: null,
    meaning: final
      ? "The client stays away, for another try would end the same way. The line `client refused` in the server's log says more."
      : "It had run out, so the client fetched another and came back.",
  };
}

function reasonIn(answer: Answer): string | null {
  const last = answer.frames.at(-1);
  if (last === undefined) return null;
  const { reason }: { reason?: unknown } = JSON.parse(last);
  return typeof reason === "string" ? reason : null;
}
