import type { KeptSet } from "@hawser/core/jwt/jwks/jwks-source";

export interface KeptSetFiles {
  readonly read: (path: string) => string;
  readonly replace: (path: string, text: string) => void;
}

/** What a set in a file belongs to: the keys of one issuer are never taken for another's, nor those of another URL. */
export interface SetOwner {
  readonly issuer: string;
  readonly url: string | null;
}

/**
 * Keeps the last good set of an issuer in a file, so that a server that starts while the issuer is down knows its keys.
 *
 * @param path the issuer's own file.
 * @param onProblem hears why a set was not saved; the server goes on without.
 */
export function keptSetIn(
  path: string,
  owner: SetOwner,
  files: KeptSetFiles,
  onProblem: (thrown: unknown) => void,
): { load(): KeptSet | null; save(set: KeptSet): void } {
  return {
    load() {
      try {
        return readKept(files.read(path), owner);
      } catch {
        return null; // none yet, or half of one: the issuer is asked anyway
      }
    },
    save({ text, fetchedAtMs }) {
      try {
        files.replace(path, `${JSON.stringify({ ...owner, fetchedAtMs, text })}\n`);
      } catch (thrown) {
        onProblem(thrown);
      }
    },
  };
}

function readKept(json: string, owner: SetOwner): KeptSet | null {
  const found: unknown = JSON.parse(json);
  if (typeof found !== "object" || found === null) return null;
  if (!("issuer" in found && "url" in found && "text" in found && "fetchedAtMs" in found)) return null;
  const { issuer, url, text, fetchedAtMs } = found;
  if (issuer !== owner.issuer || url !== owner.url) return null;
  return typeof text === "string" && typeof fetchedAtMs === "number" ? { text, fetchedAtMs } : null;
}
