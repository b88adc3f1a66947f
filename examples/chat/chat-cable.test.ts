import { expect, test } from "bun:test";
import type { Broadcaster, CallMetadata } from "@hawser/sdk";
import { createChat } from "./chat-cable.ts";
import { isName } from "./rooms.ts";

const META: CallMetadata = { sid: "s", protocolVersions: ["v1"], jwtIdentity: null };

function chatOf() {
  const sent: Array<{ stream: string; data: unknown }> = [];
  const broadcaster: Pick<Broadcaster, "broadcast"> = {
    async broadcast(stream, data) {
      sent.push({ stream, data });
    },
  };
  const chat = createChat(broadcaster);
  const command = (
    name: string,
    room: unknown,
    more: { command?: string; data?: string; identifier?: string } = {},
  ) =>
    chat.command(
      {
        command: "subscribe",
        identifier: JSON.stringify({ channel: "ChatChannel", room }),
        connectionIdentifiers: JSON.stringify({ name }),
        data: "",
        env: undefined,
        ...more,
      },
      META,
    );
  return { chat, command, sent };
}

const SUCCESS = 1;
const FAILURE = 2;

test("whoever comes without a token is refused", async () => {
  expect((await chatOf().chat.connect({ env: undefined }, META)).status).toBe(FAILURE);
});

test("everyone may enter the lobby, ann alone the staff room, and the others are told why", async () => {
  const { command } = chatOf();
  expect(await command("ben", "lobby")).toMatchObject({ status: SUCCESS, streams: ["chat:lobby"] });
  expect(await command("ann", "staff")).toMatchObject({ status: SUCCESS, streams: ["chat:staff"] });
  const refused = await command("ben", "staff");
  expect(refused).toMatchObject({ status: FAILURE, streams: [] });
  expect(refused.transmissions.map((frame) => JSON.parse(frame))).toMatchObject([
    { message: { error: "The staff room is for ann alone, and you are ben." } },
    { type: "reject_subscription" },
  ]);
});

test("who is in a room is shown under the name that the token has", async () => {
  const { command } = chatOf();
  const lobby = await command("ben", "lobby");
  expect(lobby.presence).toMatchObject({ type: "join", id: "ben", info: "" });
  expect(lobby.env?.istate).toEqual({ $p: "chat:lobby" });
  expect((await command("ben", "staff")).presence).toBeUndefined();
});

test("whispers have a stream of their own, for those who may be in the room", async () => {
  const { command } = chatOf();
  const typing = (name: string, room: string) =>
    command(name, room, { identifier: JSON.stringify({ channel: "TypingChannel", room }) });
  const lobby = await typing("ben", "lobby");
  expect(lobby).toMatchObject({ status: SUCCESS, streams: ["typing:lobby"] });
  expect(lobby.env?.istate).toEqual({ $w: "typing:lobby" });
  expect((await command("ben", "lobby")).env?.istate).not.toHaveProperty("$w");
  expect(await typing("ann", "staff")).toMatchObject({ status: SUCCESS, streams: ["typing:staff"] });
  expect(await typing("ben", "staff")).toMatchObject({ status: FAILURE, streams: [] });
});

test("what is said goes to the room, under the name in the token", async () => {
  const { command, sent } = chatOf();
  const data = JSON.stringify({ action: "speak", text: " hi ", from: "ann" });
  expect((await command("ben", "lobby", { command: "message", data })).status).toBe(SUCCESS);
  expect(sent).toEqual([
    { stream: "chat:lobby", data: { from: "ben", text: "hi", atMs: expect.any(Number) } },
  ]);
});

test("rooms, texts and names that are none are refused", async () => {
  const { command, sent } = chatOf();
  expect(await command("ben", "attic")).toMatchObject({ status: FAILURE });
  expect(await command("ben", undefined)).toMatchObject({ status: FAILURE });
  for (const text of ["", "  ", "x".repeat(501), 5]) {
    const data = JSON.stringify({ action: "speak", text });
    expect((await command("ben", "lobby", { command: "message", data })).status).toBe(FAILURE);
  }
  expect(sent).toEqual([]);
  expect(["ann", "Änn_2-x"].every(isName)).toBe(true);
  expect(["", "a b", "<b>", "x".repeat(25), "a\n"].some(isName)).toBe(false);
});
