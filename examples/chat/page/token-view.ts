import { clockTime, find, findButton, make, onClick } from "./dom.ts";

/** The token that the page holds, and what is left of its life. */

const SHORT_SECONDS = 60;

export const tokenView = {
  /** Called once a second. */
  left(seconds: number, ofSeconds: number): void {
    const countdown = find("countdown");
    const rest = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    countdown.replaceChildren(
      ...(seconds === 0 ? ["expired"] : [make("span", "hint", "good for "), make("span", "", rest)]),
    );
    countdown.dataset.life = seconds === 0 ? "over" : seconds <= SHORT_SECONDS ? "short" : "good";
    find("life").style.setProperty("--left", String(seconds / ofSeconds));
    if (seconds === 0) {
      story(
        "It has run out, and the server ends the connection with it. The client fetches another token and comes back.",
      );
    }
  },

  issued(): void {
    story("The backend has issued it; the server has not seen it yet.");
  },

  /** `renewedAtMs` is null for the first token of this page. */
  accepted(renewedAtMs: number | null): void {
    story(
      renewedAtMs === null
        ? "The backend issued it, and the server verified it when this page connected."
        : `Renewed at ${clockTime(renewedAtMs, true)}: the server said token_expired, so the client fetched this one and came back.`,
    );
  },

  /** On the connection as it is. */
  renewed(atMs: number): void {
    story(
      `Renewed in place at ${clockTime(atMs, true)}: the client sent a fresh one on the connection that it has, and nothing was cut.`,
    );
  },

  refused(): void {
    story("The backend issued it, and the server does not take it.");
  },

  onRenew(run: () => Promise<void>): void {
    onClick(findButton("renew"), run);
  },

  onLetExpire(run: () => Promise<void>): void {
    onClick(findButton("let-expire"), run);
  },
};

function story(text: string): void {
  const element = find("token-story");
  if (element.textContent !== text) element.textContent = text;
}
