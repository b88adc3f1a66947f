import { join } from "node:path";
import {
  type Broadcaster,
  cableMetaTags,
  createStreams,
  createTokenEndpoint,
  createTokens,
} from "@hawser/sdk";

/** A site whose pages follow a stream of Turbo's, made with the SDK. */
export interface TurboSite {
  readonly port: number;
  /** What has asked for a fresh token, by its operation header. */
  readonly renewals: readonly (string | null)[];
  stop(): Promise<void>;
}

export interface TurboSiteOptions {
  readonly secret: string;
  readonly cableUrl: () => string;
  readonly broadcaster: () => Broadcaster;
}

/** The stream that the pages follow. */
export const BOARD = "board:7";

/** An element of Turbo's that appends a line to the list of the page. */
export function appendLine(text: string): string {
  return `<turbo-stream action="append" target="lines"><template><li>${text}</li></template></turbo-stream>`;
}

const ENTRIES = {
  anycable: "turbo-anycable-page.ts",
  rails: "turbo-rails-page.ts",
  presence: "turbo-presence-page.ts",
};

/**
 * `/anycable` and `/rails` are pages on the one client and the other; `?token=expired` gives them a token that has run
 * out, and `?signed=foreign` a stream that another secret signed. `/presence?name=ann` shows who is there. Posting a text to `/say` puts it on all of them.
 */
export async function startTurboSite(options: TurboSiteOptions): Promise<TurboSite> {
  const tokens = createTokens({ secret: options.secret });
  const renewals: (string | null)[] = [];
  const freshToken = createTokenEndpoint({ tokens, identify: () => ({ identifiers: { user: "ann" } }) });
  const page = (url: string, client: keyof typeof ENTRIES) => {
    const query = new URL(url).searchParams;
    const expired = query.get("token") === "expired";
    const token = tokens.issue({ user: "ann" }, { expiresInSeconds: expired ? -60 : 600 });
    const secret = query.get("signed") === "foreign" ? "another secret" : options.secret;
    return pageOf(client, options.cableUrl(), token, createStreams({ secret }).turboSource(BOARD));
  };
  const scripts = await Promise.all(
    Object.entries(ENTRIES).map(async ([client, entry]) => [`/${client}.js`, await scriptOf(entry)] as const),
  );
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    routes: {
      ...Object.fromEntries(scripts),
      "/anycable": ({ url }) => page(url, "anycable"),
      "/rails": ({ url }) => page(url, "rails"),
      "/presence": ({ url }) => {
        const name = new URL(url).searchParams.get("name") ?? "";
        const token = tokens.issue({ user: name });
        const signed = createStreams({ secret: options.secret }).sign(BOARD);
        return pageOf("presence", options.cableUrl(), token, presenceSource(signed, name));
      },
      "/token": (request) => {
        renewals.push(request.headers.get("x-anycable-operation"));
        return freshToken(request);
      },
      "/say": { POST: (request) => say(request, options.broadcaster()) },
    },
    fetch: () => new Response("", { status: 404 }),
  });
  return { port: server.port ?? 0, renewals, stop: () => server.stop(true) };
}

/** Answers whoever posted with the element itself, and broadcasts it to all the others. */
async function say(request: Request, broadcaster: Broadcaster): Promise<Response> {
  const line = appendLine(String((await request.formData()).get("text")));
  const socket = request.headers.get("x-socket-id");
  await broadcaster.broadcast(BOARD, line, socket === null ? {} : { excludeSid: socket });
  return new Response(line, { headers: { "Content-Type": "text/vnd.turbo-stream.html" } });
}

/** What the others put on their pages when this one comes, as Turbo does it. Its id is the one under which it is there. */
function presenceSource(signed: string, name: string): string {
  const entry = `<turbo-stream action="append" target="lines"><template><li id="${name}">${name}</li></template></turbo-stream>`;
  return `<turbo-cable-presence-source signed-stream-name="${signed}" presence-id="${name}"><template>${entry}</template>
<span data-presence-counter></span></turbo-cable-presence-source>`;
}

function pageOf(client: keyof typeof ENTRIES, cableUrl: string, token: string, source: string): Response {
  const meta =
    client === "rails"
      ? `<meta name="action-cable-url" content="${cableUrl}?jid=${token}">`
      : cableMetaTags({ token, url: cableUrl });
  return new Response(
    `<!doctype html><html><head><meta charset="utf-8"><title>Board</title><link rel="icon" href="data:,">${meta}
<script type="module" src="/${client}.js"></script></head><body>${source}<ul id="lines"></ul>
<form action="/say" method="post"><label>Text <input name="text"></label><button>Say</button></form></body></html>`,
    { headers: { "Content-Type": "text/html; charset=utf-8" } },
  );
}

async function scriptOf(entry: string): Promise<Response> {
  const built = await Bun.build({ entrypoints: [join(import.meta.dir, entry)], target: "browser" });
  const [output] = built.outputs;
  if (!built.success || output === undefined) throw new Error(`bundle for a page: ${built.logs.join("; ")}`);
  return new Response(await output.text(), { headers: { "Content-Type": "text/javascript" } });
}
