import { describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { CHROMIUM_SKIPPED, launchChromium } from "../../server/test/support/chromium.ts";
import { type HawserProcess, startHawser } from "../../server/test/support/hawser-process.ts";
import { cableMetaTags, createTokenEndpoint, createTokens, nodeListener } from "../src/tokens/index.ts";

/** A page of an application on `node:http`, in headless Chromium, with the stock client and the real server. */

const SECRET = "token-refresh";
const tokens = createTokens({ secret: SECRET });

if (CHROMIUM_SKIPPED !== null) test.skip(`a refresh in Chromium (skipped: ${CHROMIUM_SKIPPED})`, () => {});
else describe("a refresh in Chromium", inChromium);

async function application(server: HawserProcess) {
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "refresh-page.ts")],
    target: "browser",
  });
  const script = await built.outputs[0]?.text();
  const token = createTokenEndpoint({
    tokens,
    identify: (request) =>
      request.headers.get("cookie")?.includes("user=ann") ? { identifiers: { user: "ann" } } : null,
  });
  const pages = createServer(
    nodeListener(async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/token") return token(request);
      if (pathname === "/main.js") {
        return new Response(script ?? "", { headers: { "Content-Type": "text/javascript" } });
      }
      const tags = cableMetaTags({
        token: tokens.issue({ user: "ann" }, { expiresInSeconds: -60 }),
        url: `ws://127.0.0.1:${server.port}/cable?from=page&kind="stale"`,
      });
      return new Response(`<!doctype html><head>${tags}</head><script src="/main.js"></script>`, {
        headers: { "Content-Type": "text/html", "Set-Cookie": "user=ann; HttpOnly" },
      });
    }),
  );
  await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(pages.address() as AddressInfo).port}/`, pages };
}

function inChromium(): void {
  test("a page with an expired token in its meta tags fetches another and connects", async () => {
    const server = await startHawser([`--secret=${SECRET}`, "--enforce_jwt", "--norpc", "--log_level=debug"]);
    const { url, pages } = await application(server);
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.goto(url);
      await page.waitForFunction(() => Object(globalThis).happened.includes("connect"), null, {
        timeout: 30_000,
      });
      expect(await page.evaluate(() => Object(globalThis).happened)).toEqual([
        "close: token_expired",
        "connect",
      ]);
      expect(server.output()).toContain("reason=expired");
    } finally {
      await browser.close();
      pages.close();
      await server.stop();
    }
  }, 60_000);
}
