import type { AnyOption } from "../config/option-table.ts";
import { aboutText, defaultText } from "../config/option-text.ts";
import type { Command } from "./command.ts";
import { usageOf } from "./command-help.ts";
import { COMMANDS } from "./command-table.ts";

const HEAD = `<!-- Made from the command tables by scripts/gen-docs.ts; change those. -->

# Commands

\`hawser\` with options alone is the server. With one of these names first it does that instead and ends:

- 0: all is well;
- 1: it is not: the token is refused, the check found something, the server did not answer;
- 2: the command line is wrong; one line says how.

Commands that read the configuration take every [option](options.md) of the server as well, its variables and its file,
so that they see what the server sees. \`hawser help COMMAND\` tells what stands here.`;

/** The page `docs/reference/commands.md`. */
export function commandReference(): string {
  return `${[HEAD, ...COMMANDS.map(chapter)].join("\n\n")}\n`;
}

function chapter(command: Command): string {
  const options = Object.values(command.options.options);
  return [
    `## hawser ${command.name}`,
    `\`${usageOf(command)}\``,
    `${command.summary}.`,
    ...command.about,
    ...(options.length === 0 ? [] : [options.map(item).join("\n")]),
    ...(command.readsConfiguration ? ["Reads the configuration."] : []),
  ].join("\n\n");
}

function item(option: AnyOption): string {
  const value = option.placeholder === null ? "" : `=${option.placeholder}`;
  const fallback = option.placeholder === null ? "" : defaultText(option);
  const note = fallback === "" ? "" : ` Default: \`${fallback}\`.`;
  return `- \`--${option.flag}${value}\`: ${aboutText(option)}${note}`;
}
