import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive, type StartedChat, startChat } from "./started-chat.ts";

/** The command that a newcomer runs first, from a directory that has nothing to do with it. */

const cleanups: Array<() => Promise<unknown> | unknown> = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function started(ports: Record<string, string> = {}): Promise<StartedChat> {
  const folder = mkdtempSync(join(tmpdir(), "hawser-start-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const chat = await startChat(folder, ports);
  const children = chat.children();
  cleanups.push(async () => {
    chat.signal("SIGTERM");
    await chat.exited;
    // Only after a failure is there any left.
    for (const pid of children.filter(isAlive)) process.kill(pid, "SIGKILL");
  });
  return chat;
}

/** The first frames that a client with `token` gets. */
function framesFor(cable: string, token: string): Promise<string[]> {
  const socket = new WebSocket(`${cable}?jid=${token}`, "actioncable-v1-json");
  const frames: string[] = [];
  return new Promise((resolve) => {
    socket.onmessage = ({ data }) => {
      frames.push(String(data));
      if (frames.length === 1) socket.send(JSON.stringify({ command: "subscribe", identifier: LOBBY }));
      if (frames.some((frame) => frame.includes("confirm_subscription"))) socket.close();
    };
    socket.onclose = () => resolve(frames);
  });
}

const LOBBY = JSON.stringify({ channel: "ChatChannel", room: "lobby" });

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  test(`the printed token works, and ${signal} leaves no process behind`, async () => {
    const chat = await started();
    expect(await framesFor(chat.cable, chat.token)).toEqual([
      expect.stringContaining('{"type":"welcome"'),
      JSON.stringify({ identifier: LOBBY, type: "confirm_subscription" }),
    ]);
    const page = await fetch(`${chat.page}/?name=ann`);
    expect(await page.text()).toContain("Hawser chat");
    const children = chat.children();
    expect(children.length).toBeGreaterThanOrEqual(2);
    chat.signal(signal);
    expect(await chat.exited).toBe(0);
    expect(children.filter(isAlive)).toEqual([]);
    expect(chat.output()).toContain("Shutting down");
  }, 60_000);
}

test("a port in use is replaced, and said", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => new Promise<void>((resolve) => void taken.close(() => resolve())));
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const chat = await started({ HAWSER_PORT: String(port) });
  expect(chat.output()).toContain(`port ${port} is in use; taking `);
  expect(chat.cable).not.toContain(`:${port}/`);
  expect((await framesFor(chat.cable, chat.token)).length).toBe(2);
}, 60_000);

test("when one of the two dies, the other is stopped and the failure is told", async () => {
  const chat = await started();
  const children = chat.children();
  const [backend] = children;
  if (backend !== undefined) process.kill(backend, "SIGKILL");
  expect(await chat.exited).toBe(1);
  expect(chat.output()).toContain("one of the two has ended by itself");
  expect(children.filter(isAlive)).toEqual([]);
}, 60_000);

test("a port that is none is refused before anything starts", async () => {
  await expect(started({ PORT: "eighty" })).rejects.toThrow('PORT is "eighty"');
}, 60_000);
