import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FakeConnection, FakeTopics } from "../testing/fake-connection.ts";
import { type Group, Hub } from "./hub.ts";

const publication = (stream: string, message = "1") => ({
  stream,
  message,
  excludeSid: null,
  broadcastType: null,
  transient: false,
  position: null,
});

describe("Hub", () => {
  test("delivers to exactly those who follow a stream, once for each identifier, after any joining and leaving", () => {
    const step = fc.record({ who: fc.nat(3), stream: fc.nat(2), identifier: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const topics = new FakeTopics();
        const hub = new Hub((topic, frame) => topics.publish(topic, frame));
        const connections = Array.from({ length: 4 }, () => new FakeConnection());
        for (const connection of connections) topics.connections.add(connection);
        const joined = new Map<string, { group: Group; who: number; stream: string; identifier: string }>();
        for (const { who, stream: s, identifier: i } of steps) {
          const key = `${who}/${s}/${i}`;
          const known = joined.get(key);
          const connection = connections[who] as FakeConnection;
          if (known === undefined) {
            const group = hub.join(connection, `s${s}`, `i${i}`);
            joined.set(key, { group, who, stream: `s${s}`, identifier: `i${i}` });
          } else {
            hub.leave(connection, known.group);
            joined.delete(key);
          }
        }
        for (const stream of ["s0", "s1", "s2"]) {
          for (const connection of connections) connection.sent.length = 0;
          const followers = [...joined.values()].filter((entry) => entry.stream === stream);
          expect(hub.publish(publication(stream), null, null).frames).toBe(followers.length);
          for (const [who, connection] of connections.entries()) {
            const expected = followers
              .filter((entry) => entry.who === who)
              .map(({ identifier }) => `{"identifier":"${identifier}","message":1}`);
            expect(connection.sent.toSorted()).toEqual(expected.toSorted());
          }
        }
        expect(hub.streamCount).toBe(new Set([...joined.values()].map(({ stream }) => stream)).size);
      }),
      { numRuns: 200 },
    );
  });

  test("counts a follower out whose connection is gone", () => {
    const hub = new Hub(() => 1);
    const connection = new FakeConnection();
    const group = hub.join(connection, "s", "i");
    hub.forget(connection, group);
    expect(hub.streamCount).toBe(0);
    expect(hub.publish(publication("s"), null, null)).toMatchObject({ frames: 0, bytes: 0 });
  });
});
