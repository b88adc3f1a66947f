import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { EventTopics } from "./event-topics.ts";

class Listener {
  readonly heard: string[] = [];
  deliver(frame: string): void {
    this.heard.push(frame);
  }
}

describe("the topics of event streams", () => {
  test("reach exactly those that are in them, whatever came before", () => {
    const step = fc.record({
      join: fc.boolean(),
      who: fc.nat({ max: 3 }),
      topic: fc.constantFrom("a", "b"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const topics = new EventTopics();
        const listeners = [0, 1, 2, 3].map(() => new Listener());
        const inside = new Set<string>();
        for (const { join, who, topic } of steps) {
          const listener = listeners[who]!;
          if (join) topics.join(topic, listener);
          else topics.leave(topic, listener);
          if (join) inside.add(`${who}${topic}`);
          else inside.delete(`${who}${topic}`);
        }
        for (const topic of ["a", "b", "c"]) topics.publish(topic, topic);
        for (const [who, { heard }] of listeners.entries()) {
          expect(heard).toEqual(["a", "b"].filter((topic) => inside.has(`${who}${topic}`)));
        }
      }),
    );
  });
});
