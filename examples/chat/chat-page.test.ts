import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createBroadcaster, type RpcService, serveRpc } from "@hawser/sdk";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { CHROMIUM_SKIPPED, launchChromium } from "../../packages/server/test/support/chromium.ts";
import {
  freePorts,
  type HawserProcess,
  startHawser,
} from "../../packages/server/test/support/hawser-process.ts";
import { createChat } from "./chat-cable.ts";
import { type PageServer, servePage } from "./page-server.ts";
import { enter, say, shown, takePicture } from "./page-steps.ts";

/** The page when the server goes away, on screens of all kinds, and with nothing but a keyboard. */

const HOST = "127.0.0.1";
const SECRET = "a secret of thirty-two characters";

if (CHROMIUM_SKIPPED !== null) test.skip(`the chat's page (skipped: ${CHROMIUM_SKIPPED})`, () => {});
else describe("the chat's page", inChromium);

function inChromium(): void {
  let browser: Browser;
  let service: RpcService;
  let pages: PageServer;
  let server: HawserProcess;
  let cablePort: number;

  beforeAll(async () => {
    [cablePort] = await freePorts(1);
    const broadcaster = createBroadcaster({ url: `http://${HOST}:${cablePort}/_broadcast`, secret: SECRET });
    service = await serveRpc(createChat(broadcaster), { host: HOST, port: 0 });
    pages = await servePage({ host: HOST, port: 0, cablePort, secret: SECRET });
    server = await startServer();
    browser = await launchChromium();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await pages?.stop();
    await service?.close();
  }, 60_000);

  const startServer = (): Promise<HawserProcess> =>
    startHawser([
      `--secret=${SECRET}`,
      "--enforce_jwt",
      "--broker=memory",
      `--port=${cablePort}`,
      `--http_broadcast_port=${cablePort}`,
      `--rpc_host=${HOST}:${service.port}`,
    ]);

  const address = () => `http://${HOST}:${pages.port}`;

  async function windowOf(name: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    await enter(page, address(), name);
    return page;
  }

  for (const [signal, words] of [
    ["SIGTERM", "The server is restarting. This page comes back by itself."],
    ["SIGKILL", "The connection is lost. This page comes back by itself."],
  ] as const) {
    test(`says that the server is gone after a ${signal}, keeps what was said, and comes back`, async () => {
      const page = await windowOf("ann");
      await say(page, "Before");
      await shown(page, "Before").waitFor();
      server.signal(signal);
      await page.getByRole("alert").getByText(words).waitFor();
      expect(await page.locator("#state").textContent()).toBe("reconnecting");
      expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
      await takePicture(page, `page-${signal}`);
      await server.exited;
      await page.getByRole("button", { name: "Expired", exact: true }).click();
      await page.getByRole("alert").getByText("Nothing came back").waitFor();
      server = await startServer();
      await shown(page, "Back in lobby").waitFor();
      expect(await page.getByRole("alert").isVisible()).toBe(false);
      await say(page, "After");
      await shown(page, "After").waitFor();
      expect(await page.locator("#messages li:not(.event) .text").allTextContents()).toEqual([
        "Before",
        "After",
      ]);
      await page.context().close();
    }, 60_000);
  }

  for (const [screen, width, height] of [
    ["wide", 1280, 860],
    ["narrow", 360, 740],
  ] as const) {
    for (const colorScheme of ["light", "dark"] as const) {
      test(`fits a ${screen} screen, ${colorScheme}, also with long words`, async () => {
        const page = await windowOf("ben", { viewport: { width, height }, colorScheme });
        await say(page, "W".repeat(400));
        await shown(page, "W".repeat(400)).waitFor();
        await page.getByRole("button", { name: "Another secret" }).click();
        await page.locator("#refusal-close").waitFor();
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
        // Where one writes is in sight without scrolling.
        await page.evaluate("scrollTo(0, 0)");
        const box = await page.getByLabel("Message", { exact: true }).boundingBox();
        expect((box?.y ?? height) + (box?.height ?? 0)).toBeLessThanOrEqual(height);
        await takePicture(page, `page-${screen}-${colorScheme}`);
        await page.context().close();
      }, 60_000);
    }
  }

  test("can be used with a keyboard alone", async () => {
    const page = await windowOf("ben");
    const focused = () => page.evaluate("document.activeElement.textContent || document.activeElement.id");
    const path: unknown[] = [];
    await page.evaluate("document.body.focus()");
    for (let step = 0; step < 14; step++) {
      await page.keyboard.press("Tab");
      path.push(await focused());
    }
    expect(path).toEqual([
      "lobby",
      "harbour",
      "staff",
      expect.stringContaining("You are in lobby"),
      "open a second window as ann",
      "text",
      "Send",
      "Renew it in place",
      "Reconnect with an expired one",
      "Cut the connection",
      "Expired",
      "Another secret",
      "None",
      "What goes over the wire",
    ]);
    await page.getByRole("button", { name: "harbour" }).focus();
    await page.keyboard.press("Enter");
    await shown(page, "You are in harbour").waitFor();
    await page.getByLabel("Message", { exact: true }).focus();
    await page.keyboard.type("Typed");
    await page.keyboard.press("Enter");
    await shown(page, "Typed").waitFor();
    // The focus stays where it was, for the next line and for the next knock.
    expect(await focused()).toBe("text");
    await page.getByRole("button", { name: "None", exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.locator("#refusal-presented", { hasText: "no token" }).waitFor();
    expect(await focused()).toBe("None");
    await page.context().close();
  }, 60_000);
}
