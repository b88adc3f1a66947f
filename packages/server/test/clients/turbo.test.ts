import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Broadcaster, createBroadcaster } from "@hawser/sdk";
import type { Browser, Page } from "playwright-core";
import { CHROMIUM_SKIPPED, launchChromium } from "../support/chromium.ts";
import { freePorts, type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { appendLine, BOARD, startTurboSite, type TurboSite } from "./turbo-site.ts";

/** Real `<turbo-cable-stream-source>` elements in Chromium, of AnyCable's and of Rails' Turbo, and no application. */

const SECRET = "a secret of thirty-two characters";

if (CHROMIUM_SKIPPED !== null) test.skip(`Turbo in Chromium (skipped: ${CHROMIUM_SKIPPED})`, () => {});
else describe("Turbo in Chromium", inChromium);

function inChromium(): void {
  let browser: Browser;
  let server: HawserProcess;
  let site: TurboSite;
  let broadcaster: Broadcaster;
  let port: number;
  let broadcastPort: number;

  const start = () =>
    startHawser([
      "--norpc",
      `--secret=${SECRET}`,
      "--enforce_jwt",
      "--turbo_streams",
      "--broker=memory",
      "--presence_ttl=1",
      `--port=${port}`,
      `--http_broadcast_port=${broadcastPort}`,
    ]);

  beforeAll(async () => {
    [port, broadcastPort] = await freePorts(2);
    server = await start();
    broadcaster = createBroadcaster({ url: `http://127.0.0.1:${broadcastPort}/_broadcast`, secret: SECRET });
    site = await startTurboSite({
      secret: SECRET,
      cableUrl: () => `ws://127.0.0.1:${port}/cable`,
      broadcaster: () => broadcaster,
    });
    browser = await launchChromium();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await site?.stop();
    await server?.stop();
  }, 60_000);

  const lines = (page: Page) => page.locator("#lines li");
  const source = (page: Page) => page.locator("turbo-cable-stream-source");

  async function open(path: string): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${site.port}${path}`);
    return page;
  }

  async function connected(page: Page): Promise<void> {
    await page.locator("turbo-cable-stream-source[connected]").waitFor({ state: "attached" });
  }

  for (const client of ["anycable", "rails"]) {
    describe(`on ${client === "anycable" ? "@anycable/turbo-stream" : "@hotwired/turbo-rails"}`, () => {
      test("changes the page by what is published, in order", async () => {
        const page = await open(`/${client}`);
        await connected(page);
        for (let number = 0; number < 50; number++)
          await broadcaster.broadcast(BOARD, appendLine(`line ${number}`));
        await lines(page).getByText("line 49").waitFor();
        expect(await lines(page).allTextContents()).toEqual(
          Array.from({ length: 50 }, (_, number) => `line ${number}`),
        );
        await broadcaster.broadcast(
          BOARD,
          `<turbo-stream action="update" target="lines"><template><li>Grüße, 漢字 🌊 &lt;b&gt;</li></template></turbo-stream>` +
            `<turbo-stream action="prepend" target="lines"><template><li>two at once</li></template></turbo-stream>`,
        );
        await lines(page).getByText("two at once").waitFor();
        expect(await lines(page).allTextContents()).toEqual(["two at once", "Grüße, 漢字 🌊 <b>"]);
        await page.close();
      }, 60_000);

      test("comes back after the server restarts", async () => {
        const page = await open(`/${client}`);
        await connected(page);
        server.signal("SIGTERM");
        await page.locator("turbo-cable-stream-source:not([connected])").waitFor({ state: "attached" });
        await server.exited;
        server = await start();
        await connected(page);
        await broadcaster.broadcast(BOARD, appendLine("again"));
        await lines(page).getByText("again").waitFor();
        await page.close();
      }, 60_000);

      test("is not connected to a stream that another secret signed", async () => {
        const other = await open(`/${client}`);
        await connected(other);
        const page = await open(`/${client}?signed=foreign`);
        await broadcaster.broadcast(BOARD, appendLine("not for all"));
        await lines(other).getByText("not for all").waitFor();
        await page.waitForTimeout(500);
        expect(await source(page).getAttribute("connected")).toBeNull();
        expect(await lines(page).count()).toBe(0);
        await page.close();
        await other.close();
      }, 60_000);
    });
  }

  test("AnyCable's presence element shows who is there, who comes, and who has gone", async () => {
    const ann = await open("/presence?name=ann");
    await lines(ann).getByText("ann").waitFor();
    const ben = await open("/presence?name=ben");
    await lines(ann).getByText("ben").waitFor();
    await lines(ben).getByText("ann").waitFor();
    await ann.locator("[data-presence-counter]", { hasText: "2" }).waitFor();
    expect(await lines(ann).allTextContents()).toEqual(["ann", "ben"]);
    await ben.close();
    await lines(ann).getByText("ben").waitFor({ state: "detached" });
    await ann.locator("[data-presence-counter]", { hasText: "1" }).waitFor();
    expect(await lines(ann).allTextContents()).toEqual(["ann"]);
    await ann.close();
  }, 60_000);

  test("an expired token in the page is replaced by one from the SDK's endpoint", async () => {
    const before = site.renewals.length;
    const page = await open("/anycable?token=expired");
    await connected(page);
    expect(site.renewals.slice(before)).toEqual(["token-refresh"]);
    await broadcaster.broadcast(BOARD, appendLine("renewed"));
    await lines(page).getByText("renewed").waitFor();
    await page.close();
  }, 60_000);

  test("who posts gets the change with the answer, everyone else by broadcast, and nobody twice", async () => {
    const ann = await open("/anycable");
    const ben = await open("/anycable");
    for (const page of [ann, ben]) await connected(page);
    await ann.getByLabel("Text").fill("from ann");
    await ann.getByRole("button", { name: "Say" }).click();
    for (const page of [ann, ben]) await lines(page).getByText("from ann").waitFor();
    await broadcaster.broadcast(BOARD, appendLine("the end"));
    for (const page of [ann, ben]) {
      await lines(page).getByText("the end").waitFor();
      expect(await lines(page).allTextContents()).toEqual(["from ann", "the end"]);
      await page.close();
    }
  }, 60_000);
}
