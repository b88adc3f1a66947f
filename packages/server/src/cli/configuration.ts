import { CableError } from "@hawser/core/errors";
import type { Loaded } from "../config/load-config.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import type { CommandCall } from "./command.ts";

/** @throws CableError `config_invalid`, with a line for each thing that is wrong. */
export function loadedConfiguration(call: Pick<CommandCall, "load">): Loaded {
  const loaded = call.load();
  if (loaded.ok) return loaded;
  throw new CableError("config_invalid", loaded.errors.join("\n"));
}

export function configurationOf(call: Pick<CommandCall, "load">): ResolvedConfig {
  return loadedConfiguration(call).config;
}
