/** A program that runs beside this server. */
export interface ChildProgram {
  readonly pid: number;
  /** Its exit status; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>;
}

/** The path of a program, or null where there is none on PATH. */
export function findProgram(name: string): string | null {
  return Bun.which(name);
}

/**
 * Ends the program when its own input does: so it goes with this process, however that ends. The third descriptor is that
 * input, as a shell gives none to what it has in the background.
 */
const TIED = `exec 3<&0
"$@" </dev/null & program=$!
{ read -r _ <&3; kill "$program" 2>/dev/null; } &
wait "$program"`;

/** Starts a program; it never outlives this process. `onLine` has what it writes. */
export function startProgram(command: readonly string[], onLine: (line: string) => void): ChildProgram {
  // Away from the terminal: a Ctrl-C there is for this process, which ends the program last.
  const child = Bun.spawn(["sh", "-c", TIED, "sh", ...command], {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) void readLines(stream, onLine);
  return {
    pid: child.pid,
    ended: child.exited.then((status) => {
      child.stdin.end();
      return child.signalCode === null ? status : null;
    }),
    async stop() {
      child.stdin.end();
      await child.exited;
    },
  };
}

async function readLines(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  }
  if (rest !== "") onLine(rest);
}
