/** One value of a secret that is or was in use. */
export interface SecretVersion {
  /** For logs and metric labels. */
  readonly name: string;
  readonly text: string;
  /** Only the current one signs. */
  readonly current: boolean;
  /** Until when, in milliseconds since the epoch, it verifies; null for as long as the options say so. */
  readonly untilMs: number | null;
}

/** What the options give. */
export interface GivenSecret {
  readonly current: string | null;
  readonly previous: readonly string[];
}

/** Tokens of older ones are refused as forged: nobody keeps keys for ever, and eight are tried at most. */
const MOST_REPLACED = 3;

/**
 * The versions after the options changed. What they no longer give is remembered, so that who still has a token of it
 * is known: what was current goes on for `overlapMs`, because the application may be told of the change later than this
 * server; what was a previous one already has had its time.
 *
 * @param before in the order of this function; empty at the start.
 */
export function nextVersions(
  before: readonly SecretVersion[],
  given: GivenSecret,
  nowMs: number,
  overlapMs: number,
): readonly SecretVersion[] {
  const texts = new Set<string>();
  const versions: SecretVersion[] = [];
  const add = (version: SecretVersion): void => {
    if (texts.has(version.text)) return;
    texts.add(version.text);
    versions.push(version);
  };
  if (given.current !== null) add({ name: "secret", text: given.current, current: true, untilMs: null });
  given.previous.forEach((text, at) => {
    add({ name: `previous-${at + 1}`, text, current: false, untilMs: null });
  });
  // The one replaced last comes first in `before`, as it was current.
  before
    .filter(({ text }) => !texts.has(text))
    .slice(0, MOST_REPLACED)
    .forEach((old, at) => {
      const untilMs = old.untilMs ?? (old.current ? nowMs + overlapMs : nowMs);
      add({ name: `replaced-${at + 1}`, text: old.text, current: false, untilMs });
    });
  return versions;
}

/** Those that verify at `nowMs`; the current one first. */
export function versionsAt(versions: readonly SecretVersion[], nowMs: number): readonly SecretVersion[] {
  return versions.filter(({ untilMs }) => untilMs === null || nowMs < untilMs);
}
