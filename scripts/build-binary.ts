import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { ROOT, SERVER_ENTRIES } from "./server-entries.ts";

/*
 * Builds the server into one executable, with the runtime and the libraries in it: npm run build:binary [-- FILE]
 * FILE is dist/hawser unless given. Beside it FILE.licenses.txt, which has to go where the executable goes.
 */

const outfile = resolve(process.argv[2] ?? join(ROOT, "dist/hawser"));
mkdirSync(dirname(outfile), { recursive: true });
const built = await Bun.build({
  entrypoints: [...SERVER_ENTRIES],
  target: "bun",
  metafile: true,
  // What lies in the current directory is none of the server's business: bunfig.toml can name code to run.
  compile: {
    outfile,
    autoloadBunfig: false,
    autoloadDotenv: false,
    autoloadTsconfig: false,
    autoloadPackageJson: false,
  },
});
writeFileSync(`${outfile}.licenses.txt`, licenses(Object.keys(built.metafile?.inputs ?? {})));
console.log(relative(process.cwd(), outfile));

/** The licence of every library that has a file among `inputs`. */
function licenses(inputs: readonly string[]): string {
  const folders = inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []);
  const parts = [...new Set(folders)].sort().map((folder) => {
    const { name, version, license }: Record<string, string> = JSON.parse(
      readFileSync(join(folder, "package.json"), "utf8"),
    );
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? "" : `\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
    return `${name} ${version} (${license})\n${text}`;
  });
  const { version } = Bun;
  const runtime = `Bun ${version}: https://github.com/oven-sh/bun/blob/bun-v${version}/LICENSE.md\n`;
  return [`Hawser's executable holds, besides Hawser:\n`, runtime, ...parts].join(`\n${"-".repeat(80)}\n`);
}
