import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache.ts";

const HERE = import.meta.dir;
const FLAGS = ["-O2", "-Wall", "-Wextra"];

/** The C compiler: `$CC`, else the first of cc, gcc and clang on PATH; null when there is none. */
export function findCompiler(): string | null {
  const named = process.env.CC;
  return (
    [named, "cc", "gcc", "clang"].map((name) => (name ? Bun.which(name) : null)).find((path) => path) ?? null
  );
}

/**
 * Compiles one C file of the bench, unless it has been compiled as it is now, and returns the program's path.
 *
 * @param source relative to the bench's folder.
 * @throws Error when there is no compiler or it refuses the file.
 */
export function compile(source: string): string {
  const path = join(HERE, source);
  const compiler = findCompiler();
  if (!compiler) {
    throw new Error(
      `compiling bench/${source}: no C compiler on PATH (tried $CC, cc, gcc, clang). The load client and the kernel floor are C; on Debian: apt-get install gcc libc6-dev`,
    );
  }
  const digest = createHash("sha256")
    .update(readFileSync(path))
    .update(`${compiler} ${FLAGS.join(" ")}`)
    .digest("hex");
  const program = join(
    cacheFolder(),
    `${source.replace(/^.*\//, "").replace(/\.c$/, "")}-${digest.slice(0, 12)}`,
  );
  if (existsSync(program)) return program;
  const fresh = `${program}.${process.pid}`;
  const result = Bun.spawnSync([compiler, ...FLAGS, "-o", fresh, path], { stdout: "pipe", stderr: "pipe" });
  if (result.exitCode !== 0) {
    throw new Error(`compiling bench/${source} with ${compiler} failed:\n${result.stderr.toString()}`);
  }
  renameSync(fresh, program);
  return program;
}
