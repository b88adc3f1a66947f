import { type Broadcaster, type Cable, createCable, type JsonObject, type JsonValue } from "@hawser/sdk";
import { type ChatMessage, ROOMS, type Room } from "./rooms.ts";

/** The one who may enter the staff room. */
const STAFF = "ann";
const MAX_TEXT_LENGTH = 500;

/** Who a token of this application is for. */
export interface Person {
  readonly name: string;
}

/** The chat, as the cable server asks for it: who may be in which room, and what happens when someone speaks. */
export function createChat(broadcaster: Pick<Broadcaster, "broadcast">): Cable<Person> {
  // No `connect`: whoever comes without a token has no business here.
  return createCable({
    identifiers: (raw) => ({ name: nameIn(raw) }),
    onError: (error, during) => console.error(`chat: ${during} failed:`, error),
  }).channel("ChatChannel", {
    params: (raw) => ({ room: roomIn(raw) }),
    data: { speak: (raw) => ({ text: textIn(raw) }) },
    subscribed(ctx, { room }) {
      const { name } = ctx.connection.identifiers;
      if (room === "staff" && name !== STAFF) {
        // A rejection carries no words, so they go ahead of it.
        ctx.transmit({ error: `The staff room is for ${STAFF} alone, and you are ${name}.` });
        ctx.reject();
        return;
      }
      ctx.streamFrom(streamOf(room));
    },
    actions: {
      async speak(ctx, { text }) {
        const message: ChatMessage = { from: ctx.connection.identifiers.name, text, atMs: Date.now() };
        await broadcaster.broadcast(streamOf(ctx.params.room), message);
      },
    },
  });
}

/** Whether `name` is one that this chat gives tokens to: short, and nothing but letters, digits, `-` and `_`. */
export function isName(name: string): boolean {
  return /^[\p{L}\p{N}_-]{1,24}$/u.test(name);
}

function streamOf(room: Room): string {
  return `chat:${room}`;
}

function nameIn(identifiers: JsonValue): string {
  const name = isObject(identifiers) ? identifiers.name : undefined;
  if (typeof name !== "string" || !isName(name)) throw new Error("the token names nobody");
  return name;
}

function roomIn(params: JsonObject): Room {
  const room = ROOMS.find((known) => known === params.room);
  if (room === undefined) throw new Error(`there is no such room; there are ${ROOMS.join(", ")}`);
  return room;
}

function textIn(data: JsonObject): string {
  const text = typeof data.text === "string" ? data.text.trim() : "";
  if (text === "" || text.length > MAX_TEXT_LENGTH) {
    throw new Error(`text must have 1 to ${MAX_TEXT_LENGTH} characters`);
  }
  return text;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
