import { find, make } from "./dom.ts";

const MAX_FRAMES = 60;

/** What went over the wire, newest first. */
export const wireView = {
  frame(direction: "in" | "out", text: string): void {
    const item = make("li", direction);
    item.append(make("span", "unseen", direction === "in" ? "received: " : "sent: "), text);
    const list = find("wire");
    list.prepend(item);
    if (list.children.length > MAX_FRAMES) list.lastElementChild?.remove();
  },
};
