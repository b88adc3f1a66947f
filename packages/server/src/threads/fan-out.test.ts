import { describe, expect, test } from "bun:test";
import { type OuterNodes, ThreadFanOut } from "./fan-out.ts";

type Heard = [who: string, what: string, stream: string | null];

/** A fan-out, and all that threads, the engine and the other servers are told of. */
function fanOut(withOthers: boolean) {
  const heard: Heard[] = [];
  const hearer = (who: string) => ({
    deliver: (text: string, stream: string | null) => heard.push([who, text, stream]),
    hear: (text: string) => heard.push([who, `by a channel: ${text}`, null]),
    parted: () => heard.push([who, "parted", null]),
    rejoined: () => heard.push([who, "rejoined", null]),
  });
  let engine: Parameters<OuterNodes["start"]>[0] | null = null;
  const others: OuterNodes = {
    ...{ isUp: true, hasBeenUp: true, following: () => null },
    publish: (stream, text) => heard.push(["others", text, stream]),
    command: (text) => heard.push(["others", text, null]),
    follow: (stream) => heard.push(["others", "follow", stream]),
    unfollow: (stream) => heard.push(["others", "unfollow", stream]),
    settled: async () => true,
    start: (given) => {
      engine = given;
    },
    stop: async () => {},
  };
  const fan = new ThreadFanOut(hearer("threads"), withOthers ? others : null);
  fan.serve(hearer("engine"));
  fan.start();
  const taken = () => heard.splice(0);
  return { fan, taken, fromOthers: () => engine };
}

describe("what one thread publishes", () => {
  test("comes to all threads and to the engine of the control thread, where there are no other servers", () => {
    const { fan, taken } = fanOut(false);
    fan.publish("news", "text");
    fan.command("command");
    expect(taken()).toEqual([
      ["engine", "text", "news"],
      ["threads", "text", "news"],
      ["engine", "command", null],
      ["threads", "command", null],
    ]);
    expect(fan.commands).toBe(1);
  });

  test("comes here by way of the other servers, where there are some", () => {
    const { fan, taken, fromOthers } = fanOut(true);
    fan.publish("news", "text");
    expect(taken()).toEqual([["others", "text", "news"]]);
    fromOthers()?.deliver("text", "news");
    expect(taken()).toEqual([
      ["engine", "text", "news"],
      ["threads", "text", "news"],
    ]);
  });
});

describe("a stream", () => {
  test("is followed from the first thread's first subscriber to the last one's last", () => {
    const { fan, taken } = fanOut(true);
    fan.followedBy(0, "news");
    fan.followedBy(1, "news");
    fan.unfollowedBy(0, "news");
    fan.unfollowedBy(0, "news");
    expect(taken()).toEqual([["others", "follow", "news"]]);
    fan.unfollowedBy(1, "news");
    expect(taken()).toEqual([["others", "unfollow", "news"]]);
  });

  test("is followed no more by a thread that has died", () => {
    const { fan, taken } = fanOut(true);
    for (const stream of ["news", "chat"]) fan.followedBy(0, stream);
    fan.followedBy(1, "chat");
    taken();
    fan.ended(0);
    expect(taken()).toEqual([["others", "unfollow", "news"]]);
  });
});

test("that the connection to the other servers is lost and back all are told, and who asks later", () => {
  const { fan, taken, fromOthers } = fanOut(true);
  fromOthers()?.parted();
  expect(fan.isParted).toBe(true);
  fromOthers()?.rejoined();
  expect(fan.isParted).toBe(false);
  expect(taken().map(([who, what]) => `${who} ${what}`)).toEqual([
    "engine parted",
    "threads parted",
    "engine rejoined",
    "threads rejoined",
  ]);
});
