import { ROOMS, type Room } from "../rooms.ts";
import type { ConnectionState } from "./chat-client.ts";
import { find, findButton, make, onSubmit } from "./dom.ts";

/** Who and where one is, how the connection is, and what one may do because of that. */

const STATES: Readonly<Record<ConnectionState, string>> = {
  connecting: "connecting",
  connected: "connected",
  disconnected: "reconnecting",
  closed: "refused",
};

/** What a lost connection is called; the reasons are the server's, and one of the client's own. */
const LOSSES: Readonly<Record<string, string>> = {
  server_restart: "The server is restarting.",
  transport_closed: "The connection is lost.",
};

const roomButtons = ROOMS.map((room) => {
  const button = make("button", "", room);
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  find("rooms").append(button);
  return { room, button };
});

export const connectionView = {
  askForName(why: string | null): void {
    find("enter").hidden = false;
    find("chat").hidden = true;
    find("enter-notice").hidden = why === null;
    find("enter-notice").textContent = why;
    find("who").focus();
    onSubmit("enter", "who", async (name) => {
      location.search = `?${new URLSearchParams({ name })}`;
    });
  },

  person(name: string): void {
    find("who-where").hidden = false;
    const other = name === "ben" ? "ann" : "ben";
    find("name").textContent = name;
    find("other-name").textContent = other;
    find("other").setAttribute("href", `/?${new URLSearchParams({ name: other })}`);
    document.title = `${name} · Hawser chat`;
  },

  state(state: ConnectionState, why: string | null): void {
    const element = find("state");
    element.dataset.state = state;
    element.textContent = state === "closed" && why !== null ? `${STATES.closed}: ${why}` : STATES[state];
    for (const id of ["cut", "renew", "let-expire"])
      find(id).toggleAttribute("disabled", state !== "connected");
    if (state === "disconnected") {
      const what = LOSSES[why ?? ""] ?? `The connection is lost (${why ?? "no reason given"}).`;
      connectionView.notice(`${what} This page comes back by itself.`, "warning");
    }
    if (state !== "connected") allowSpeaking(false);
  },

  room(current: Room | null): void {
    find("room").textContent = current ?? "no room";
    for (const { room, button } of roomButtons) button.setAttribute("aria-pressed", String(room === current));
    allowSpeaking(current !== null);
  },

  notice(text: string, kind: "refusal" | "warning" = "refusal"): void {
    const element = find("notice");
    element.textContent = text;
    element.dataset.kind = kind;
    element.hidden = false;
  },

  noNotice(): void {
    find("notice").hidden = true;
  },

  onRoom(enter: (room: Room) => void): void {
    for (const { room, button } of roomButtons) {
      button.addEventListener("click", () => {
        if (button.getAttribute("aria-pressed") !== "true") enter(room);
      });
    }
  },

  onCut(cut: () => void): void {
    findButton("cut").addEventListener("click", cut);
  },

  onTyping(typing: () => void): void {
    find("text").addEventListener("input", typing);
  },

  onSpeak(speak: (text: string) => Promise<void>): void {
    onSubmit("speak", "text", speak);
  },
};

function allowSpeaking(allowed: boolean): void {
  find("send").toggleAttribute("disabled", !allowed);
}
