import { expect, test } from "bun:test";
import { type Workers, workersOption } from "./workers-option.ts";

const option = workersOption({ flag: "workers", toml: "server.workers", help: "threads" });

function outcome(parsed: ReturnType<typeof option.fromText>): Workers | "refused" {
  return parsed.ok ? parsed.value : "refused";
}

test("takes 1 to 256 threads, or one for each core, as text and in a file", () => {
  for (const text of ["1", "16", "256", "auto"]) {
    const wanted = text === "auto" ? text : Number(text);
    expect(outcome(option.fromText(text))).toBe(wanted);
    expect(outcome(option.fromToml(wanted))).toBe(wanted);
  }
});

test("refuses anything else", () => {
  for (const text of ["", "0", "257", "-1", "1.5", "two", "AUTO", " 2", "9007199254740993"])
    expect([text, outcome(option.fromText(text))]).toEqual([text, "refused"]);
  for (const value of [0, 257, 1.5, "2", "many", true])
    expect([value, outcome(option.fromToml(value))]).toEqual([value, "refused"]);
});
