import { type AnyOption, SECTIONS } from "../config/option-table.ts";
import { aboutText, defaultText } from "../config/option-text.ts";
import { commandList } from "./command-list.ts";

const INTRO = `Usage: hawser [options]
       hawser COMMAND [options]

A WebSocket server that speaks AnyCable's protocols: it verifies the client's token and asks the application's
gRPC service about the rest.

Commands beside the server; hawser help COMMAND says more:
${commandList()}

Options come from a TOML file, then from the environment, then from the command line; the last one counts.`;

const WIDTH = 110;
const INDENT = " ".repeat(8);

/** What `--help` prints: every option but the hidden ones, by section. */
export function helpText(): string {
  const parts = SECTIONS.map(({ title, options }) => {
    const shown = Object.values(options).filter((option) => option.flag !== null && !option.hidden);
    return shown.length === 0 ? null : [`${title}:`, ...shown.map(describeOption)].join("\n");
  });
  return `${[INTRO, ...parts.filter((part) => part !== null)].join("\n\n")}\n`;
}

/** An option with its default and its variables. */
export function describeOption(option: AnyOption): string {
  const short = option.short === null ? "" : `-${option.short}, `;
  const value = option.placeholder === null ? "" : ` ${option.placeholder}`;
  const fallback = option.placeholder === null ? "" : defaultText(option);
  const notes = [
    ...(fallback === "" ? [] : [`(default ${fallback})`]),
    ...(option.env.length === 0 ? [] : [`[${option.env.join(", ")}]`]),
  ];
  const about = wrap([aboutText(option), ...notes].join(" "), WIDTH - INDENT.length);
  return [`  ${short}--${option.flag}${value}`, ...about.map((line) => INDENT + line)].join("\n");
}

/** The text in lines of at most `width` characters, but for longer words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
