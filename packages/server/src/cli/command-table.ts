import type { Command } from "./command.ts";
import { doctor } from "./commands/doctor.ts";
import { health } from "./commands/health.ts";
import { keysFingerprint } from "./commands/keys-fingerprint.ts";
import { keysGenerate } from "./commands/keys-generate.ts";
import { keysList } from "./commands/keys-list.ts";
import { keysReload } from "./commands/keys-reload.ts";
import { keysRotate } from "./commands/keys-rotate.ts";
import { revoke } from "./commands/revoke.ts";
import { tokenExplain } from "./commands/token-explain.ts";
import { tokenMint } from "./commands/token-mint.ts";
import { tokenVerify } from "./commands/token-verify.ts";

/** Every command beside the server itself, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  tokenMint,
  tokenVerify,
  tokenExplain,
  keysGenerate,
  keysList,
  keysRotate,
  keysReload,
  keysFingerprint,
  revoke,
  doctor,
  health,
];

/** The first words of commands that have two. */
export const COMMAND_GROUPS: readonly string[] = [
  ...new Set(COMMANDS.flatMap(({ name }) => (name.includes(" ") ? [name.slice(0, name.indexOf(" "))] : []))),
];
