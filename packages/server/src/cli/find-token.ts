import { firstValue, parseQuery } from "../transports/http/query.ts";

/**
 * The token in what somebody pasted: the token itself, a cable URL, a header line, or an entry of
 * `Sec-WebSocket-Protocol`; null when it is a URL without one.
 *
 * @param param the value of `--jwt_param`; the usual name is looked for as well.
 */
export function findToken(pasted: string, param: string): string | null {
  const text = pasted.trim().replace(/^(["'`])(.*)\1$/s, "$2");
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || text.startsWith("/")) return inUrl(text, param);
  const header = /^x-[\w-]+:\s*(\S+)$/i.exec(text) ?? /^(?:authorization:\s*)?bearer\s+(\S+)$/i.exec(text);
  if (header !== null) return header[1] ?? null;
  const entry = /(?:^|[\s,:])anycable-token\.([^\s,]+)/i.exec(text);
  return entry?.[1] ?? text;
}

const USUAL_PARAM = "jid";

function inUrl(url: string, param: string): string | null {
  const query = parseQuery(/\?([^#]*)/.exec(url)?.[1] ?? "");
  return firstValue(query, param) ?? firstValue(query, USUAL_PARAM);
}
