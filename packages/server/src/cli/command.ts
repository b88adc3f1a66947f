import type { Option, Section } from "@hawser/core/options";
import type { Failed, Loaded } from "../config/load-config.ts";
import type { AnyOption } from "../config/option-table.ts";

/** What a command tells the shell: 0 when all is well, 1 when what was asked about is not, or how it was misused. */
export type Outcome = number | Misuse;

/** The command line was wrong; the process exits 2. */
export interface Misuse {
  /** What is wrong and what to type instead, in one clause. */
  readonly misuse: string;
}

export function misuse(why: string): Misuse {
  return { misuse: why };
}

/** One command of `hawser` beside the server itself. */
export interface Command {
  /** As it is typed: one word or two. */
  readonly name: string;
  /** What it does, in a line. */
  readonly summary: string;
  /** What may stand beside the options: `[TOKEN]`, or empty. */
  readonly argument: string;
  /** What has to be known before using it; paragraphs. */
  readonly about: readonly string[];
  readonly options: Section<Readonly<Record<string, AnyOption>>>;
  /** Whether it reads the server's configuration, and so takes the server's options as well. */
  readonly readsConfiguration: boolean;
  run(call: CommandCall): Promise<Outcome> | Outcome;
}

/** What a command is called with. */
export interface CommandCall {
  /** What stood beside the options; at most one where the command names one. */
  readonly argument: string | null;
  option<T>(wanted: Option<T>): T;
  /** The configuration as the server would read it. */
  load(): Loaded | Failed;
  readonly terminal: Terminal;
}

/** Where a command reads and writes. */
export interface Terminal {
  out(text: string): void;
  /** For the person alone: never part of what a pipe gets. */
  note(text: string): void;
  /** All of standard input. */
  input(): Promise<string>;
  /** Whether somebody types the input. */
  readonly isTyped: boolean;
}
