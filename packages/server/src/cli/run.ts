import { messageOf } from "@hawser/core/errors";
import type { ConfigSurroundings } from "../config/load-config.ts";
import { hmacHex } from "../drivers/crypto.ts";
import { fileExists, readTextFile } from "../drivers/files.ts";
import { argv, endWith, env, isTypedInput, readInput, writeError, writeOut } from "../drivers/process.ts";
import { parseToml } from "../drivers/toml.ts";
import type { Command, Outcome, Terminal } from "./command.ts";
import { commandHelp } from "./command-help.ts";
import { readCommandLine } from "./command-line.ts";
import { commandList } from "./command-list.ts";
import { COMMAND_GROUPS } from "./command-table.ts";
import { commandsOf, findCommand } from "./find-command.ts";
import { helpText } from "./help.ts";
import { serveOrTell } from "./serve.ts";

const SURROUNDINGS: ConfigSurroundings = {
  env,
  readFile: readTextFile,
  exists: fileExists,
  parseToml,
  hmacHex,
};

const TERMINAL: Terminal = {
  out: writeOut,
  note: writeError,
  input: readInput,
  isTyped: isTypedInput(),
};

const MISUSED = 2;

/** `hawser`: a command when its name stands first, else the server. */
export async function run(): Promise<void> {
  const [first = ""] = argv;
  if (first === "" || first.startsWith("-")) return serveOrTell(argv, SURROUNDINGS);
  const about = first === "help" ? argv.slice(1) : null;
  const outcome = about === null ? await runCommand(argv) : help(about);
  if (typeof outcome === "number") return endWith(outcome);
  writeError(`hawser: ${outcome.misuse}\n`);
  endWith(MISUSED);
}

function help(words: readonly string[]): Outcome {
  const [first] = words;
  if (first === undefined) writeOut(helpText());
  else if (words.length === 1 && COMMAND_GROUPS.includes(first)) {
    writeOut(`Commands that begin with ${first}:\n\n${commandList(commandsOf(first))}\n`);
  } else {
    const found = findCommand(words);
    if ("misuse" in found) return found;
    writeOut(commandHelp(found.command));
  }
  return 0;
}

async function runCommand(words: readonly string[]): Promise<Outcome> {
  const [first = "", second] = words;
  if (COMMAND_GROUPS.includes(first) && second !== undefined && /^(?:--?help|-h)$/.test(second))
    return help([first]);
  const found = findCommand(words);
  if ("misuse" in found) return found;
  return call(found.command, found.rest);
}

async function call(command: Command, rest: readonly string[]): Promise<Outcome> {
  const request = readCommandLine(command, rest, SURROUNDINGS);
  if (request === "help") return help(command.name.split(" "));
  const outcome = "misuse" in request ? request : await attempt(command, { ...request, terminal: TERMINAL });
  return typeof outcome === "number" ? outcome : { misuse: `${command.name}: ${outcome.misuse}` };
}

async function attempt(command: Command, call: Parameters<Command["run"]>[0]): Promise<Outcome> {
  try {
    return await command.run(call);
  } catch (thrown) {
    for (const line of messageOf(thrown).split("\n")) writeError(`hawser: ${line}\n`);
    return 1;
  }
}
