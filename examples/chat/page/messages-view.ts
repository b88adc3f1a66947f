import type { ChatMessage } from "../rooms.ts";
import { clockTime, find, make } from "./dom.ts";

/** What is said in the room. */

const MAX_MESSAGES = 200;
/** Messages of one person that follow each other within this time stand under one name. */
const GROUP_MS = 120_000;

let last: ChatMessage | null = null;

export const messagesView = {
  empty(): void {
    find("messages").replaceChildren();
    last = null;
  },

  event(text: string): void {
    last = null;
    add(make("li", "event", text));
  },

  message(message: ChatMessage, own: boolean, missed: boolean): void {
    const item = make("li", own ? "own" : "");
    if (missed) item.classList.add("missed");
    const continued = last?.from === message.from && message.atMs - last.atMs < GROUP_MS;
    if (continued) item.classList.add("continued");
    else
      item.append(make("span", "from", `${message.from}, ${clockTime(message.atMs)}`), badge(message.from));
    item.append(make("span", "text", message.text));
    last = message;
    add(item);
  },
};

function badge(name: string): HTMLElement {
  const element = make("span", "badge", name.slice(0, 1).toUpperCase());
  element.setAttribute("aria-hidden", "true");
  element.style.setProperty("--hue", String(hueOf(name)));
  return element;
}

/** The same colour for the same name everywhere. */
function hueOf(name: string): number {
  let hue = 0;
  for (const character of name) hue = (hue * 31 + (character.codePointAt(0) ?? 0)) % 360;
  return hue;
}

function add(item: HTMLElement): void {
  const list = find("messages");
  const scroll = find("scroll");
  list.append(item);
  if (list.children.length > MAX_MESSAGES) list.firstElementChild?.remove();
  scroll.scrollTop = scroll.scrollHeight;
}
