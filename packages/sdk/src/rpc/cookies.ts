/** Cookies by name; undefined for those that are not there. */
export type Cookies = { readonly [name: string]: string | undefined };

/** What a `Cookie` header says, with or without spaces after its semicolons. The first of a name counts. */
export function cookiesIn(header: string): Cookies {
  // Without a prototype, so that no name means something else.
  const cookies: Record<string, string> = Object.create(null);
  if (header === "") return cookies;
  for (const pair of header.split(";")) {
    const equals = pair.indexOf("=");
    const name = pair.slice(0, equals).trim();
    if (equals > 0 && name !== "" && cookies[name] === undefined) {
      cookies[name] = decoded(pair.slice(equals + 1).trim());
    }
  }
  return cookies;
}

function decoded(value: string): string {
  const bare = value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  try {
    return decodeURIComponent(bare);
  } catch {
    // A cookie may hold any text; that it looks encoded is chance.
    return bare;
  }
}
