import { messageOf } from "@hawser/core/errors";
import { Revocations } from "@hawser/core/jwt/revocation/revocations";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { folderExists } from "../../drivers/files.ts";
import { RevocationsFile } from "../../keys/revocation/revocations-file.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** Whether the server would take its file of revocations, which is only read here. */
export function checkRevocations({ revocation }: ResolvedConfig, nowMs: number): Finding[] {
  const { filePath, limit } = revocation;
  if (filePath === null) return [];
  const found = findingsOf("revocations");
  if (!folderExists(filePath)) {
    return [
      found.fail(
        `the folder of ${filePath} (--revocations_file) is not there`,
        "make it, and let the server write in it",
      ),
    ];
  }
  const inForce = new Revocations(limit);
  try {
    new RevocationsFile(filePath, inForce, nowMs);
  } catch (thrown) {
    return [found.fail(messageOf(thrown), "the server does not start with this")];
  }
  return [found.ok(`${filePath} has ${inForce.size} in force, and there is room for ${limit}`)];
}
