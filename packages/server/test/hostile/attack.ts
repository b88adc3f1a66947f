/** What an attacker is told to do; it does it from a process of its own, so that its work is not measured as a wait. */
export interface AttackTask {
  readonly kind: AttackKind;
  readonly port: number;
  readonly broadcastPort: number;
  /** Connections, all in all. */
  readonly count: number;
  /** Over how long they are spread, or how long each of them lasts. */
  readonly seconds: number;
  /** Chance is made of it, so that a failure can be played again. */
  readonly seed: number;
}

export type AttackKind =
  | "bad tokens"
  | "noise"
  | "resets"
  | "half a request"
  | "slow senders"
  | "slow readers"
  | "endless frames"
  | "many subscriptions"
  | "idle, then gone";

/** What it saw: how many of its connections the server answered, and how many it cut. */
export interface AttackReport {
  readonly answered: number;
  readonly cut: number;
}

/** Plays an attack in another process; resolves with what that saw once it is over. */
export async function attack(task: AttackTask): Promise<AttackReport> {
  const child = Bun.spawn(
    [process.execPath, "--no-env-file", `${import.meta.dir}/attacker.ts`, JSON.stringify(task)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`the attacker of "${task.kind}" failed: ${output}`);
  return JSON.parse(output) as AttackReport; // printed by attacker.ts
}
