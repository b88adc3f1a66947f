import type { Command } from "./command.ts";
import { describeOption, wrap } from "./help.ts";

const WIDTH = 100;

/** How a command is typed. */
export function usageOf({ name, argument, options, readsConfiguration }: Command): string {
  const hasOptions = readsConfiguration || Object.keys(options.options).length > 0;
  return ["hawser", name, ...(hasOptions ? ["[options]"] : []), ...(argument === "" ? [] : [argument])].join(
    " ",
  );
}

/** What `hawser help COMMAND` prints. */
export function commandHelp(command: Command): string {
  const own = Object.values(command.options.options);
  const about = command.about.map((paragraph) => wrap(paragraph, WIDTH).join("\n"));
  const parts = [
    `Usage: ${usageOf(command)}`,
    `${command.summary}.`,
    ...about,
    ...(own.length === 0 ? [] : [["Options:", ...own.map(describeOption)].join("\n")]),
    ...(command.readsConfiguration ? [wrap(CONFIGURATION, WIDTH).join("\n")] : []),
  ];
  return `${parts.join("\n\n")}\n`;
}

const CONFIGURATION =
  "The keys and rules are the server's: give the options and variables that it is started with (hawser --help lists " +
  "them); ./anycable.toml is read as the server reads it.";
