import { type ChatMessage, ROOMS, type Room } from "../rooms.ts";
import type { ConnectionState } from "./chat-client.ts";
import type { Answer } from "./knock.ts";

/** The page's elements. Everything that others wrote goes in as text, never as HTML. */

const MAX_FRAMES = 60;
const MAX_MESSAGES = 200;
const STATES: Readonly<Record<ConnectionState, string>> = {
  connecting: "connecting",
  connected: "connected",
  disconnected: "connection lost, trying again",
  closed: "refused",
};

const roomButtons = ROOMS.map((room) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = room;
  button.dataset.room = room;
  button.setAttribute("aria-pressed", "false");
  find("rooms").append(button);
  return { room, button };
});

export const view = {
  askForName(): void {
    find("enter").hidden = false;
    const main = document.querySelector("main");
    if (main !== null) main.hidden = true;
    onSubmit("enter", "who", async (name) => {
      location.search = `?${new URLSearchParams({ name })}`;
    });
  },

  person(name: string): void {
    find("name").textContent = name;
    document.title = `${name} · Hawser chat`;
  },

  state(state: ConnectionState, why: string | null): void {
    const element = find("state");
    element.dataset.state = state;
    element.textContent = why === null || state === "connected" ? STATES[state] : `${STATES[state]} (${why})`;
    if (state !== "connected") allowSpeaking(false);
  },

  entered(room: Room): void {
    const before = find("room").textContent;
    showRoom(room);
    if (before !== room) find("messages").replaceChildren();
    add("event", null, before === room ? `Back in ${room}` : `You are in ${room}`);
    find("notice").hidden = true;
    allowSpeaking(true);
  },

  refused(room: Room, why: string | null): void {
    showRoom(null);
    find("messages").replaceChildren();
    view.notice(`The room ${room} refused you: ${why ?? "no reason given"}`);
    allowSpeaking(false);
  },

  message(message: ChatMessage, own: boolean): void {
    const time = new Date(message.atMs).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    add(own ? "own" : "", `${message.from}, ${time}`, message.text);
  },

  notice(text: string): void {
    const element = find("notice");
    element.textContent = text;
    element.hidden = false;
  },

  refusal(text: string): void {
    find("refusal").textContent = text;
  },

  secondsLeft(seconds: number): void {
    const minutes = Math.floor(seconds / 60);
    const rest = String(seconds % 60).padStart(2, "0");
    find("countdown").textContent = seconds === 0 ? "expired" : `good for ${minutes}:${rest}`;
  },

  answer(presented: string, answer: Answer): void {
    find("answer").hidden = false;
    find("answer-kind").textContent = presented;
    find("answer-frames").textContent = answer.frames.length === 0 ? "none" : answer.frames.join("\n");
    find("answer-close").textContent =
      answer.close === null
        ? "nothing: it is still open"
        : `${answer.close.code} ${answer.close.reason === "" ? "(no reason)" : answer.close.reason}`;
  },

  frame(direction: "in" | "out", text: string): void {
    const item = document.createElement("li");
    item.textContent = `${direction === "in" ? "←" : "→"} ${text}`;
    const list = find("wire");
    list.prepend(item);
    if (list.children.length > MAX_FRAMES) list.lastElementChild?.remove();
  },

  onRoom(enter: (room: Room) => void): void {
    for (const { room, button } of roomButtons) {
      button.addEventListener("click", () => {
        if (button.getAttribute("aria-pressed") !== "true") enter(room);
      });
    }
  },

  onSpeak(speak: (text: string) => Promise<void>): void {
    onSubmit("speak", "text", speak);
  },

  onKnock(run: (kind: string) => Promise<void>): void {
    for (const button of document.querySelectorAll<HTMLButtonElement>("[data-knock]")) {
      button.addEventListener("click", async () => {
        button.disabled = true;
        try {
          await run(button.dataset.knock ?? "");
        } catch (fault) {
          view.notice(fault instanceof Error ? fault.message : String(fault));
        } finally {
          button.disabled = false;
        }
      });
    }
  },
};

function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

function showRoom(current: Room | null): void {
  find("room").textContent = current ?? "no room";
  for (const { room, button } of roomButtons) button.setAttribute("aria-pressed", String(room === current));
}

function allowSpeaking(allowed: boolean): void {
  find("send").toggleAttribute("disabled", !allowed);
}

function add(kind: string, from: string | null, text: string): void {
  const item = document.createElement("li");
  if (kind !== "") item.className = kind;
  if (from !== null) {
    const who = document.createElement("span");
    who.className = "from";
    who.textContent = from;
    item.append(who);
  }
  item.append(text);
  const list = find("messages");
  list.append(item);
  if (list.children.length > MAX_MESSAGES) list.firstElementChild?.remove();
  list.scrollTop = list.scrollHeight;
}

/** Hands over the text of the form's one input, and empties it once that has worked. */
function onSubmit(formId: string, inputId: string, run: (text: string) => Promise<void>): void {
  const input = find(inputId);
  if (!(input instanceof HTMLInputElement)) throw new Error(`#${inputId} is no input`);
  find(formId).addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "") return;
    run(text).then(
      () => {
        input.value = "";
      },
      // Whoever was handed the text has said what went wrong; it stays for another try.
      () => {},
    );
  });
}
