import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";

/** Why no test may use the browser here; null when they may. */
export const CHROMIUM_SKIPPED: string | null = !existsSync(CHROMIUM)
  ? `${CHROMIUM} is not installed`
  : process.env.HAWSER_FULL !== "1"
    ? "bin/test --full runs it"
    : null;

/** Headless, with a profile of its own that is gone with it. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
