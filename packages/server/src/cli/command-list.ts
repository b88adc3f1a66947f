import type { Command } from "./command.ts";
import { COMMANDS } from "./command-table.ts";

/** The commands, each in a line. */
export function commandList(commands: readonly Command[] = COMMANDS): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join("\n");
}
