import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { CHROMIUM_SKIPPED, launchChromium } from "../../packages/server/test/support/chromium.ts";
import { type StartedChat, startChat } from "./started-chat.ts";

/**
 * The chat as people see it: `bin/start`, and two windows in headless Chromium. `CHAT_SCREENSHOTS` names a folder for
 * pictures of it.
 */

// One skip that says why, rather than one for each of the tests.
if (CHROMIUM_SKIPPED !== null) test.skip(`the chat in Chromium (skipped: ${CHROMIUM_SKIPPED})`, () => {});
else describe("the chat in Chromium", inChromium);

function inChromium(): void {
  const folder = mkdtempSync(join(tmpdir(), "hawser-chat-"));
  let chat: StartedChat;
  let browser: Browser;
  let ann: Page;
  let ben: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    chat = await startChat(folder);
    browser = await launchChromium();
    ann = await windowOf("ann");
    ben = await windowOf("ben");
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    chat?.signal("SIGINT");
    await chat?.exited;
    rmSync(folder, { recursive: true });
  }, 60_000);

  /** Each window has its own context, as two people have. */
  async function windowOf(name: string): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1180, height: 860 } });
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(`${name}: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(`${name}: ${message.text()}`);
    });
    await page.goto(`${chat.page}/?name=${name}`);
    await page.locator('#state[data-state="connected"]').waitFor();
    await page.getByText("You are in lobby").waitFor();
    return page;
  }

  async function picture(page: Page, name: string): Promise<void> {
    const target = process.env.CHAT_SCREENSHOTS;
    if (target !== undefined) await page.screenshot({ path: join(target, `${name}.png`), fullPage: true });
  }

  async function say(page: Page, text: string): Promise<void> {
    await page.getByLabel("Message", { exact: true }).fill(text);
    await page.getByRole("button", { name: "Send" }).click();
  }

  const shown = (page: Page, text: string) => page.locator("#messages").getByText(text);
  const messages = (page: Page) => page.locator("#messages li:not(.event)");

  test("two people hear each other, and text is only ever text", async () => {
    await say(ann, "Ahoy, ben");
    await shown(ben, "Ahoy, ben").waitFor();
    await say(ben, "<b>Ahoy</b>, ann & all");
    await shown(ann, "<b>Ahoy</b>, ann & all").waitFor();
    for (const page of [ann, ben]) expect(await messages(page).count()).toBe(2);
    expect(await messages(ann).nth(0).getAttribute("class")).toBe("own");
    expect(await messages(ben).nth(0).locator(".from").textContent()).toStartWith("ann, ");
    expect(await ann.locator("#countdown").textContent()).toMatch(/^good for (10:00|9:\d\d)$/);
    await picture(ann, "chat-ann");
  }, 30_000);

  test("the staff room takes ann and refuses ben, who reads why", async () => {
    await ann.getByRole("button", { name: "staff" }).click();
    await shown(ann, "You are in staff").waitFor();
    await ben.getByRole("button", { name: "staff" }).click();
    await ben.getByRole("alert").waitFor();
    const why = "The staff room is for ann alone, and you are ben.";
    expect(await ben.getByRole("alert").textContent()).toBe(`The room staff refused you: ${why}`);
    expect(await ben.locator("#refusal").textContent()).toBe(`room staff: ${why}`);
    expect(await ben.locator("#room").textContent()).toBe("no room");
    expect(await ben.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
    await picture(ben, "chat-ben-refused");
  }, 30_000);

  test("nothing said in the staff room reaches the refused, and the lobby takes him back", async () => {
    await say(ann, "Staff only");
    await shown(ann, "Staff only").waitFor();
    await ben.getByRole("button", { name: "lobby" }).click();
    await shown(ben, "You are in lobby").waitFor();
    await ann.getByRole("button", { name: "lobby" }).click();
    await shown(ann, "You are in lobby").waitFor();
    await say(ann, "Back again");
    await shown(ben, "Back again").waitFor();
    expect(await messages(ben).count()).toBe(1);
    expect(await ben.locator("#wire").textContent()).not.toContain("Staff only");
  }, 30_000);

  const KNOCKS = [
    { button: "An expired one", presented: "a token that expired a minute ago", reason: "token_expired" },
    {
      button: "One signed with another secret",
      presented: "a token signed with another secret",
      reason: "unauthorized",
    },
    { button: "None at all", presented: "no token", reason: "unauthorized" },
  ];
  for (const { button, presented, reason } of KNOCKS) {
    test(`presenting ${presented} shows ${reason} and 1000 Auth Failed, and leaves the chat alone`, async () => {
      await ben.getByRole("button", { name: button }).click();
      await ben.locator("#answer-kind", { hasText: presented }).waitFor();
      expect(await ben.locator("#answer-frames").textContent()).toBe(
        `{"type":"disconnect","reason":"${reason}","reconnect":false}`,
      );
      expect(await ben.locator("#answer-close").textContent()).toBe("1000 Auth Failed");
      expect(await ben.locator("#refusal").textContent()).toBe(`${presented}: ${reason}`);
      expect(await ben.locator("#state").getAttribute("data-state")).toBe("connected");
      await picture(ben, `chat-knock-${button.split(" ").at(-1)}`);
    }, 30_000);
  }

  test("a token that has run out is replaced by a fresh one, and the refusal is shown", async () => {
    const page = await (await browser.newContext()).newPage();
    let asked = 0;
    await page.route("**/token?*", (route) => {
      asked += 1;
      const url = new URL(route.request().url());
      if (asked === 1) url.searchParams.set("kind", "expired");
      return route.continue({ url: url.href });
    });
    await page.goto(`${chat.page}/?name=dora`);
    await shown(page, "You are in lobby").waitFor();
    expect(asked).toBe(2);
    expect(await page.locator("#refusal").textContent()).toBe("connection: token_expired");
    expect(await page.locator("#countdown").textContent()).toMatch(/^good for /);
    await page.close();
  }, 30_000);

  test("a visitor without a name is asked for one", async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${chat.page}/`);
    await page.getByLabel("Who are you?").fill("cleo");
    await page.getByRole("button", { name: "Enter" }).click();
    await page.getByText("You are in lobby").waitFor();
    expect(await page.locator("#name").textContent()).toBe("cleo");
    await page.close();
  }, 30_000);

  test("the page never complained", () => {
    expect(complaints).toEqual([]);
  });
}
