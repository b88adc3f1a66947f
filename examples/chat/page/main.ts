import { type IssuedToken, ROOMS } from "../rooms.ts";
import { type ChatClient, createChatClient } from "./chat-client.ts";
import { connectionView } from "./connection-view.ts";
import { hereView } from "./here-view.ts";
import { knock } from "./knock.ts";
import { messagesView } from "./messages-view.ts";
import { refusalView } from "./refusal-view.ts";
import { type Knock, type Refusal, refusalOfConnection, refusalOfKnock, refusalOfRoom } from "./refusals.ts";
import { tokenView } from "./token-view.ts";
import { typingView } from "./typing-view.ts";
import { wireView } from "./wire-view.ts";

/** Ties the page together: who it is for is in the address, `?name=ann`. */

const name = new URLSearchParams(location.search).get("name") ?? "";
if (name === "") connectionView.askForName(null);
else await start();

async function start(): Promise<void> {
  const issued = await fetchToken("good").catch((fault: unknown) => wordsOf(fault));
  if (typeof issued === "string") return connectionView.askForName(issued);
  connectionView.person(name);
  connectionView.state("connecting", null);
  countDown(issued);
  const cableUrl = `ws://${location.hostname}:${issued.cablePort}/cable`;
  const chat = chatOver(cableUrl, issued.token);
  connectionView.onRoom(chat.enter);
  connectionView.onSpeak((text) => speak(chat, text));
  connectionView.onTyping(() => chat.typing(name));
  refusalView.onKnock((kind) => saying(() => showKnock(cableUrl, kind)));
  connectionView.onCut(chat.cut);
  tokenView.onRenew(() => saying(chat.renew));
  tokenView.onLetExpire(() => saying(async () => chat.comeBackWith((await fetchToken("expired")).token)));
  chat.enter(ROOMS[0]);
}

/** When the last token was fetched in place of another. */
let renewedAtMs: number | null = null;

function chatOver(cableUrl: string, token: string): ChatClient {
  let entered: string | null = null;
  let renewing = false;
  return createChatClient(cableUrl, token, refresh, {
    state(state, why) {
      connectionView.state(state, why);
      if (state === "connected") {
        renewing = false;
        tokenView.accepted(renewedAtMs);
      } else if (state === "closed" && why !== null) {
        // The client fetches another token once; the second time in a row it gives up.
        refusedToConnect(why, why !== "token_expired" || renewing);
        renewing = true;
      }
    },
    entered(room) {
      if (room !== entered) {
        messagesView.empty();
        hereView.nobody();
      }
      messagesView.event(room === entered ? `Back in ${room}` : `You are in ${room}`);
      entered = room;
      typingView.nobody();
      connectionView.room(room);
      connectionView.noNotice();
    },
    refused(room, why) {
      entered = null;
      typingView.nobody();
      hereView.nobody();
      messagesView.empty();
      connectionView.room(null);
      connectionView.notice(`The room ${room} refused you: ${why ?? "no reason given"}`);
      show(refusalOfRoom(room, why));
    },
    caughtUp(_room, missed) {
      messagesView.event(missedText(missed));
    },
    message(message, missed) {
      messagesView.message(message, message.from === name, missed);
      typingView.stopped(message.from);
    },
    here: (names) => hereView.show(names, name),
    typing: typingView.typing,
    renewed: () => tokenView.renewed(Date.now()),
    frame: wireView.frame,
  });
}

function missedText(missed: number | null): string {
  if (missed === null) return "What was said meanwhile is lost: the server does not know it any more";
  if (missed === 0) return "Nothing was missed, as far as the server knows";
  return missed === 1
    ? "1 message was said while you were away"
    : `${missed} messages were said while you were away`;
}

function refusedToConnect(why: string, final: boolean): void {
  show(refusalOfConnection(why, final));
  if (!final) return;
  tokenView.refused();
  connectionView.notice(`The server does not take this page's token: ${why}.`);
}

/** The server says that the token will expire, or has refused it as expired: the client asks for another. */
async function refresh(): Promise<string> {
  try {
    const issued = await fetchToken("good");
    renewedAtMs = Date.now();
    countDown(issued);
    return issued.token;
  } catch (fault) {
    connectionView.notice(`${wordsOf(fault)} Reload the page to try again.`);
    throw fault;
  }
}

async function speak(chat: ChatClient, text: string): Promise<void> {
  try {
    await chat.speak(text);
  } catch (fault) {
    connectionView.notice(`Not sent: ${wordsOf(fault)}`);
    throw fault;
  }
}

async function showKnock(cableUrl: string, kind: Knock): Promise<void> {
  const token = kind === "none" ? null : (await fetchToken(kind)).token;
  const refusal = refusalOfKnock(kind, await knock(cableUrl, token));
  if (refusal === null) throw new Error("Nothing came back in time: is the server away?");
  show(refusal);
}

function show(refusal: Refusal): void {
  refusalView.show(refusal, Date.now());
}

/** Says what goes wrong on the page. */
async function saying(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (fault) {
    connectionView.notice(wordsOf(fault));
  }
}

async function fetchToken(kind: string): Promise<IssuedToken> {
  const response = await fetch(`/token?${new URLSearchParams({ name, kind })}`).catch(() => null);
  if (response === null) throw new Error("The backend is away, so there is no token.");
  const body: IssuedToken | { readonly error: string } = await response.json();
  if ("error" in body) throw new Error(`The backend gave no token: ${body.error}.`);
  return body;
}

function wordsOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}

let ticking: ReturnType<typeof setInterval> | undefined;

function countDown({ expiresAtMs, lifeSeconds }: IssuedToken): void {
  clearInterval(ticking);
  tokenView.issued();
  const tick = () => {
    tokenView.left(Math.max(0, Math.ceil((expiresAtMs - Date.now()) / 1000)), lifeSeconds);
  };
  tick();
  ticking = setInterval(tick, 1000);
}
