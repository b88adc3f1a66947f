/** Writes the pages of docs/reference/ that are made from tables. Run it after a change to an option or a command. */
import { mkdirSync, writeFileSync } from "node:fs";
import { commandReference } from "@hawser/server/cli/command-reference";
import { optionsReference } from "@hawser/server/config/reference";

const folder = new URL("../docs/reference/", import.meta.url);
const pages = { "options.md": optionsReference, "commands.md": commandReference };

mkdirSync(folder, { recursive: true });
for (const [name, page] of Object.entries(pages)) {
  writeFileSync(new URL(name, folder), page());
  console.log(`docs/reference/${name}`);
}
