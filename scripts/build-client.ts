import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./server-entries.ts";

/*
 * Builds the client's plug-in into packages/client/dist, npm run build:client: JavaScript, declarations, README and licence.
 * It is that folder which is packed: `npm pack ./packages/client/dist`.
 */

const CLIENT = join(ROOT, "packages/client");
const OUT = join(CLIENT, "dist");

const { name, version, description, license }: Record<string, string> = JSON.parse(
  readFileSync(join(CLIENT, "package.json"), "utf8"),
);

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT);
await Bun.build({
  entrypoints: [join(CLIENT, "src/index.ts")],
  outdir: OUT,
  target: "browser",
  format: "esm",
});
declare();
const manifest = {
  ...{ name, version, description, license },
  type: "module",
  sideEffects: false,
  exports: { ".": { types: "./types/index.d.ts", default: "./index.js" } },
};
writeFileSync(join(OUT, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
copyFileSync(join(CLIENT, "README.md"), join(OUT, "README.md"));
copyFileSync(join(ROOT, "LICENSE"), join(OUT, "LICENSE"));

function declare(): void {
  const emit = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--rootDir", "src"];
  const tsc = Bun.spawnSync(
    [join(ROOT, "node_modules/.bin/tsc"), "-p", CLIENT, ...emit, "--outDir", join(OUT, "types")],
    { cwd: CLIENT },
  );
  if (tsc.exitCode !== 0) throw new Error(`cannot make declarations:\n${tsc.stdout}${tsc.stderr}`);
  for (const file of readdirSync(join(OUT, "types"))) {
    const path = join(OUT, "types", file);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(/(from "\.\/[^"]+)\.ts"/g, '$1.js"'));
  }
}
