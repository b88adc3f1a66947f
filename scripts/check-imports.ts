import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative, resolve } from "node:path";
import { FORBIDDEN_IN_CORE, LAYERS, type Layer, OPTION_FILES } from "./layers.ts";

/** Checks every import of the packages against `layers.ts`, and the absence of cycles. Prints each fault; exit 1. */

const ROOT = resolve(import.meta.dir, "..");
const faults: string[] = [];
const graph = new Map<string, string[]>();

for (const name of ["core", "proto", "server", "sdk", "client"]) {
  for (const file of sourceFiles(join(ROOT, `packages/${name}/src`))) checkFile(relative(ROOT, file));
}
for (const cycle of cycles()) faults.push(`import cycle: ${cycle.join(" -> ")}`);

for (const fault of faults) console.error(fault);
console.log(`${graph.size} files checked, ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);

function* sourceFiles(folder: string): Generator<string> {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== "node_modules" && entry.name !== "gen") yield* sourceFiles(path);
    } else if (entry.name.endsWith(".ts") && !/\.(test|contract|d)\.ts$/.test(entry.name)) {
      yield path;
    }
  }
}

function checkFile(file: string): void {
  const text = readFileSync(join(ROOT, file), "utf8");
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  if (file.startsWith("packages/core/") && !file.includes("/testing/")) {
    for (const forbidden of FORBIDDEN_IN_CORE) {
      if (forbidden.test(code)) faults.push(`${file}: core must not use ${forbidden.source}`);
    }
  }
  const layer = layerOf(file);
  if (layer === null) {
    faults.push(`${file}: belongs to no layer; give it a row in scripts/layers.ts`);
    return;
  }
  const edges: string[] = [];
  for (const match of code.matchAll(
    /^\s*(?:import|export)\b(\s+type\b)?[^;"]*?from\s+"([^"]+)"|^\s*import\s+"([^"]+)"/gm,
  )) {
    const specifier = match[2] ?? match[3] ?? "";
    const target = internalTarget(file, specifier);
    if (target === null) checkExternal(file, layer, specifier);
    else checkInternal(file, layer, target);
    if (target !== null && match[1] === undefined) edges.push(target);
  }
  graph.set(file, edges);
}

/** The file behind an import of our own, or null. */
function internalTarget(file: string, specifier: string): string | null {
  if (specifier.startsWith(".")) return normalize(join(dirname(file), specifier));
  const own = /^@hawser\/(core|proto|server|sdk)\/(.+)$/.exec(specifier);
  return own === null ? null : `packages/${own[1]}/src/${own[2]}.ts`;
}

function layerOf(file: string): Layer | null {
  const path = file.replace(/\.ts$/, "");
  let best: Layer | null = null;
  for (const layer of LAYERS) {
    const inside = path === layer.path || path.startsWith(`${layer.path}/`);
    if (inside && (best === null || layer.path.length > best.path.length)) best = layer;
  }
  return best;
}

function checkInternal(file: string, layer: Layer, target: string): void {
  const found = layerOf(target);
  if (found === null) {
    if (!target.includes("/gen/")) faults.push(`${file}: imports ${target}, which belongs to no layer`);
    return;
  }
  if (found.path === layer.path) return;
  const optionsOnly = layer.path.endsWith("/config") && OPTION_FILES.test(target.replace(/\.ts$/, ""));
  if (!optionsOnly && !layer.mayImport.includes(found.path)) {
    faults.push(`${file}: ${layer.path} must not import ${found.path} (${target})`);
  }
}

function checkExternal(file: string, layer: Layer, specifier: string): void {
  const allowed = layer.external.some(
    (name) =>
      name === "*" || specifier === name || specifier.startsWith(name.endsWith(":") ? name : `${name}/`),
  );
  if (!allowed) faults.push(`${file}: ${layer.path} must not import ${specifier}; only drivers do`);
}

/** Cycles of value imports, each once. */
function cycles(): string[][] {
  const found: string[][] = [];
  const state = new Map<string, "open" | "done">();
  const path: string[] = [];
  const visit = (file: string) => {
    state.set(file, "open");
    path.push(file);
    for (const next of graph.get(file) ?? []) {
      if (state.get(next) === "open") found.push([...path.slice(path.indexOf(next)), next]);
      else if (!state.has(next)) visit(next);
    }
    path.pop();
    state.set(file, "done");
  };
  for (const file of graph.keys()) if (!state.has(file)) visit(file);
  return found;
}
