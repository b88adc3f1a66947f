import { find, make } from "./dom.ts";

/** Who is in the room just now. */

const MAX_NAMES = 12;

export const hereView = {
  show(names: readonly string[], own: string): void {
    // Oneself first, and the others where they were.
    const others = names.filter((name) => name !== own);
    const shown = names.includes(own) ? [own, ...others] : others;
    const list = find("here");
    list.replaceChildren(...shown.slice(0, MAX_NAMES).map((name) => person(name, name === own)));
    const more = shown.length - MAX_NAMES;
    if (more > 0) list.append(make("li", "more", `and ${more} more`));
  },

  nobody(): void {
    find("here").replaceChildren();
  },
};

function person(name: string, isOwn: boolean): HTMLElement {
  return make("li", isOwn ? "own" : "", isOwn ? `${name} (you)` : name);
}
