import { closest } from "../config/suggestion.ts";
import { type Command, type Misuse, misuse } from "./command.ts";
import { COMMAND_GROUPS, COMMANDS } from "./command-table.ts";

export interface FoundCommand {
  readonly command: Command;
  /** What stands behind its name. */
  readonly rest: readonly string[];
}

/** The command whose name these words begin with. */
export function findCommand(words: readonly string[]): FoundCommand | Misuse {
  const [first = "", second = ""] = words;
  const named = (name: string) => COMMANDS.find((command) => command.name === name);
  const single = named(first);
  if (single !== undefined) return { command: single, rest: words.slice(1) };
  if (!COMMAND_GROUPS.includes(first)) return unknown(first, [...COMMAND_GROUPS, ...singles()], "");
  const double = named(`${first} ${second}`);
  if (double !== undefined) return { command: double, rest: words.slice(2) };
  const members = commandsOf(first).map(({ name }) => name.slice(first.length + 1));
  if (second === "" || second.startsWith("-")) {
    return misuse(`${first} is not a command by itself: type one of ${members.join(", ")} behind it`);
  }
  return unknown(second, members, `${first} `);
}

/** The commands that begin with this word. */
export function commandsOf(group: string): readonly Command[] {
  return COMMANDS.filter(({ name }) => name.startsWith(`${group} `));
}

function singles(): string[] {
  return [...COMMANDS.flatMap(({ name }) => (name.includes(" ") ? [] : [name])), "help"];
}

/** The word itself is not quoted: it may be a secret that was parted from its option. */
function unknown(word: string, known: readonly string[], before: string): Misuse {
  const similar = closest(word, known);
  const behind = before === "" ? "hawser" : `hawser ${before.trim()}`;
  if (similar !== null) return misuse(`there is no such command; did you mean hawser ${before}${similar}?`);
  return misuse(`there is no such command: behind ${behind} stands one of ${known.join(", ")}, or options`);
}
