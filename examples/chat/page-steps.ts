import { join } from "node:path";
import type { Locator, Page } from "playwright-core";

/** What the tests do on the page again and again. */

/** Opens the chat as `name` and waits until the lobby has taken them. */
export async function enter(page: Page, address: string, name: string): Promise<void> {
  await page.goto(`${address}/?name=${name}`);
  await page.locator('#state[data-state="connected"]').waitFor();
  await shown(page, "You are in lobby").waitFor();
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** Something that was said, or that happened, in the room. */
export function shown(page: Page, text: string): Locator {
  return page.locator("#messages").getByText(text);
}

/** Keeps what goes wrong in the page, and what it logs as an error. */
export function collectComplaints(page: Page, complaints: string[]): void {
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
}

/** Takes a picture into the folder that `CHAT_SCREENSHOTS` names; none without. */
export async function takePicture(page: Page, name: string): Promise<void> {
  const target = process.env.CHAT_SCREENSHOTS;
  if (target !== undefined) await page.screenshot({ path: join(target, `${name}.png`), fullPage: true });
}
