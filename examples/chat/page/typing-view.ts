import { find } from "./dom.ts";

/** Who is writing just now. */

/** Longer than the others wait between two whispers. */
const FORGET_AFTER_MS = 4000;
const MAX_NAMES = 3;

const timers = new Map<string, ReturnType<typeof setTimeout>>();

export const typingView = {
  typing(name: string): void {
    clearTimeout(timers.get(name));
    // Those that do not fit are left out, so that nobody can fill the page.
    if (!timers.has(name) && timers.size === MAX_NAMES) return;
    timers.set(
      name,
      setTimeout(() => typingView.stopped(name), FORGET_AFTER_MS),
    );
    show();
  },

  stopped(name: string): void {
    clearTimeout(timers.get(name));
    timers.delete(name);
    show();
  },

  nobody(): void {
    for (const name of [...timers.keys()]) typingView.stopped(name);
  },
};

function show(): void {
  const names = [...timers.keys()];
  find("typing").textContent =
    names.length === 0 ? "" : `${names.join(", ")} ${names.length === 1 ? "is" : "are"} typing`;
}
