import { clockTime, find, onClick } from "./dom.ts";
import { isKnock, type Knock, type Refusal } from "./refusals.ts";

/** The last refusal, and the buttons that ask for one. */
export const refusalView = {
  show(refusal: Refusal, atMs: number): void {
    const { answer } = refusal;
    find("refusal-none").hidden = true;
    find("refusal-facts").hidden = false;
    find("refusal-reason").textContent = refusal.reason;
    find("refusal-time").textContent = clockTime(atMs, true);
    find("refusal-presented").textContent = refusal.presented;
    fact("refusal-frames", answer?.frames.join("\n") ?? null);
    const close = answer?.close;
    fact("refusal-close", close ? `${close.code} ${close.reason || "(no reason)"}` : null);
    fact("refusal-words", refusal.words);
    find("refusal-meaning").textContent = refusal.meaning;
  },

  onKnock(run: (kind: Knock) => Promise<void>): void {
    for (const button of document.querySelectorAll<HTMLButtonElement>("[data-knock]")) {
      const kind = button.dataset.knock ?? "";
      if (isKnock(kind)) onClick(button, () => run(kind));
    }
  },
};

/** Fills in a row of the list, or hides it with its name. */
function fact(id: string, text: string | null): void {
  const element = find(id);
  element.textContent = text;
  const definition = element.closest("dd");
  const name = definition?.previousElementSibling;
  for (const part of [definition, name]) part?.toggleAttribute("hidden", text === null || text === "");
}
