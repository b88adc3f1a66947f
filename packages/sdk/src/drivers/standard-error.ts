import { stderr } from "node:process";

/** A line for whoever runs the application. */
export function writeErrorLine(line: string): void {
  stderr.write(`${line}\n`);
}
