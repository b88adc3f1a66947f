import { afterAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { runHawser } from "../packages/server/test/support/hawser-command.ts";
import { type HawserProcess, startHawser } from "../packages/server/test/support/hawser-process.ts";
import { codeBlocks, commandsOf } from "./code-blocks.ts";

/*
 * What the documents tell people to type is typed, and what they point at is there. A line for which there is no way to
 * run it fails: give it one, or leave it out.
 */

const ROOT = resolve(import.meta.dir, "..");
const FULL = process.env.HAWSER_FULL === "1";
/** For one line. */
const PATIENCE_MS = 120_000;
const LONG_MS = 180_000;

/** Documents whose commands and examples are run. Those of the SDK's are compared with a file that the compiler checks. */
const RUN_HERE = ["README.md", "conformance/README.md", "deploy/README.md", "packages/server/README.md"];

const scratch = mkdtempSync(join(tmpdir(), "hawser-documents-"));
/** Inside the clone, so that its packages are found. */
const cache = join(ROOT, ".cache/documents");
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
  rmSync(cache, { recursive: true, force: true });
});

interface Way {
  readonly line: RegExp;
  /** Why it is not run this time, or null. */
  readonly skipped?: string | null;
  /** Null where something else runs the same, or nothing can. */
  readonly run: ((command: string) => Promise<void>) | null;
}

const ONLY_FULL = FULL ? null : "bin/test --full runs it";

/** The first that matches counts. */
const WAYS: readonly Way[] = [
  { line: /^bin\/start$/, run: (line) => serve(line, ROOT, /Ctrl-C stops both/) },
  // What runs this test.
  { line: /^bin\/test$/, run: null },
  {
    line: /^(dist|node_modules\/\.bin)\/hawser --version$/,
    skipped: ONLY_FULL,
    run: (line) => runIn(folderOf(line), line),
  },
  { line: /^bin\/hawser \w/, run: ask },
  { line: /^bin\/hawser -/, run: (line) => serve(line, ROOT, /Handle health requests/) },
  {
    line: /^node_modules\/\.bin\/hawser /,
    skipped: ONLY_FULL,
    run: (line) => serve(line, scratch, /Handle health requests/),
  },
  {
    line: /^npm pack --workspace=packages\/server$/,
    skipped: ONLY_FULL,
    run: (line) => runIn(ROOT, `${line} --pack-destination=${scratch}`),
  },
  {
    line: /^npm install \.\/hawser-server-[\d.]+\.tgz$/,
    skipped: ONLY_FULL,
    run: (line) => runIn(scratch, `echo '{}' > package.json; ${line} --prefer-offline`),
  },
  { line: /^npm run build:binary$/, skipped: ONLY_FULL, run: (line) => runIn(ROOT, line) },
  // conformance.test.ts is the same.
  { line: /^bun conformance\/run\.ts$/, run: null },
  {
    line: /^bun conformance\/run\.ts --reference -- anycable-go$/,
    skipped: Bun.which("anycable-go") === null ? "anycable-go is not on PATH" : ONLY_FULL,
    run: (line) => runIn(ROOT, line),
  },
  { line: /^bun conformance\/run\.ts /, run: (line) => runIn(ROOT, line) },
  // They change the machine; their document says what is checked instead.
  { line: /^(docker|install|kubectl|openssl|systemctl) /, run: null },
];

/** What the clone makes is there, and what npm installs where it was told to. */
function folderOf(line: string): string {
  return line.startsWith("node_modules/") ? scratch : ROOT;
}

const ENV = {
  ...process.env,
  PATH: `${dirname(process.execPath)}:${ROOT}/node_modules/.bin:${process.env.PATH}`,
};

