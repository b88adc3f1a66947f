import { type CommandCall, type Misuse, misuse } from "./command.ts";
import { findToken } from "./find-token.ts";

/** The token that a command is asked about: its argument, or what comes on standard input. */
export async function tokenArgument(
  { argument, terminal }: CommandCall,
  param: string,
): Promise<{ readonly token: string } | Misuse> {
  const fromInput = argument === null || argument === "-";
  if (fromInput && terminal.isTyped) terminal.note("Paste the token or the URL, then Enter and Ctrl-D.\n");
  const pasted = fromInput ? await terminal.input() : argument;
  if (pasted.trim() === "") return misuse("there is no token: give it as the argument or on standard input");
  const token = findToken(pasted, param);
  if (token === null) return misuse(`the URL has no parameter ${param}; --jwt_param=NAME names another`);
  return { token };
}
