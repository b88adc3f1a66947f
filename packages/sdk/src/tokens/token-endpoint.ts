import { cableMetaTags } from "./meta-tags.ts";
import type { IssuedToken, IssueOptions, Tokens } from "./tokens.ts";

/** Whom a token is for, and how it differs from others. */
export interface Bearer extends IssueOptions {
  /** An object, whose JSON is issued, or a text to issue as it is. */
  readonly identifiers: object | string;
}

/** What a token endpoint is made of. */
export interface TokenEndpointOptions {
  /** What issues the tokens. */
  readonly tokens: Tokens;
  /**
   * Who asks, by the application's own session: cookies, as a rule. Null for nobody, who is answered 401. What it throws
   * is for the framework to handle.
   */
  readonly identify: (request: Request) => Bearer | null | Promise<Bearer | null>;
  /** The server's `--jwt_param`, when that is not `jid`. */
  readonly tokenParam?: string | undefined;
  /** Where clients shall connect from now on; left out, they stay with the URL that they have. */
  readonly cableUrl?: string | undefined;
}

/** Answers a request, whatever framework brought it. */
export type RequestHandler = (request: Request) => Promise<Response>;

/** What the endpoint's JSON says. */
export interface TokenAnswer extends IssuedToken {
  /** The server's `--jwt_param`, when the endpoint was told one. */
  readonly tokenParam?: string;
  /** Where to connect from now on, when the endpoint was told so. */
  readonly url?: string;
}

/**
 * An endpoint that gives clients a fresh token: a page with meta tags to who asks for HTML, as the stock clients'
 * `fetchTokenFromHTML({ url })` does, and JSON (`TokenAnswer`) to everyone else. Takes GET and POST.
 *
 * Other origins cannot read the answer unless a CORS header is added to it: do that for none but your own.
 */
export function createTokenEndpoint(options: TokenEndpointOptions): RequestHandler {
  const { tokens, identify, tokenParam, cableUrl: url } = options;
  return async (request) => {
    if (!METHODS.includes(request.method)) {
      return answer(request, 405, { error: "use GET or POST" }, { Allow: METHODS.join(", ") });
    }
    const bearer = await identify(request);
    if (bearer === null) return answer(request, 401, { error: "sign in first" });
    const { identifiers, ...issueOptions } = bearer;
    const issued = tokens.issueWithExpiry(identifiers, issueOptions);
    if (wantsHtml(request)) return page(request, cableMetaTags({ token: issued.token, tokenParam, url }));
    return answer(request, 200, {
      ...issued,
      ...(tokenParam === undefined ? {} : { tokenParam }),
      ...(url === undefined ? {} : { url }),
    } satisfies TokenAnswer);
  };
}

const METHODS: readonly string[] = ["GET", "HEAD", "POST"];

/** A token is for one client, once: nobody may keep the answer, embed it, or take it for something else. */
const HEADERS = {
  "Cache-Control": "private, no-store",
  Vary: "Accept, Authorization, Cookie",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

function wantsHtml(request: Request): boolean {
  return /\b(text\/html|application\/xhtml\+xml)\b/i.test(request.headers.get("accept") ?? "");
}

function page(request: Request, metaTags: string): Response {
  const html = `<!doctype html><html><head><meta charset="utf-8"><title>Token</title>${metaTags}</head></html>\n`;
  return respond(request, 200, html, { "Content-Type": "text/html; charset=utf-8" });
}

function answer(
  request: Request,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): Response {
  return respond(request, status, JSON.stringify(body), { "Content-Type": "application/json", ...headers });
}

function respond(request: Request, status: number, body: string, headers: Record<string, string>): Response {
  return new Response(request.method === "HEAD" ? null : body, {
    status,
    headers: { ...HEADERS, ...headers },
  });
}
