import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createScratch } from "../support/scratch.ts";

const ROOT = resolve(import.meta.dir, "../../../..");
const EXECUTABLE = "/usr/local/bin/hawser";
const dockerfile = readFileSync(join(ROOT, "deploy/Dockerfile"), "utf8");
const unit = readFileSync(join(ROOT, "deploy/hawser.service"), "utf8");

const scratch = createScratch();
afterAll(() => scratch.remove());

describe("the Dockerfile", () => {
  test("copies the manifest of every workspace, without which npm ci fails", async () => {
    const { packages } = await Bun.file(join(ROOT, "package-lock.json")).json();
    const workspaces = Object.keys(packages).filter((path) => path !== "" && !path.includes("node_modules/"));
    const copied = [...dockerfile.matchAll(/^COPY (\S+)\/package\.json \1\/$/gm)].map(([, path]) => path);
    expect(copied.sort()).toEqual(workspaces.sort() as never);
  });

  test("copies files that are there, or that the build makes", () => {
    expect(dockerfile).toContain(`COPY --from=build /src/dist/hawser ${EXECUTABLE}`);
    const sources = [...dockerfile.matchAll(/^COPY ((?:\S+ )+)\.\/$/gm)].flatMap(([, list]) =>
      list!.trim().split(" "),
    );
    expect(sources).not.toEqual([]);
    for (const source of sources) expect(readFileSync(join(ROOT, source)).length).toBeGreaterThan(0);
  });

  test("ends as a user without rights, with commands that need no shell", () => {
    const last = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
    expect(last).toMatch(/^USER nonroot$/m);
    expect(last).toContain(`CMD ["${EXECUTABLE}", "health"]`);
    expect(last).toContain(`ENTRYPOINT ["${EXECUTABLE}"]`);
    expect(last).not.toMatch(/^RUN /m);
  });
});

const ANALYZE = Bun.which("systemd-analyze");

describe("the unit of systemd", () => {
  test.skipIf(ANALYZE === null)("is one that systemd-analyze has no word about", () => {
    // It also looks whether the executable is there.
    const file = scratch.write("hawser.service", unit.replaceAll(EXECUTABLE, "/bin/true"));
    const { exitCode, stdout, stderr } = Bun.spawnSync([ANALYZE ?? "", "verify", file]);
    expect({ exitCode, said: `${stdout}${stderr}` }).toEqual({ exitCode: 0, said: "" });
  });

  test("has a reload read the keys again, as SIGHUP does", () => {
    expect(unit).toMatch(/^ExecReload=\S+ -HUP \$MAINPID$/m);
  });

  test("gives the server longer to end than it takes", () => {
    const longest = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
    expect(longest).toBeGreaterThan(30);
  });

  if (ANALYZE === null)
    console.log("skipped: systemd-analyze is not installed, so nothing verifies hawser.service");
});
