/** What stands in for a secret wherever text leaves this process. */
export const REDACTED = "[redacted]";

/**
 * How the base64url of a JOSE header begins: `{"` and what JSON allows between the two (a space, a tab, line ends).
 * Longer than a few characters, so that words such as "key" and "new" pass.
 */
const HEADER_START = /eyJ|eyA[gi]|ewo[giJK]|ewk[giJ]|ew0K/;

/** Characters of a compact JWS (RFC 7515 7.1) and of its sloppy relatives: padded, plain base64, dots percent-encoded. */
const TOKEN_RUN = /[\w\-+/=.%]+/g;

/** `{"alg":"none"}` takes 19. */
const MIN_HEADER_CHARS = 16;

/**
 * The signature of a stream's name, or as much of it as was not cut off: with the whole of it anyone can follow the
 * stream.
 */
const STREAM_SIGNATURE = /--[0-9a-f]{16,64}/g;

/**
 * Replaces whatever looks like a JWT, whole or cut off after its header's dot, and signatures of stream names. Of a
 * JWT everything attached to it goes too: this is the last line of defence, and losing a little text is the cheaper
 * mistake.
 *
 * Linear in the length of the text, whatever it holds.
 */
export function scrubTokens(text: string): string {
  const unsigned = text.includes("--") ? text.replace(STREAM_SIGNATURE, `--${REDACTED}`) : text;
  return HEADER_START.test(unsigned) ? unsigned.replace(TOKEN_RUN, scrubRun) : unsigned;
}

function scrubRun(run: string): string {
  let start = 0;
  for (const dot of run.matchAll(/\.|%2e/gi)) {
    const segment = run.slice(start, dot.index);
    const header = segment.search(HEADER_START);
    if (header >= 0 && segment.length - header >= MIN_HEADER_CHARS)
      return run.slice(0, start + header) + REDACTED;
    // Not past the whole of an escaped dot: in `%2eyJ` the e belongs to the header.
    start = dot.index + 1;
  }
  return run;
}

/**
 * A URL that may be logged: the values of `secretParams` and a password before the host are replaced, and so is
 * anything that looks like a token. Names are compared without case and with percent-escapes undone, so that a request
 * the server would not read the token of is safe as well.
 *
 * @param url absolute or a request target.
 * @param secretParams names of query parameters that hold secrets, e.g. the value of `--jwt_param`.
 */
export function redactUrl(url: string, secretParams: readonly string[]): string {
  const bare = url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i, `$1${REDACTED}@`);
  const secret = secretParams.map((name) => name.toLowerCase());
  const query = bare.indexOf("?");
  if (query < 0) return scrubTokens(bare);
  const pairs = bare.slice(query + 1).replace(/[^&;#?]+/g, (pair) => redactPair(pair, secret));
  return scrubTokens(`${bare.slice(0, query)}?${pairs}`);
}

function redactPair(pair: string, secret: readonly string[]): string {
  const equals = pair.indexOf("=");
  if (equals < 0) return pair;
  const name = unescapeName(pair.slice(0, equals));
  return secret.includes(name) ? `${pair.slice(0, equals)}=${REDACTED}` : pair;
}

function unescapeName(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("+", " ")).toLowerCase();
  } catch {
    return name.toLowerCase();
  }
}

/** Headers whose values are secrets or personal by nature. */
const SECRET_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "x-jwt-identity",
]);

/** What precedes the token in an offered sub-protocol (anycable-client create-cable). */
const TOKEN_PROTOCOL = "anycable-token.";

/**
 * Headers that may be logged: cookies, credentials, the token's own header and its sub-protocol are replaced; URLs in
 * other headers go through `redactUrl`.
 *
 * @param headers by name, in any case.
 * @param tokenParam the value of `--jwt_param`: the token's header is `x-` and this.
 */
export function redactHeaders(
  headers: Readonly<Record<string, string>>,
  tokenParam: string,
): Record<string, string> {
  const tokenHeader = `x-${tokenParam}`.toLowerCase();
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const known = name.toLowerCase();
      if (SECRET_HEADERS.has(known) || known === tokenHeader) return [name, REDACTED];
      if (known === "sec-websocket-protocol") return [name, redactProtocols(value)];
      return [name, redactUrl(value, [tokenParam])];
    }),
  );
}

function redactProtocols(offered: string): string {
  const kept = offered.split(",").map((entry) => {
    const protocol = entry.trim();
    return protocol.toLowerCase().startsWith(TOKEN_PROTOCOL) ? TOKEN_PROTOCOL + REDACTED : protocol;
  });
  return scrubTokens(kept.join(", "));
}
