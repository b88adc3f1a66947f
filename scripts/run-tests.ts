import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Runs the gates and the tests and prints "N passed, N failed[, N skipped]" from what they counted. A gate counts as
 * one test. `--full` also runs the tests that take long, and installs what they need where it may.
 */

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const ROOT = resolve(import.meta.dir, "..");
const BUN = process.execPath;
const full = process.argv.includes("--full");
/** What clients see of a server is played once more with several threads, in some five minutes. */
const FOR_SEVERAL_THREADS = [
  "conformance/conformance.test.ts",
  ...["clients", "event-streams", "expiry", "history", "presence", "resume"].map(
    (folder) => `packages/server/test/${folder}/`,
  ),
  ...["logging-out", "nodes"].map((name) => `packages/server/test/revocation/${name}.test.ts`),
  ...["key-reload", "metrics", "published-keys", "revocation", "secret-mismatch", "shutdown", "tls"].map(
    (name) => `packages/server/test/operating/${name}.test.ts`,
  ),
];
const total: Counts = { passed: 0, failed: 0, skipped: 0 };

installSystemPackages(
  full ? ["openssl", "gcc", "libc6-dev", "chromium", "prometheus", "systemd"] : ["openssl"],
);

gate("format and lint", [join(ROOT, "node_modules/.bin/biome"), "check", "--error-on-warnings", "."]);
for (const project of [
  "core",
  "core/tsconfig.test.json",
  "proto",
  "server",
  "sdk",
  "sdk/test-d",
  "client",
  "client/tsconfig.test.json",
]) {
  gate(`types of ${project}`, [join(ROOT, "node_modules/.bin/tsc"), "-p", `packages/${project}`]);
}
for (const project of ["scripts", "examples/chat", "examples/http-rpc", "bench", "conformance"]) {
  if (existsSync(join(ROOT, project, "tsconfig.json"))) {
    gate(`types of ${project}`, [join(ROOT, "node_modules/.bin/tsc"), "-p", project]);
  }
}
gate("imports", [BUN, "scripts/check-imports.ts"]);
await suites();

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);

function gate(name: string, command: string[]): void {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: ROOT });
  if (exitCode === 0) {
    total.passed += 1;
    console.log(`ok    ${name}`);
    return;
  }
  total.failed += 1;
  console.log(`FAIL  ${name}\n${stdout}${stderr}`);
}

/**
 * All tests, in three runners side by side: most of what the real servers' tests do is wait, and those of brokers hardly
 * do anything else. With `--full` in one, for what is measured there must not be disturbed.
 */
async function suites(): Promise<void> {
  const files = await testFiles();
  const groups = full ? [] : [files.filter(isWaiting), files.filter(isSleeping)];
  const others = files.filter((file) => !groups.flat().includes(file));
  const beside = groups.filter((group) => group.length > 0).map((group) => suite(group, true));
  await suite(others, false);
  for (const written of beside) console.log(await written);
  if (!full) return;
  // Without what takes long of it: browsers, crowds.
  console.log("\nthe same clients and scenarios, by two connection threads:\n");
  await suite(files.filter(isForThreads), false, { HAWSER_FULL: "", HAWSER_TEST_FLAGS: "--workers=2" });
}

function isForThreads(file: string): boolean {
  return FOR_SEVERAL_THREADS.some((path) => file.startsWith(path));
}

/** The tests that start servers, but for those that start brokers too: about half of the time that all take. */
function isWaiting(file: string): boolean {
  return file.startsWith("packages/server/test/") && !file.startsWith("packages/server/test/distribution/");
}

/** The tests of a broker that let times to live go by. */
function isSleeping(file: string): boolean {
  return /\/distribution\/redis-broker(-faults)?\.test\.ts$/.test(file);
}

async function testFiles(): Promise<string[]> {
  const files = await Array.fromAsync(new Bun.Glob("**/*.test.{ts,tsx}").scan({ cwd: ROOT }));
  return files.filter((file) => !/(^|\/)(node_modules|dist)\//.test(file)).sort();
}

/**
 * Runs the tests of these files, in this environment besides. The runner says how it went in a JUnit report; its exit code alone does not count.
 *
 * @returns what it wrote if that is `kept`, else nothing.
 */
async function suite(
  files: readonly string[],
  kept: boolean,
  variables: Readonly<Record<string, string>> = {},
): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), "hawser-test-"));
  const report = join(scratch, "junit.xml");
  const output = join(scratch, "output");
  const log = kept ? openSync(output, "w") : null;
  const runner = Bun.spawn(
    [
      ...[BUN, "--no-env-file", "test", "--timeout", "60000", "--reporter=junit"],
      ...[`--reporter-outfile=${report}`, ...files.map((file) => `./${file}`)],
    ],
    {
      cwd: ROOT,
      stdin: "ignore",
      // One descriptor for both, so that neither writes over the other.
      ...{ stdout: log ?? "inherit", stderr: log ?? "inherit" },
      env: { ...process.env, HAWSER_FULL: full ? "1" : "", ...variables },
    },
  );
  const exitCode = await runner.exited;
  const written = log === null ? "" : readFileSync(output, "utf8");
  if (log !== null) closeSync(log);
  const head = existsSync(report) ? /<testsuites[^>]*>/.exec(readFileSync(report, "utf8"))?.[0] : undefined;
  rmSync(scratch, { recursive: true });
  count(head, exitCode);
  return written;
}

function count(head: string | undefined, exitCode: number): void {
  if (head === undefined) {
    console.log(`FAIL  tests: the runner ended with ${exitCode} and left no report`);
    total.failed += 1;
    return;
  }
  const numberOf = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = numberOf("failures") + numberOf("errors");
  total.failed += failed;
  total.skipped += numberOf("skipped");
  total.passed += numberOf("tests") - failed - numberOf("skipped");
  if (exitCode !== 0 && failed === 0) {
    console.log(`FAIL  tests: the runner ended with ${exitCode}`);
    total.failed += 1;
  }
}

/** Best effort: a test whose program is missing skips and says so. */
function installSystemPackages(names: string[]): void {
  const missing = names.filter((name) => {
    const query = Bun.spawnSync(["dpkg", "-s", name], { stderr: "ignore" });
    return !query.stdout.toString().includes("Status: install ok installed");
  });
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || Bun.which("apt-get") === null) {
    console.log(`note: not installed, and apt-get may not be used here: ${missing.join(" ")}`);
    return;
  }
  console.log(`installing: ${missing.join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  Bun.spawnSync(["apt-get", "update", "-qq"], { stdio: ["ignore", "ignore", "inherit"], env });
  Bun.spawnSync(["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...missing], {
    stdio: ["ignore", "ignore", "inherit"],
    env,
  });
}
