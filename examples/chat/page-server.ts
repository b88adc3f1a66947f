import { join } from "node:path";
import { createTokens, type Tokens } from "@hawser/sdk";
import { type IssuedToken, isName } from "./rooms.ts";

export interface PageServerOptions {
  readonly host: string;
  readonly port: number;
  /** Where the cable server listens, on the same host as this one. */
  readonly cablePort: number;
  /** The secret that the cable server verifies tokens with. */
  readonly secret: string;
}

export interface PageServer {
  readonly port: number;
  stop(): Promise<void>;
}

const TOKEN_LIFE_SECONDS = 600;
const SHORT_LIFE_SECONDS = 12;
const PAGE = join(import.meta.dir, "page");

/** Serves the page, and tokens to whoever asks for them. */
export async function servePage(options: PageServerOptions): Promise<PageServer> {
  const script = await bundle(join(PAGE, "main.ts"));
  const tokens = createTokens({ secret: options.secret, ttlSeconds: TOKEN_LIFE_SECONDS });
  const foreign = createTokens({ secret: crypto.randomUUID(), ttlSeconds: TOKEN_LIFE_SECONDS });
  const server = Bun.serve({
    hostname: options.host,
    port: options.port,
    development: false,
    routes: {
      "/": { GET: () => pageFile("index.html", options.cablePort) },
      "/style.css": { GET: () => new Response(Bun.file(join(PAGE, "style.css")), { headers: HEADERS }) },
      "/main.js": {
        GET: () => new Response(script, { headers: { ...HEADERS, "Content-Type": "text/javascript" } }),
      },
      "/health": { GET: () => new Response("ok\n") },
      "/token": {
        GET: (request) => issue(new URL(request.url, "http://x"), tokens, foreign, options.cablePort),
      },
    },
    fetch: () => new Response("There is nothing here.\n", { status: 404 }),
  });
  return { port: server.port ?? options.port, stop: () => server.stop(true) };
}

const LIFE_SECONDS: ReadonlyMap<string, number> = new Map([
  ["expired", -60],
  ["short", SHORT_LIFE_SECONDS],
]);

const HEADERS = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };

/**
 * A real application would look at who has signed in here; this one takes anybody's word. `kind` asks for a token that the
 * server refuses: `expired`, or `foreign`, signed with another secret; or for one that does not last, `short`.
 */
function issue(url: URL, tokens: Tokens, foreign: Tokens, cablePort: number): Response {
  const name = url.searchParams.get("name") ?? "";
  if (!isName(name)) {
    return Response.json(
      { error: "name must be 1 to 24 letters, digits, - or _" },
      { status: 422, headers: HEADERS },
    );
  }
  const kind = url.searchParams.get("kind") ?? "good";
  const lifeSeconds = LIFE_SECONDS.get(kind) ?? TOKEN_LIFE_SECONDS;
  const issuer = kind === "foreign" ? foreign : tokens;
  const issued: IssuedToken = {
    token: issuer.issue({ name }, { expiresInSeconds: lifeSeconds }),
    expiresAtMs: Date.now() + lifeSeconds * 1000,
    lifeSeconds,
    cablePort,
  };
  return Response.json(issued, { headers: HEADERS });
}

function pageFile(name: string, cablePort: number): Response {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src data:",
    // The cable server: same host, another port.
    `connect-src 'self' ws://*:${cablePort}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return new Response(Bun.file(join(PAGE, name)), {
    headers: { ...HEADERS, "Content-Security-Policy": policy, "Referrer-Policy": "no-referrer" },
  });
}

async function bundle(entry: string): Promise<string> {
  const built = await Bun.build({ entrypoints: [entry], target: "browser" });
  const [output] = built.outputs;
  if (!built.success || output === undefined) throw new AggregateError(built.logs, "cannot bundle the page");
  return output.text();
}
