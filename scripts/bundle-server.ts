import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT, SERVER_ENTRIES } from "./server-entries.ts";

/*
 * Bundles what is ours of the server into packages/server/dist, for its package: the libraries stay dependencies, which
 * npm installs. `npm pack` runs it.
 */

const PACKAGE = join(ROOT, "packages/server");
const { dependencies }: { dependencies: Record<string, string> } = await Bun.file(
  join(PACKAGE, "package.json"),
).json();

rmSync(join(PACKAGE, "dist"), { recursive: true, force: true });
await Bun.build({
  entrypoints: [...SERVER_ENTRIES],
  outdir: join(PACKAGE, "dist"),
  target: "bun",
  external: Object.keys(dependencies),
});
copyFileSync(join(ROOT, "LICENSE"), join(PACKAGE, "LICENSE"));
