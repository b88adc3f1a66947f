import { join, resolve } from "node:path";

const HAWSER = join(resolve(import.meta.dir, "../../../.."), "bin/hawser");

/** What a command did that ran to its end. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandPlace {
  readonly env?: Readonly<Record<string, string>>;
  /** What comes on standard input; nothing unless given. */
  readonly input?: string;
  /** The temporary directory unless given. */
  readonly cwd?: string;
  /** Another one than that of the clone. */
  readonly command?: string;
}

/** Runs the real `hawser` with these arguments to its end. */
export async function runHawser(args: readonly string[], place: CommandPlace = {}): Promise<CommandResult> {
  const child = Bun.spawn([place.command ?? HAWSER, ...args], {
    cwd: place.cwd ?? process.env.TMPDIR ?? "/tmp",
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...place.env },
    stdio: [new Blob([place.input ?? ""]), "pipe", "pipe"],
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}
