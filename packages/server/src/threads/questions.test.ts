import { describe, expect, test } from "bun:test";
import { answerQuestion, Questions } from "./questions.ts";

/** One who asks, and another who answers; what is said waits until the test lets it pass. */
function pair(answerOf: (about: string, given: readonly unknown[]) => unknown) {
  const toAnswer: [string, string][] = [];
  const toAsker: [string, string, string][] = [];
  const questions = new Questions((_word, first, second) => toAnswer.push([first, second]));
  return {
    questions,
    said: toAsker,
    async pass() {
      for (const [asked, json] of toAnswer.splice(0))
        answerQuestion(asked, json, answerOf, (word, id, text) => toAsker.push([word, id, text]));
      await Promise.resolve();
      for (const [word, id, text] of toAsker.splice(0)) {
        if (word === "answer") questions.answered(id, text);
        else questions.failed(id, text);
      }
    },
  };
}

describe("questions between threads", () => {
  test("get their own answers, whether those come at once or later", async () => {
    const later = Promise.withResolvers<string>();
    const { questions, pass } = pair((about, given) =>
      about === "later" ? later.promise : [about, ...given],
    );
    const first = questions.ask("later", []);
    const second = questions.ask("now", ["a\n b", 2, null]);
    await pass();
    expect(await second).toEqual(["now", "a\n b", 2, null]);
    later.resolve("in the end");
    await Promise.resolve();
    await pass();
    expect(await first).toBe("in the end");
  });

  test("to which there is nothing to say are answered by null", async () => {
    const { questions, pass } = pair(() => undefined);
    const answer = questions.ask("anything", []);
    await pass();
    expect(await answer).toBeNull();
  });

  test("fail with the words of the fault, at once or later", async () => {
    const { questions, pass } = pair((about) => {
      if (about === "now") throw new Error("it is broken");
      return Promise.reject(new Error("it broke"));
    });
    const answers = [questions.ask("now", []), questions.ask("later", [])];
    const settled = Promise.allSettled(answers);
    await pass();
    await pass();
    expect((await settled).map((outcome) => outcome.status === "rejected" && outcome.reason.message)).toEqual(
      ["it is broken", "it broke"],
    );
  });

  test("fail when the other end is gone, and an answer that comes after all is nothing", async () => {
    const { questions, pass } = pair(() => 1);
    const answer = questions.ask("anything", []);
    questions.abandon("it died");
    expect(await answer.catch(String)).toBe("Error: it died");
    await pass();
  });
});
