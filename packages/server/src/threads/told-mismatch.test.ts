import { describe, expect, test } from "bun:test";
import { SecretsMismatch } from "@hawser/core/engine/secrets-mismatch";
import { createMetrics } from "@hawser/core/metrics/registry";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { RecordingLog } from "@hawser/core/testing/recording-log";
import { ToldMismatch } from "./told-mismatch.ts";

/** Two threads that tell a third, which hears at once. */
function threads() {
  const clock = new ManualClock();
  const said: string[] = [];
  const control = new SecretsMismatch({
    ...{ clock, metrics: createMetrics(), log: new RecordingLog(), ourKey: () => "ab12cd34" },
    onChange: (differ) => {
      for (const thread of [one, other]) thread.isRaised = differ;
    },
  });
  const thread = () =>
    new ToldMismatch((word, first, second) => {
      said.push(word);
      if (word === "forged") control.failed(first, JSON.parse(second));
      else control.passed(JSON.parse(first));
    });
  const one: ToldMismatch = thread();
  const other: ToldMismatch = thread();
  const nowS = () => Math.floor(clock.nowMs() / 1000);
  const claims = (agoS = 0) => ({ ext: "somebody", iat: nowS() - agoS, exp: nowS() - agoS + 600 });
  return { clock, said, control, one, other, claims };
}

describe("secrets that differ", () => {
  test("are seen from the tokens of all threads, and by all of them, until one has a newer token that is good", () => {
    const { clock, control, one, other, claims } = threads();
    one.passed(claims(60));
    for (let i = 0; i < 5; i++) (i % 2 === 0 ? one : other).failed(`signature ${i}`, claims());
    clock.advance(1_000);
    expect([control.isRaised, one.isRaised, other.isRaised]).toEqual([true, true, true]);
    other.passed(claims());
    expect([control.isRaised, one.isRaised, other.isRaised]).toEqual([false, false, false]);
  });

  test("are no such thing where a good token that is newer has come to another thread", () => {
    const { clock, control, one, other, claims } = threads();
    for (let i = 0; i < 9; i++) one.failed(`signature ${i}`, claims(5));
    other.passed(claims());
    other.tell();
    clock.advance(1_000);
    expect(control.isRaised).toBe(false);
  });

  test("cost a word for each time that is newer, and only when it is told", () => {
    const { said, one, claims } = threads();
    for (let i = 0; i < 100; i++) one.passed(claims());
    expect(said).toEqual([]);
    one.tell();
    one.tell();
    expect(said).toEqual(["signed"]);
  });

  test("are judged by good tokens that came to the same thread before", () => {
    const { said, one, claims } = threads();
    one.passed(claims());
    one.failed("signature", claims());
    expect(said).toEqual(["signed", "forged"]);
  });
});
