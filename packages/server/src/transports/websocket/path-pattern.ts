/**
 * Matches a path against `/cable`, `/admin/*` or `/t/{tenant}/cable`: a star at the end stands for the rest, a name in
 * braces for one segment. Nothing is added or taken off: `/cable/` is not `/cable` (go-chi/chi v5).
 */
export function pathPattern(pattern: string): (pathname: string) => boolean {
  if (!isPattern(pattern)) return (pathname) => pathname === pattern;
  const source = pattern
    .split(/(\{[^}]*\}|\*$)/)
    .map((part) => {
      if (part === "*") return ".*";
      if (part.startsWith("{") && part.endsWith("}")) return "[^/]+";
      return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    })
    .join("");
  const expression = new RegExp(`^${source}$`);
  return (pathname) => expression.test(pathname);
}

/** Whether more than the path itself is meant. */
export function isPattern(path: string): boolean {
  return path.includes("*") || path.includes("{");
}
