import { afterEach, describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fetchTokenFromHTML } from "@anycable/web";
import { decodeJwt } from "jose";
import {
  type Bearer,
  cableMetaTags,
  createTokenEndpoint,
  createTokens,
  nodeListener,
  type RequestHandler,
  type TokenAnswer,
  type TokenEndpointOptions,
} from "./index.ts";

const NOW_MS = 1_800_000_000_000;
const tokens = createTokens({ secret: "qwerty", ttlSeconds: 600, clock: { nowMs: () => NOW_MS } });
const ANN: Bearer = { identifiers: { user: "ann" } };
const PAGE = "text/html, application/xhtml+xml";

const endpoint = (options: Partial<TokenEndpointOptions> = {}) =>
  createTokenEndpoint({
    tokens,
    identify: (request) => (request.headers.get("cookie") === "session=ann" ? ANN : null),
    ...options,
  });

const ask = (handler: RequestHandler, headers: Record<string, string> = {}, method = "GET") =>
  handler(new Request("http://app.test/token", { method, headers: { cookie: "session=ann", ...headers } }));

const cleanups: Array<() => unknown> = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

describe("the token endpoint", () => {
  test("gives JSON: the token of whoever asks, and when it ends", async () => {
    const response = await ask(endpoint());
    expect(response.status).toBe(200);
    const { token, ...rest } = (await response.json()) as TokenAnswer;
    expect(rest).toEqual({ expiresAtMs: NOW_MS + 600_000 });
    expect(tokens.verify(token)).toMatchObject({ accepted: true, identifiers: { user: "ann" } });
  });

  test("takes lifetime and claims from who identifies, and names parameter and server if told", async () => {
    const response = await ask(
      endpoint({
        identify: async () => ({ identifiers: "ann", expiresInSeconds: null, claims: { role: "captain" } }),
        tokenParam: "t",
        cableUrl: "wss://cable.test/cable",
      }),
    );
    const { token, ...rest } = (await response.json()) as TokenAnswer;
    expect(rest).toEqual({ tokenParam: "t", url: "wss://cable.test/cable", expiresAtMs: null });
    expect(decodeJwt<object>(token)).toEqual({ ext: "ann", role: "captain", iat: NOW_MS / 1000 });
  });

  test("gives a page with meta tags to who asks for one", async () => {
    const response = await ask(endpoint(), { accept: PAGE });
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const token = tokens.issue({ user: "ann" });
    expect(await response.text()).toContain(`<meta name="cable-token" content="${token}">`);
  });

  test("turns away who is nobody, and other methods", async () => {
    expect((await ask(endpoint(), { cookie: "" })).status).toBe(401);
    const wrong = await ask(endpoint(), {}, "DELETE");
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get("allow")).toBe("GET, HEAD, POST");
    expect((await ask(endpoint(), {}, "POST")).status).toBe(200);
  });

  test("answers HEAD without a token", async () => {
    const response = await ask(endpoint(), {}, "HEAD");
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });

  test.each([{}, { accept: PAGE }, { cookie: "" }])(
    "lets nobody keep or embed the answer: %p",
    async (headers) => {
      const { headers: sent } = await ask(endpoint(), headers);
      expect(sent.get("cache-control")).toBe("private, no-store");
      expect(sent.get("vary")).toContain("Cookie");
      expect(sent.get("x-content-type-options")).toBe("nosniff");
      expect(sent.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(sent.get("access-control-allow-origin")).toBeNull();
    },
  );
});

test("meta tags escape what they are given", () => {
  expect(cableMetaTags({ token: "a.b.c", tokenParam: 'x"><script>', url: "wss://c.test/?a=1&b=2" })).toBe(
    '<meta name="cable-url" content="wss://c.test/?a=1&amp;b=2"><meta name="cable-token" content="a.b.c">' +
      '<meta name="cable-token-param" content="x&quot;&gt;&lt;script&gt;">',
  );
});

/** Puts a handler behind `node:http`; where it listens. */
async function listening(handler: RequestHandler, onError?: (error: unknown) => void): Promise<string> {
  const server = createServer(nodeListener(handler, onError));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("behind node:http", () => {
  test("a handler gets the request whole, and its answer goes out whole", async () => {
    const url = await listening(async (request) => {
      const answer = Response.json(
        {
          url: request.url,
          method: request.method,
          header: request.headers.get("x-one"),
          body: await request.text(),
        },
        { status: 201, headers: { "X-Two": "2" } },
      );
      answer.headers.append("Set-Cookie", "a=1");
      answer.headers.append("Set-Cookie", "b=2");
      return answer;
    });
    const response = await fetch(`${url}/a%20b?c=d`, {
      method: "POST",
      headers: { "X-One": "1" },
      body: "hé",
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("x-two")).toBe("2");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await response.json()).toEqual({
      url: `${url}/a%20b?c=d`,
      method: "POST",
      header: "1",
      body: "hé",
    });
  });

  test("what a handler throws is a 500 without words, which the application is told of", async () => {
    const told: unknown[] = [];
    const url = await listening(
      async () => {
        throw new Error("no database");
      },
      (error) => told.push(error),
    );
    const response = await fetch(url);
    expect(response.status).toBe(500);
    expect(await response.text()).toBe("");
    expect(String(told[0])).toContain("no database");
  });
});

/** Where `fetchTokenFromHTML` looks for the tags of the page that it has fetched: a DOM with as much as it asks for. */
class PageParser {
  parseFromString(html: string) {
    const tags = new Map<string, string | null>();
    new HTMLRewriter()
      .on("head > meta[name]", {
        element: (meta) => void tags.set(meta.getAttribute("name") ?? "", meta.getAttribute("content")),
      })
      .transform(html);
    const querySelector = (selector: string) => {
      const name = /^meta\[name='(.+)'\]$/.exec(selector)?.[1] ?? "";
      return tags.has(name) ? { getAttribute: () => tags.get(name) } : null;
    };
    return { head: { querySelector } };
  }
}

describe("the stock client's fetchTokenFromHTML", () => {
  const refreshed = async (options: Partial<TokenEndpointOptions>) => {
    const url = await listening(endpoint({ identify: () => ANN, ...options }));
    const seen: unknown[] = [];
    const parser = Object.getOwnPropertyDescriptor(globalThis, "DOMParser");
    Object.defineProperty(globalThis, "DOMParser", { value: PageParser, configurable: true });
    cleanups.push(() => {
      if (parser === undefined) Reflect.deleteProperty(globalThis, "DOMParser");
      else Object.defineProperty(globalThis, "DOMParser", parser);
    });
    const transport = {
      setURL: (value: string) => seen.push({ url: value }),
      setToken: (token: string, param?: string) => seen.push({ token, param }),
    };
    // The two methods that it calls, of the many that a transport has.
    await fetchTokenFromHTML({ url })(
      transport as unknown as Parameters<ReturnType<typeof fetchTokenFromHTML>>[0],
    );
    return seen;
  };

  test("finds the token, and leaves the parameter as it was", async () => {
    expect(await refreshed({})).toEqual([{ token: tokens.issue({ user: "ann" }), param: undefined }]);
  });

  test("finds the parameter and the URL where they are given", async () => {
    expect(await refreshed({ tokenParam: "t", cableUrl: "wss://cable.test/cable" })).toEqual([
      { url: "wss://cable.test/cable" },
      { token: tokens.issue({ user: "ann" }), param: "t" },
    ]);
  });

  test("says the status when nobody is signed in", async () => {
    await expect(refreshed({ identify: () => null })).rejects.toThrow("401");
  });
});
