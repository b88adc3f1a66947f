import { expect, test } from "bun:test";
import { RetiredServers } from "./retired-servers.ts";

/** Ends when it is told to, as a server does with its last connection. */
function fakeServer() {
  const stops: (boolean | undefined)[] = [];
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const stop = (cut?: boolean) => {
    stops.push(cut);
    return ended;
  };
  return { stops, end, stop };
}

test("the last one takes connections until its time is over, and stays known until it has ended", async () => {
  const retired = new RetiredServers<ReturnType<typeof fakeServer>>();
  const server = fakeServer();
  retired.add(server, 20);
  expect(server.stops).toEqual([]);
  while (server.stops.length === 0) await Bun.sleep(5);
  expect(server.stops).toEqual([false]);
  expect([...retired]).toEqual([server]);
  server.end();
  while (retired.has(server)) await Bun.sleep(0);
  expect([...retired]).toEqual([]);
});

test("the last one takes none as soon as there is to be another", () => {
  const retired = new RetiredServers<ReturnType<typeof fakeServer>>();
  const [first, second] = [fakeServer(), fakeServer()];
  retired.closeLast();
  retired.add(first);
  retired.closeLast();
  retired.closeLast();
  expect(first.stops).toEqual([false]);
  retired.add(second);
  expect(second.stops).toEqual([]);
  expect([...retired]).toEqual([first, second]);
  retired.closeLast();
  expect([first.stops, second.stops]).toEqual([[false], [false]]);
});
