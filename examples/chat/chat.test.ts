import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { CHROMIUM_SKIPPED, launchChromium } from "../../packages/server/test/support/chromium.ts";
import { collectComplaints, enter, say, shown, takePicture } from "./page-steps.ts";
import { type StartedChat, startChat } from "./started-chat.ts";

/** The chat as people see it: `bin/start`, and two windows in headless Chromium. */

// One skip that says why, rather than one for each of the tests.
if (CHROMIUM_SKIPPED !== null) test.skip(`the chat in Chromium (skipped: ${CHROMIUM_SKIPPED})`, () => {});
else describe("the chat in Chromium", inChromium);

function inChromium(): void {
  const folder = mkdtempSync(join(tmpdir(), "hawser-chat-"));
  const complaints: string[] = [];
  let chat: StartedChat;
  let browser: Browser;
  let ann: Page;
  let ben: Page;

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
    collectComplaints(page, complaints);
    await enter(page, chat.page, name);
    return page;
  }

  const messages = (page: Page) => page.locator("#messages li:not(.event)");

  test("two people hear each other, and text is only ever text", async () => {
    expect(await ben.getByRole("link", { name: "open a second window as ann" }).isVisible()).toBe(true);
    await say(ann, "Ahoy, ben");
    await shown(ben, "Ahoy, ben").waitFor();
    await say(ben, "<b>Ahoy</b>, ann & all");
    await shown(ann, "<b>Ahoy</b>, ann & all").waitFor();
    for (const page of [ann, ben]) expect(await messages(page).count()).toBe(2);
    expect(await messages(ann).nth(0).getAttribute("class")).toBe("own");
    expect(await messages(ben).nth(0).locator(".from").textContent()).toStartWith("ann, ");
    expect(await ann.locator("#countdown").textContent()).toMatch(/^good for (10:00|9:\d\d)$/);
    expect(await ann.locator("#token-story").textContent()).toContain("the server verified it");
    await takePicture(ann, "chat-ann");
  }, 60_000);

  const here = (page: Page) => page.getByRole("list", { name: "Who is here" }).getByRole("listitem");
  const hereAre = async (page: Page, names: readonly string[]) => {
    const deadline = Date.now() + 40_000;
    for (;;) {
      const shown = await here(page).allTextContents();
      if (shown.join() === names.join() || Date.now() > deadline) return expect(shown).toEqual([...names]);
      await Bun.sleep(50);
    }
  };

  test("who is here is seen by everybody in the room, comes and goes, and is there once with two windows", async () => {
    await hereAre(ann, ["ann (you)", "ben"]);
    await hereAre(ben, ["ben (you)", "ann"]);
    await ben.getByRole("button", { name: "harbour" }).click();
    await hereAre(ben, ["ben (you)"]);
    await hereAre(ann, ["ann (you)"]);
    const second = await windowOf("ann");
    await hereAre(second, ["ann (you)"]);
    await ben.getByRole("button", { name: "lobby" }).click();
    await hereAre(ben, ["ben (you)", "ann"]);
    await hereAre(ann, ["ann (you)", "ben"]);
    await hereAre(second, ["ann (you)", "ben"]);
    await takePicture(ann, "chat-here");
    await second.context().close();
  }, 120_000);

  test("who has closed the window is there for a while yet, and then gone", async () => {
    const cleo = await windowOf("cleo");
    await hereAre(ann, ["ann (you)", "ben", "cleo"]);
    await cleo.context().close();
    await Bun.sleep(1000);
    expect(await here(ann).allTextContents()).toEqual(["ann (you)", "ben", "cleo"]);
    await hereAre(ann, ["ann (you)", "ben"]);
  }, 120_000);

  test("who is typing is seen by the others, until it is said", async () => {
    await ann.getByLabel("Message", { exact: true }).pressSequentially("Hea");
    await ben.locator("#typing", { hasText: "ann is typing" }).waitFor();
    expect(await ann.locator("#typing").textContent()).toBe("");
    await takePicture(ben, "chat-typing");
    await say(ann, "Heave ho");
    await shown(ben, "Heave ho").waitFor();
    expect(await ben.locator("#typing").textContent()).toBe("");
  }, 60_000);

  test("the staff room takes ann and refuses ben, who reads why", async () => {
    await ann.getByRole("button", { name: "staff" }).click();
    await shown(ann, "You are in staff").waitFor();
    await ben.getByRole("button", { name: "staff" }).click();
    await ben.getByRole("alert").waitFor();
    const why = "The staff room is for ann alone, and you are ben.";
    expect(await ben.getByRole("alert").textContent()).toBe(`The room staff refused you: ${why}`);
    expect(await ben.locator("#refusal-reason").textContent()).toBe("rejected");
    expect(await ben.locator("#refusal-presented").textContent()).toBe("a wish to enter staff");
    expect(await ben.locator("#refusal-words").textContent()).toBe(why);
    expect(await ben.locator("#refusal-close").isVisible()).toBe(false);
    expect(await ben.locator("#room").textContent()).toBe("no room");
    expect(await ben.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
    await takePicture(ben, "chat-ben-refused");
  }, 60_000);

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
  }, 60_000);

  const KNOCKS = [
    { button: "Expired", presented: "a token that expired a minute ago", reason: "token_expired" },
    { button: "Another secret", presented: "a token signed with another secret", reason: "unauthorized" },
    { button: "None", presented: "no token", reason: "unauthorized" },
  ];
  for (const { button, presented, reason } of KNOCKS) {
    test(`presenting ${presented} shows ${reason} and 1000 Auth Failed, and leaves the chat alone`, async () => {
      await ben.getByRole("button", { name: button, exact: true }).click();
      await ben.locator("#refusal-presented", { hasText: presented }).waitFor();
      expect(await ben.locator("#refusal-reason").textContent()).toBe(reason);
      expect(await ben.locator("#refusal-frames").textContent()).toBe(
        `{"type":"disconnect","reason":"${reason}","reconnect":false}`,
      );
      expect(await ben.locator("#refusal-close").textContent()).toBe("1000 Auth Failed");
      expect(await ben.locator("#state").getAttribute("data-state")).toBe("connected");
      await takePicture(ben, `chat-knock-${button.split(" ").at(-1)}`);
    }, 60_000);
  }

  test("a window that reconnects with an expired token renews it, and is back in its room", async () => {
    await ben.getByRole("button", { name: "Reconnect with an expired one" }).click();
    await shown(ben, "Back in lobby").waitFor();
    expect(await ben.locator("#refusal-reason").textContent()).toBe("token_expired");
    expect(await ben.locator("#refusal-presented").textContent()).toBe("this page's own token");
    expect(await ben.locator("#token-story").textContent()).toStartWith("Renewed at ");
    await say(ann, "Welcome back");
    await shown(ben, "Welcome back").waitFor();
    await takePicture(ben, "chat-renewed");
  }, 60_000);

  test("a window renews its token in place: the countdown starts anew, and the connection is the same", async () => {
    const frames = () => ann.locator("#wire").textContent();
    expect(await frames()).not.toContain('"auth"');
    await ann.getByRole("button", { name: "Renew it in place" }).click();
    await ann.locator("#token-story", { hasText: "Renewed in place at " }).waitFor();
    expect(await ann.locator("#countdown").textContent()).toMatch(/^good for (10:00|9:5\d)$/);
    expect(await frames()).toContain('{"command":"auth","token":"..."}');
    expect(await frames()).toMatch(/\{"type":"auth","expires_in":(5\d\d|600)\}/);
    expect(await ann.locator("#wire").getByText('"welcome"').count()).toBe(1);
    await say(ann, "Still here");
    await shown(ben, "Still here").waitFor();
    await takePicture(ann, "chat-renewed-in-place");
  }, 60_000);

  test("a window whose token is about to expire renews it without being asked", async () => {
    const { page, asked } = await windowWith("short", 1);
    await shown(page, "You are in lobby").waitFor();
    expect(await page.locator("#countdown").textContent()).toMatch(/^good for 0:\d\d$/);
    await page.locator("#token-story", { hasText: "Renewed in place at " }).waitFor();
    expect(await page.locator("#countdown").textContent()).toMatch(/^good for (10:00|9:\d\d)$/);
    expect(asked.length).toBe(2);
    expect(await page.locator("#wire").textContent()).toContain('"auth_expiring"');
    expect(await page.locator("#state").getAttribute("data-state")).toBe("connected");
    await page.close();
  }, 60_000);

  test("a window whose connection is cut comes back with its session and with what was said meanwhile, once", async () => {
    const before = await messages(ben).count();
    // The client comes back when it likes, so ann may be too late to be missed.
    for (let attempt = 1; attempt <= 5; attempt++) {
      await ben.getByRole("button", { name: "Cut the connection" }).click();
      await ben.locator('#state[data-state="disconnected"]').waitFor();
      await say(ann, `Man overboard ${attempt}`);
      await ben.locator('#state[data-state="connected"]').waitFor();
      await shown(ben, `Man overboard ${attempt}`).waitFor();
      expect(await messages(ben).count()).toBe(before + attempt);
      if ((await messages(ben).last().getAttribute("class"))?.includes("missed")) break;
    }
    expect(await messages(ben).last().getAttribute("class")).toContain("missed");
    await shown(ben, "1 message was said while you were away").waitFor();
    expect(await ben.locator("#wire").textContent()).toContain('"restored":true');
    await say(ann, "Rescued");
    await shown(ben, "Rescued").waitFor();
    expect((await messages(ben).last().getAttribute("class")) ?? "").not.toContain("missed");
    await takePicture(ben, "chat-cut");
  }, 120_000);

  /** A window whose tokens are of this kind, up to the given one. */
  async function windowWith(kind: string, upTo = Number.POSITIVE_INFINITY) {
    const page = await (await browser.newContext()).newPage();
    const asked: string[] = [];
    await page.route("**/token?*", (route) => {
      const url = new URL(route.request().url());
      asked.push(url.search);
      if (asked.length <= upTo) url.searchParams.set("kind", kind);
      return route.continue({ url: url.href });
    });
    await page.goto(`${chat.page}/?name=dora`);
    return { page, asked };
  }

  test("a token that has run out is replaced by a fresh one, and the refusal is shown", async () => {
    const { page, asked } = await windowWith("expired", 1);
    await shown(page, "You are in lobby").waitFor();
    expect(asked.length).toBe(2);
    expect(await page.locator("#refusal-reason").textContent()).toBe("token_expired");
    expect(await page.locator("#countdown").textContent()).toMatch(/^good for /);
    await page.close();
  }, 60_000);

  for (const [kind, reason, times] of [
    ["foreign", "unauthorized", 1],
    ["expired", "token_expired", 2],
  ] as const) {
    test(`a window that gets ${kind} tokens only says so, and does not try for ever`, async () => {
      const { page, asked } = await windowWith(kind);
      await page.getByRole("alert").getByText(`does not take this page's token: ${reason}`).waitFor();
      expect(await page.locator("#state").textContent()).toBe(`refused: ${reason}`);
      expect(await page.locator("#token-story").textContent()).toContain("does not take it");
      await Bun.sleep(500);
      expect(asked.length).toBe(times);
      await page.close();
    }, 60_000);
  }

  test("a visitor without a name, or with one that is none, is asked for one", async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${chat.page}/?name=no+name`);
    expect(await page.getByRole("alert").textContent()).toContain("name must be 1 to 24 letters");
    await page.goto(`${chat.page}/`);
    await page.getByLabel("Who are you?").fill("cleo");
    await page.getByRole("button", { name: "Enter" }).click();
    await page.getByText("You are in lobby").waitFor();
    expect(await page.locator("#name").textContent()).toBe("cleo");
    await page.close();
  }, 60_000);

  test("the page never complained", () => {
    expect(complaints).toEqual([]);
  });
}
