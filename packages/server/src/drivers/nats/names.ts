import { createHash } from "node:crypto";

/** A name of a stream of JetStream may have 255 characters, and so may a file. */
const LONGEST = 180;

const PLAIN = /^[A-Za-z0-9_-]+$/;

/**
 * Any text as a token that NATS takes in names of streams, subjects and keys; another one for each text. What is too long
 * is told by its SHA-256.
 */
export function encodeName(name: string): string {
  const encoded = PLAIN.test(name) ? name : name === "" ? "=e" : escaped(name);
  if (encoded.length <= LONGEST) return encoded;
  return `=h${createHash("sha256").update(encoded).digest("base64url")}`;
}

/** As in a URL, with `=` in place of `%`. Half of a surrogate pair has no UTF-8: it stands by its own number. */
function escaped(name: string): string {
  let encoded = "";
  for (const char of name) {
    if (PLAIN.test(char)) encoded += char;
    else if (!char.isWellFormed()) encoded += `=u${char.charCodeAt(0).toString(16)}`;
    else
      for (const byte of Buffer.from(char)) encoded += `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** What the streams of JetStream that are history begin with. */
export const HISTORY_PREFIX = "hawser_";

/** What is published to this subject is kept in the history of the stream. */
export const historySubject = (stream: string): string => `__hawser__.h.${encodeName(stream)}`;

/** All such subjects. */
export const HISTORY_SUBJECTS = "__hawser__.h.*";

/** By this subject it comes to whoever follows the stream, once it is kept. */
export const keptSubject = (stream: string, epoch: string): string =>
  `__hawser__.k.${encodeName(stream)}.${epoch}`;

/** The same under any epoch. */
export const keptSubjects = (stream: string): string => keptSubject(stream, "*");

/** The epoch in such a subject. */
export function epochIn(subject: string): string {
  return subject.slice(subject.lastIndexOf(".") + 1);
}
