import { afterEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const SET_UP = resolve(import.meta.dir, "set-up.sh");

let root = "";
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A tree whose `npm` writes down that it ran, takes its time, and wipes what is there first, as `npm ci` does. */
function tree() {
  root = mkdtempSync(join(tmpdir(), "hawser-set-up-"));
  const runs = join(root, "runs");
  const overlaps = join(root, "overlaps");
  writeFileSync(join(root, "package-lock.json"), "{}");
  mkdirSync(join(root, "path"));
  const npm = join(root, "path/npm");
  writeFileSync(
    npm,
    `#!/bin/sh
test ! -e busy || echo together >> ${overlaps}
touch busy
echo "$@" >> ${runs}
rm -rf node_modules
sleep 0.3
mkdir -p node_modules/.bin
printf '#!/bin/sh\\n' > node_modules/.bin/bun
chmod +x node_modules/.bin/bun
touch node_modules/.package-lock.json
rm busy
`,
  );
  chmodSync(npm, 0o755);
  const start = () =>
    Bun.spawn(["sh", "-euc", `root=${root}; . ${SET_UP}; test -x $root/node_modules/.bin/bun`], {
      env: { PATH: `${root}/path:${process.env.PATH}` },
      stdio: ["ignore", "ignore", "ignore"],
    });
  return {
    start,
    run: () => start().exited,
    installs: () => (existsSync(runs) ? readFileSync(runs, "utf8").trim().split("\n").length : 0),
    hadOverlaps: () => existsSync(overlaps),
  };
}

test("installs once, and not again while nothing has changed", async () => {
  const { run, installs } = tree();
  expect(await run()).toBe(0);
  expect(await run()).toBe(0);
  expect(installs()).toBe(1);
});

test("commands that start together wait for one installation, instead of each wiping that of the others", async () => {
  const { run, installs } = tree();
  expect(await Promise.all([run(), run(), run(), run()])).toEqual([0, 0, 0, 0]);
  expect(installs()).toBe(1);
});

test("what a killed command began to install is waited for, and not begun again meanwhile", async () => {
  const { start, run, installs, hadOverlaps } = tree();
  const killed = start();
  while (installs() === 0) await Bun.sleep(5);
  killed.kill("SIGKILL");
  expect(await Promise.all([run(), run()])).toEqual([0, 0]);
  expect(installs()).toBe(1);
  expect(hadOverlaps()).toBe(false);
});
