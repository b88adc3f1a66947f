import { afterAll, beforeAll, describe, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expectWholeService } from "./expect-whole-service.ts";
import { RUNTIMES, withService } from "./run-service.ts";

/** The SDK in the runtimes it is for: one bundle of a small service, run by each that is on PATH. */

const SECRET = "runtimes";
const folder = mkdtempSync(join(tmpdir(), "hawser-runtimes-"));
const bundle = join(folder, "service.mjs");
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(async () => {
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "small-service.ts")],
    target: "node",
    outdir: folder,
    naming: "service.mjs",
  });
  if (!built.success) throw new AggregateError(built.logs, "cannot bundle the service");
});

for (const { name, command, missing } of RUNTIMES) {
  const title = command === null ? `under ${name} (skipped: ${missing})` : `under ${name}`;
  describe.skipIf(command === null)(title, () => {
    test("issues tokens, serves channels by gRPC, broadcasts, and stops", async () => {
      await withService([...(command ?? []), bundle], SECRET, (service, publications) =>
        expectWholeService(service, publications, SECRET),
      );
    });
  });
}
