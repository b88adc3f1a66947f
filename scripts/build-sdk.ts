import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { ROOT } from "./server-entries.ts";

/*
 * Builds the SDK's package into packages/sdk/dist, npm run build:sdk: JavaScript with core in it, declarations, README and licence. It is that
 * folder which is packed: `npm pack ./packages/sdk/dist`. Libraries stay dependencies.
 */

const SDK = join(ROOT, "packages/sdk");
const OUT = join(SDK, "dist");

interface Manifest {
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

const manifest: Manifest & Record<string, unknown> = JSON.parse(
  readFileSync(join(SDK, "package.json"), "utf8"),
);
const entries = Object.values(manifest.exports);

rmSync(OUT, { recursive: true, force: true });
await bundle();
declare();
writeFileSync(join(OUT, "package.json"), `${JSON.stringify(publishedManifest(), null, 2)}\n`);
copyFileSync(join(SDK, "README.md"), join(OUT, "README.md"));
copyFileSync(join(ROOT, "LICENSE"), join(OUT, "LICENSE"));

/** What entries share goes into chunks, so that a class is the same one whichever of them it comes from. */
async function bundle(): Promise<void> {
  await Bun.build({
    entrypoints: entries.map((entry) => join(SDK, entry)),
    root: join(SDK, "src"),
    outdir: OUT,
    target: "node",
    format: "esm",
    splitting: true,
    external: Object.keys(manifest.dependencies),
    naming: { entry: "[dir]/[name].js", chunk: "chunks/[hash].js" },
  });
}

/** Declarations of the entries and of whatever they name, ours alone, with paths for the names of our packages. */
function declare(): void {
  const scratch = mkdtempSync(join(tmpdir(), "hawser-sdk-types-"));
  const tsc = Bun.spawnSync(
    [join(ROOT, "node_modules/.bin/tsc"), "-p", join(SDK, "tsconfig.build.json"), "--outDir", scratch],
    { cwd: SDK },
  );
  if (tsc.exitCode !== 0) throw new Error(`cannot make declarations:\n${tsc.stdout}${tsc.stderr}`);
  const seen = new Set<string>();
  const keep = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(join(scratch, file), "utf8").replace(
      /(\bfrom |\bimport\()"([^"]+)"/g,
      (whole, before: string, name: string) => {
        const target = declarationOf(file, name);
        if (target === null) return whole;
        keep(target);
        const path = relative(dirname(file), target).replace(/\.d\.ts$/, ".js");
        return `${before}"${path.startsWith(".") ? path : `./${path}`}"`;
      },
    );
    mkdirSync(dirname(join(OUT, "types", file)), { recursive: true });
    writeFileSync(join(OUT, "types", file), text);
  };
  for (const entry of entries) keep(declarationPath(entry));
  rmSync(scratch, { recursive: true });
}

/** Where the compiler puts the declarations of a file of the SDK. */
function declarationPath(source: string): string {
  return join("sdk", source).replace(/\.ts$/, ".d.ts");
}

/** The declarations that `name` means in `file`; null when they are a library's. */
function declarationOf(file: string, name: string): string | null {
  if (name.startsWith(".")) return join(dirname(file), name).replace(/\.ts$/, ".d.ts");
  const own = /^@hawser\/([^/]+)\/(.+)$/.exec(name);
  return own === null ? null : `${own[1]}/src/${own[2]}.d.ts`;
}

function publishedManifest(): object {
  const { name, version, description, license, engines, dependencies } = manifest;
  const exports = Object.fromEntries(
    Object.entries(manifest.exports).map(([subpath, source]) => {
      const script = source.replace("./src/", "./").replace(/\.ts$/, ".js");
      return [subpath, { types: `./types/${declarationPath(source)}`, default: script }];
    }),
  );
  return {
    name,
    version,
    description,
    license,
    type: "module",
    sideEffects: false,
    engines,
    exports,
    dependencies,
  };
}
