import { type AnyOption, SECTIONS } from "../config/option-table.ts";
import { aboutText, defaultText } from "../config/option-text.ts";

const INTRO = `Usage: hawser [options]

A WebSocket server that speaks AnyCable's protocols: it verifies the client's token and asks the application's
gRPC service about the rest.

Options come from a TOML file, then from the environment, then from the command line; the last one counts.`;

const WIDTH = 110;
const INDENT = " ".repeat(8);

/** What `--help` prints: every option but the hidden ones, by section. */
export function helpText(): string {
  const parts = SECTIONS.map(({ title, options }) => {
    const shown = Object.values(options).filter((option) => option.flag !== null && !option.hidden);
    return shown.length === 0 ? null : [`${title}:`, ...shown.map(describe)].join("\n");
  });
  return `${[INTRO, ...parts.filter((part) => part !== null)].join("\n\n")}\n`;
}

function describe(option: AnyOption): string {
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

function wrap(text: string, width: number): string[] {
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
