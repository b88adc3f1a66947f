import { type Broadcaster, type Cable, createCable, type JsonObject, type JsonValue } from "@hawser/sdk";
import { type ChatMessage, isName, ROOMS, type Room } from "./rooms.ts";

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
  })
    .channel("ChatChannel", {
      params: (raw) => ({ room: roomIn(raw) }),
      data: { speak: (raw) => ({ text: textIn(raw) }) },
      subscribed(ctx, { room }) {
        const error = refusal(room, ctx.connection.identifiers);
        if (error === null) {
          ctx.streamFrom(`chat:${room}`);
          // The token says who it is; had the client said so itself, it could be anybody.
          return ctx.joinPresence(`chat:${room}`, ctx.connection.identifiers.name);
        }
        // A rejection carries no words, so they go ahead of it.
        ctx.transmit({ error });
        ctx.reject();
      },
      actions: {
        async speak(ctx, { text }) {
          const message: ChatMessage = { from: ctx.connection.identifiers.name, text, atMs: Date.now() };
          await broadcaster.broadcast(`chat:${ctx.params.room}`, message);
        },
      },
    })
    .channel("TypingChannel", {
      params: (raw) => ({ room: roomIn(raw) }),
      subscribed(ctx, { room }) {
        if (refusal(room, ctx.connection.identifiers) !== null) return ctx.reject();
        // Who gets a whisper cannot tell it from what the application says: on the chat's own stream anybody could speak
        // in anybody's name.
        ctx.streamFrom(`typing:${room}`, { whisper: true });
      },
    });
}

/** Why this person may not enter the room; null when they may. */
function refusal(room: Room, { name }: Person): string | null {
  return room === "staff" && name !== STAFF
    ? `The staff room is for ${STAFF} alone, and you are ${name}.`
    : null;
}

function nameIn(identifiers: JsonValue): string {
  const name = isObject(identifiers) ? identifiers.name : undefined;
  if (!isName(name)) throw new Error("the token names nobody");
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
