import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expectWholeService } from "./expect-whole-service.ts";
import { RUNTIMES, withService } from "./run-service.ts";

/** The SDK as people get it: packed, and installed by npm in a folder where nothing else is. */

const ROOT = resolve(import.meta.dir, "../../..");
const SECRET = "tarball";
const PATIENCE_MS = 300_000;
const SKIPPED = process.env.HAWSER_FULL === "1" ? null : "bin/test --full runs it";

const scratch = mkdtempSync(join(tmpdir(), "hawser-sdk-tarball-"));
const folder = join(scratch, "application");
const installed = join(folder, "node_modules/@hawser/sdk");
afterAll(() => rmSync(scratch, { recursive: true }));

function run(command: readonly string[], cwd: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}:\n${stdout}${stderr}`);
  return stdout.toString();
}

if (SKIPPED !== null) test.skip(`the packed SDK (skipped: ${SKIPPED})`, () => {});
else describe("the packed SDK", packedSdk);

function packedSdk(): void {
  beforeAll(async () => {
    run(["npm", "run", "build"], join(ROOT, "packages/sdk"));
    const packed = join(scratch, "packed");
    mkdirSync(packed);
    run(["npm", "pack", "./packages/sdk/dist", `--pack-destination=${packed}`], ROOT);
    mkdirSync(folder);
    writeFileSync(join(folder, "package.json"), '{"private":true,"type":"module"}');
    const [tarball = ""] = readdirSync(packed);
    run(
      ["npm", "install", "--loglevel=error", "--prefer-offline", "--no-audit", join(packed, tarball)],
      folder,
    );
    const built = await Bun.build({
      entrypoints: [join(import.meta.dir, "small-service.ts")],
      target: "node",
      outdir: folder,
      naming: "service.mjs",
      external: ["@hawser/*"],
    });
    if (!built.success) throw new AggregateError(built.logs, "cannot strip the service of its types");
  }, PATIENCE_MS);

  for (const { name, command, missing } of RUNTIMES) {
    const title = command === null ? `under ${name} (skipped: ${missing})` : `under ${name}`;
    test.skipIf(command === null)(`${title} serves, issues, signs and publishes`, async () => {
      await withService([...(command ?? []), join(folder, "service.mjs")], SECRET, (service, publications) =>
        expectWholeService(service, publications, SECRET),
      );
    });
  }

  test(
    "gives an application's compiler its types, without help from elsewhere",
    () => {
      copyFileSync(join(import.meta.dir, "consumer.ts"), join(folder, "consumer.ts"));
      const compilerOptions = {
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
        noEmit: true,
        target: "ES2022",
        module: "NodeNext",
        moduleResolution: "NodeNext",
        // Of what this repository has, the types of Node alone.
        typeRoots: [join(ROOT, "node_modules/@types")],
        types: ["node"],
      };
      writeFileSync(
        join(folder, "tsconfig.json"),
        JSON.stringify({ compilerOptions, files: ["consumer.ts"] }),
      );
      expect(run([join(ROOT, "node_modules/.bin/tsc"), "-p", "."], folder)).toBe("");
    },
    PATIENCE_MS,
  );

  test("depends on nothing private, and holds neither sources nor tests", () => {
    const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    expect(Object.keys(manifest.dependencies)).toEqual(["@bufbuild/protobuf", "@grpc/grpc-js"]);
    expect(manifest.private).toBeUndefined();
    const files = readdirSync(installed, { recursive: true }).map(String);
    expect(files).toContain("README.md");
    expect(files).toContain("LICENSE");
    expect(files.filter((file) => /\.test\.|(?<!\.d)\.ts$/.test(file))).toEqual([]);
    for (const file of files.filter((name) => /\.(js|d\.ts)$/.test(name))) {
      expect(readFileSync(join(installed, file), "utf8")).not.toMatch(/from "@hawser\/|import\("@hawser\//);
    }
  });

  test("needs no gRPC library where nothing is served by it", () => {
    rmSync(join(folder, "node_modules/@grpc"), { recursive: true });
    writeFileSync(
      join(folder, "http.mjs"),
      `import { createCable, createRpcHandler } from "@hawser/sdk/http-rpc";
      const rpc = createRpcHandler(createCable({}), { secret: "s", onNotice() {} });
      console.log((await rpc(new Request("http://app/connect", { method: "POST" }))).status);`,
    );
    expect(run(["node", "http.mjs"], folder)).toBe("401\n");
    rmSync(join(folder, "node_modules/@bufbuild"), { recursive: true });
    writeFileSync(
      join(folder, "light.mjs"),
      `import { createBroadcaster } from "@hawser/sdk/broadcast";
      import { createStreams } from "@hawser/sdk/streams";
      import { createTokens } from "@hawser/sdk/tokens";
      createBroadcaster({ url: "http://127.0.0.1:1/_broadcast", secret: "s" });
      const tokens = createTokens({ secret: "s" });
      console.log(tokens.verify(tokens.issue("ann")).accepted, createStreams({ secret: "s" }).verify("x").verified);
      await import("@hawser/sdk/rpc").catch((error) => console.log(error.code));`,
    );
    expect(run(["node", "light.mjs"], folder)).toBe("true false\nERR_MODULE_NOT_FOUND\n");
  });
}