async function runIn(cwd: string, line: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const child = Bun.spawn(["sh", "-euc", line], {
    cwd,
    env: { ...ENV, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: PATIENCE_MS,
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const exitCode = await child.exited;
  expect({ exitCode, output: exitCode === 0 ? "" : (out + err).slice(-3000) }).toEqual({
    exitCode: 0,
    output: "",
  });
}

/** Starts what runs until it is stopped, waits until it says `up`, and stops it as Ctrl-C does. */
async function serve(line: string, cwd: string, up: RegExp): Promise<void> {
  // Free ports, where the line names none; nothing else of it is changed.
  const ports = { ANYCABLE_PORT: "0", HAWSER_PORT: "0", PORT: "0", CHAT_RPC_PORT: "0" };
  const child = Bun.spawn(["sh", "-euc", `exec ${line}`], {
    cwd,
    env: { ...ENV, ...ports },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  let asked = false;
  const overdue = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    output += decoder.decode(chunk, { stream: true });
    if (asked || !up.test(output)) continue;
    // Once: a second time means at once.
    asked = true;
    child.kill("SIGINT");
  }
  clearTimeout(overdue);
  expect(output).toMatch(up);
  expect(await child.exited).toBe(0);
}

let served: Promise<HawserProcess> | null = null;
const SERVED_BY = {
  ANYCABLE_SECRET: randomBytes(32).toString("hex"),
  ANYCABLE_NORPC: "true",
  ANYCABLE_ADMIN_SOCKET: join(scratch, "admin.sock"),
};
afterAll(async () => (await served)?.stop());

/** A command beside the server, with one running that has the same options. TOKEN stands for a good token. */
async function ask(line: string): Promise<void> {
  served ??= startHawser(["--host=0.0.0.0"], SERVED_BY);
  const { port } = await served;
  const env = { ...SERVED_BY, ANYCABLE_HOST: "0.0.0.0", ANYCABLE_PORT: `${port}` };
  const token = (await runHawser(["token", "mint", '{"user_id":7}'], { env })).stdout.trim();
  const typed = line
    .replace(/^bin\//, `${ROOT}/bin/`)
    .replace(/\bTOKEN$/, token)
    .replace("localhost:8080", `localhost:${port}`);
  await runIn(scratch, typed, env);
}

const read = (document: string) => readFileSync(join(ROOT, document), "utf8");

describe.each(RUN_HERE)("what %s says to type", (document) => {
  for (const block of codeBlocks(read(document)).filter(({ language }) => language === "sh")) {
    for (const line of commandsOf(block)) {
      const way = WAYS.find((candidate) => candidate.line.test(line));
      if (way?.run === null) continue;
      const skipped = way?.skipped ?? null;
      test.skipIf(skipped !== null)(
        `works: ${line}${skipped === null ? "" : ` (${skipped})`}`,
        async () => {
          if (way === undefined || way.run === null)
            throw new Error(`${document} has a line that nothing here can run: ${line}`);
          await way.run(line);
        },
        LONG_MS,
      );
    }
  }
});

describe.each(RUN_HERE)("the TypeScript in %s", (document) => {
  const blocks = codeBlocks(read(document)).filter(({ language }) => language === "ts");
  for (const { code, line } of blocks) {
    test(`at line ${line} compiles and runs`, async () => {
      mkdirSync(cache, { recursive: true });
      const file = join(cache, `line-${line}.ts`);
      writeFileSync(file, code);
      const config = { extends: "../../packages/sdk/tsconfig.json", include: [`line-${line}.ts`] };
      writeFileSync(join(cache, "tsconfig.json"), JSON.stringify(config));
      await runIn(ROOT, `node_modules/.bin/tsc -p ${cache}`);
      await runIn(ROOT, `ANYCABLE_SECRET=s3cret bun --no-env-file ${file}`);
    }, 60_000);
  }
});

const TRACKED = Bun.spawnSync(["git", "ls-files", "*.md"], { cwd: ROOT })
  .stdout.toString()
  .split("\n")
  .filter(Boolean);
const SCRIPTS = new Set(
  ["", "packages/sdk/", "packages/server/"].flatMap((folder) =>
    Object.keys(JSON.parse(read(`${folder}package.json`)).scripts ?? {}),
  ),
);

describe.skipIf(TRACKED.length === 0)("every document", () => {
  test.each(TRACKED)("%s points at what is there", (document) => {
    const text = read(document).replace(/```[\s\S]*?```/g, "");
    const targets = [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)\s]*)?\)/g)].map(([, target]) => target ?? "");
    const missing = targets.filter(
      (target) => !/^[a-z]+:/.test(target) && !existsSync(join(ROOT, dirname(document), target)),
    );
    expect(missing).toEqual([]);
  });

  test.each(TRACKED)("%s names scripts that there are", (document) => {
    const named = [...read(document).matchAll(/\bnpm run (?:-s )?([\w:-]+)/g)].map(([, name]) => name ?? "");
    expect(named.filter((name) => !SCRIPTS.has(name))).toEqual([]);
  });
});

test("decisions have a number each, which their titles repeat", () => {
  const files = readdirSync(join(ROOT, "docs/decisions"));
  const numbers = files.map((file) => Number.parseInt(file, 10));
  expect(new Set(numbers).size).toBe(files.length);
  const titled = files.map((file) => Number(/^# (\d+)\. /.exec(read(`docs/decisions/${file}`))?.[1]));
  expect(titled).toEqual(numbers);
});
