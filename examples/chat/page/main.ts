import { type IssuedToken, ROOMS, type Room } from "../rooms.ts";
import { type ChatClient, createChatClient } from "./chat-client.ts";
import { knock } from "./knock.ts";
import { view } from "./view.ts";

/** Ties the page together: who it is for is in the address, `?name=ann`. */

const name = new URLSearchParams(location.search).get("name") ?? "";
if (name === "") view.askForName();
else start().catch((fault: unknown) => view.notice(fault instanceof Error ? fault.message : String(fault)));

async function start(): Promise<void> {
  view.person(name);
  const issued = await fetchToken("good");
  const cableUrl = `ws://${location.hostname}:${issued.cablePort}/cable`;
  countDownTo(issued.expiresAtMs);
  view.state("connecting", null);
  const chat = createChatClient(cableUrl, issued.token, refresh, {
    state(state, why) {
      view.state(state, why);
      if (state === "closed" && why !== null) view.refusal(`connection: ${why}`);
    },
    entered: view.entered,
    refused(room, why) {
      view.refused(room, why);
      view.refusal(`room ${room}: ${why ?? "rejected without a reason"}`);
    },
    message: (message) => view.message(message, message.from === name),
    frame: view.frame,
  });
  view.onRoom((room: Room) => chat.enter(room));
  view.onSpeak((text) => speak(chat, text));
  view.onKnock((kind) => showKnock(cableUrl, kind));
  chat.enter(ROOMS[0]);
}

/** The server has refused the token as expired: the client asks for another before it tries again. */
async function refresh(): Promise<string> {
  const issued = await fetchToken("good");
  countDownTo(issued.expiresAtMs);
  return issued.token;
}

async function speak(chat: ChatClient, text: string): Promise<void> {
  try {
    await chat.speak(text);
  } catch (fault) {
    view.notice(`Not sent: ${fault instanceof Error ? fault.message : String(fault)}`);
    throw fault;
  }
}

const KNOCKS: Readonly<Record<string, string>> = {
  expired: "a token that expired a minute ago",
  foreign: "a token signed with another secret",
  none: "no token",
};

async function showKnock(cableUrl: string, kind: string): Promise<void> {
  const token = kind === "none" ? null : (await fetchToken(kind)).token;
  const answer = await knock(cableUrl, token);
  view.answer(KNOCKS[kind] ?? kind, answer);
  const last = answer.frames.at(-1);
  const reason = last === undefined ? undefined : JSON.parse(last).reason;
  if (answer.close !== null) view.refusal(`${KNOCKS[kind] ?? kind}: ${reason ?? answer.close.reason}`);
}

async function fetchToken(kind: string): Promise<IssuedToken> {
  const response = await fetch(`/token?${new URLSearchParams({ name, kind })}`);
  const body = await response.json();
  if (!response.ok) throw new Error(`The backend gave no token: ${body.error}`);
  return body;
}

let ticking: ReturnType<typeof setInterval> | undefined;

function countDownTo(expiresAtMs: number): void {
  clearInterval(ticking);
  const tick = () => view.secondsLeft(Math.max(0, Math.ceil((expiresAtMs - Date.now()) / 1000)));
  tick();
  ticking = setInterval(tick, 1000);
}
