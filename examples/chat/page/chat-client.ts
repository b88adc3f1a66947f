import { type Encoder, NoopLogger } from "@anycable/core";
import { type Cable, type Channel, createCable } from "@anycable/web";
import { keepTokenFresh } from "@hawser/client";
import { type ChatMessage, isName, type Room, type TypingNotice } from "../rooms.ts";

export type ConnectionState = "connecting" | "connected" | "disconnected" | "closed";

/** What the client tells the page. */
export interface ChatEvents {
  state(state: ConnectionState, why: string | null): void;
  entered(room: Room): void;
  /** What was missed has been told: so many messages; null when the server cannot tell any more. */
  caughtUp(room: Room, missed: number | null): void;
  /** The room cannot be entered; `why` is what the application said, if it said anything. */
  refused(room: Room, why: string | null): void;
  /** `missed`: it was said while the connection was gone. */
  message(message: ChatMessage, missed: boolean): void;
  /** Who is in the room now. */
  here(names: readonly string[]): void;
  /** Somebody else in the room writes, and says that this is their name. */
  typing(name: string): void;
  /** The server took a fresh token on the connection as it is. */
  renewed(): void;
  /** A frame went over the wire; pings are left out, and what they hold of tokens. */
  frame(direction: "in" | "out", text: string): void;
}

export interface ChatClient {
  enter(room: Room): void;
  /** Rejects when there is no room to speak in, or no connection. */
  speak(text: string): Promise<void>;
  /** Lets the others know that `name` is writing. May be called at every key. */
  typing(name: string): void;
  /** Breaks the connection as a network would; the client comes back by itself. */
  cut(): void;
  /** Gives the server a fresh token on the connection as it is. */
  renew(): Promise<void>;
  /** Hangs up, and connects again with this token. */
  comeBackWith(token: string): void;
}

/** How often the others hear that one is still writing. */
const WHISPER_EVERY_MS = 2000;

/**
 * Talks to the cable server through AnyCable's own client for pages. `freshToken` is asked when the server says that the
 * one it has will expire, or has.
 */
export function createChatClient(
  cableUrl: string,
  token: string,
  freshToken: () => Promise<string>,
  events: ChatEvents,
): ChatClient {
  // The server rejects a subscription without a word; what the application says goes ahead of that, to a subscription that
  // the client does not know yet and therefore never delivers. So it is picked up on the wire.
  let lastError: string | null = null;
  const encoder = tapped((direction, text, frame) => {
    if (frame.type === "ping") return;
    if (typeof frame.message?.error === "string") lastError = frame.message.error;
    events.frame(direction, text);
  });
  let socket: WebSocket | null = null;
  const cable = createCable(cableUrl, {
    // The one in which a client has its session back, and asks for what it missed.
    protocol: "actioncable-v1-ext-json",
    // Who comes new hears what is said from now on, and not what was said a moment ago in this second.
    historyTimestamp: Math.floor(Date.now() / 1000) + 1,
    websocketImplementation: class extends WebSocket {
      constructor(url: string, protocols: string | string[]) {
        super(url, protocols);
        socket = this;
      }
    },
    encoder,
    // What it would write to the console stands on the page.
    logger: new NoopLogger(),
  });
  /** What is presented next, in place of a fresh one. */
  let instead: string | null = null;
  const keeper = keepTokenFresh(cable, {
    token,
    fetchToken: async () => {
      const given = instead;
      instead = null;
      return given ?? (await freshToken());
    },
    onRenewed: events.renewed,
  });
  watch(cable, events);
  let channel: Channel | null = null;
  let whispers: Channel | null = null;
  let whisperedAtMs = 0;
  const leave = () => {
    channel?.disconnect();
    whispers?.disconnect();
    channel = whispers = null;
  };
  /** Only once the room has taken us. */
  const whisperIn = (room: Room) => {
    if (whispers !== null) return;
    whispers = cable.subscribeTo("TypingChannel", { room });
    whispers.on("message", (notice) => {
      const { typing } = notice as Partial<TypingNotice>; // whatever the others sent
      if (isName(typing)) events.typing(typing);
    });
  };
  return {
    enter(room) {
      leave();
      const next = cable.subscribeTo("ChatChannel", { room });
      channel = next;
      lastError = null;
      // From the moment that we are back until the server has told us all that we missed.
      let missed: number | null = null;
      next.on("connect", ({ reconnect }) => {
        missed = reconnect ? 0 : null;
        whisperIn(room);
        events.entered(room);
        tellWhoIsHere(next, events);
      });
      next.on("presence", () => tellWhoIsHere(next, events));
      next.on("message", (message) => {
        if (missed !== null) missed += 1;
        events.message(message as unknown as ChatMessage, missed !== null);
      });
      next.on("info", ({ type }) => {
        if (missed === null) return;
        events.caughtUp(room, type === "history_received" ? missed : null);
        missed = null;
      });
      next.on("close", (error) => {
        if (channel !== next || error === undefined) return;
        channel = null;
        events.refused(room, lastError);
      });
    },
    typing(name) {
      if (whispers?.state !== "connected" || Date.now() - whisperedAtMs < WHISPER_EVERY_MS) return;
      whisperedAtMs = Date.now();
      whispers.whisper({ typing: name } satisfies TypingNotice).catch(() => {});
    },
    async speak(text) {
      if (channel === null) throw new Error("you are in no room");
      await channel.perform("speak", { text });
      // Whoever hears it takes us for done with typing.
      whisperedAtMs = 0;
    },
    cut() {
      socket?.close();
    },
    async renew() {
      await keeper.renew();
    },
    comeBackWith(other) {
      instead = other;
      cable.disconnect();
      keeper
        .renew()
        .then(() => cable.connect())
        .catch(() => {}); // what comes of it is said by the events
    },
  };
}

/** The client asks the server once, and keeps the list by itself from then on. */
function tellWhoIsHere({ presence }: Channel, events: ChatEvents): void {
  presence.info().then(
    (members) => events.here(Object.keys(members ?? {})),
    // The connection went first; it is asked again once that is back.
    () => {},
  );
}

function watch(cable: Cable, events: ChatEvents): void {
  cable.on("connect", () => events.state("connected", null));
  cable.on("disconnect", (error) => events.state("disconnected", error.reason ?? error.message));
  cable.on("close", (error) => events.state("closed", error?.reason ?? null));
}

/** A frame, as far as the page looks into it. */
interface Frame {
  readonly type?: string;
  readonly message?: { readonly error?: unknown };
}

function tapped(see: (direction: "in" | "out", text: string, frame: Frame) => void): Encoder {
  return {
    encode(frame) {
      const text = JSON.stringify(frame);
      // A page may be shown around.
      see("out", "token" in frame ? JSON.stringify({ ...frame, token: "..." }) : text, {});
      return text;
    },
    decode(raw) {
      const text = String(raw);
      try {
        const frame: Frame = JSON.parse(text);
        see("in", text, frame);
        return frame;
      } catch {
        return undefined;
      }
    },
  };
}
