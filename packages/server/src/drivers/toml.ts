import { CableError } from "@hawser/core/errors";
import { parse, TomlError } from "smol-toml";

/**
 * The table that a TOML document holds. Throws `CableError` (`config_invalid`) with the place and the rule alone: the
 * library's own message quotes the lines around it, and a secret may stand there.
 */
export function parseToml(document: string): Readonly<Record<string, unknown>> {
  try {
    return parse(document, { unsafeKeyBehaviour: "throw" });
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const rule = thrown.message.split("\n", 1)[0]?.replace("Invalid TOML document: ", "") ?? "";
    // No cause: its text is what must not be shown.
    throw new CableError("config_invalid", `line ${thrown.line}, column ${thrown.column}: ${rule}`);
  }
}
