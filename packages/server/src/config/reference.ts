import { NOT_SERVED_FLAGS } from "./not-served.ts";
import { type AnyOption, SECTIONS } from "./option-table.ts";
import { aboutText, defaultText } from "./option-text.ts";

const HEAD = `<!-- Made from the option tables by scripts/gen-docs.ts; change those. -->

# Options

Every option can be a flag, an environment variable and a key of a TOML file. The command line wins over the
environment, the environment over the file, the file over the default.

- Flags: \`--name=value\` or \`--name value\`; one dash does as well. A switch needs no value and takes one only after
  \`=\`. The first argument that is no option ends the command line.
- Variables: one that is set to nothing counts for texts and lists, is false for a switch and is ignored for numbers
  and choices.
- The file: \`--config-path=FILE\`, else \`./anycable.toml\`, else \`/etc/anycable/anycable.toml\`.
- An unknown flag or key ends the start with a line that says so. Unknown variables that begin with \`ANYCABLE_\` are
  one warning.
- \`hawser --print-config\` shows what came of it all, and from where. Of a secret it shows the fingerprint.
- Lists are separated by commas; in a file they are arrays.`;

const TABLE_HEAD = "| flag | variable | key | value | default | |\n|---|---|---|---|---|---|";

/** The page `docs/reference/options.md`. */
export function optionsReference(): string {
  const sections = SECTIONS.map(({ title, options }) =>
    [`## ${title}`, "", TABLE_HEAD, ...Object.values(options).map(row)].join("\n"),
  );
  return `${[HEAD, ...sections, notServed()].join("\n\n")}\n`;
}

function row(option: AnyOption): string {
  const cells = [
    option.flag === null ? "" : code(`--${option.flag}`),
    option.env.map(code).join(", "),
    option.toml === null ? "" : code(option.toml),
    option.placeholder === null ? "switch" : cell(option.placeholder),
    defaultText(option) === "" ? "" : code(defaultText(option)),
    cell(aboutText(option)),
  ];
  return `| ${cells.join(" | ")} |`;
}

function code(text: string): string {
  return `\`${cell(text)}\``;
}

/** A bar would end the cell, also between backticks; angle brackets and stars are only text here. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function notServed(): string {
  const lines = Object.entries(NOT_SERVED_FLAGS).map(
    ([feature, flags]) => `- ${feature}: ${flags.map(code).join(", ")}`,
  );
  return [
    "## AnyCable's options that are not served",
    "",
    "As a flag or in a file each of these ends the start; as a variable it is a warning.",
    "",
    ...lines,
  ].join("\n");
}
