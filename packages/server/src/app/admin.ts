import { messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import { readRevokeCommand } from "@hawser/core/protocol/revoke-command";
import { jsonObjectIn } from "@hawser/core/wire/json-object";
import type { ListedKey } from "../admin/admin-client.ts";
import { type AdminRoute, adminEndpoint } from "../admin/admin-endpoint.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { pid } from "../drivers/process.ts";
import { type JsonAnswer, listenUnix, type UnixListener } from "../drivers/unix-http.ts";
import type { Composition } from "./compose.ts";
import { HAWSER_VERSION } from "./version.ts";

/**
 * Opens the admin socket; null when there is to be none.
 *
 * @throws CableError `io_failed` when it cannot be opened.
 */
export async function openAdmin(
  config: ResolvedConfig,
  composition: Composition,
  log: Log,
): Promise<UnixListener | null> {
  const { socketPath } = config.admin;
  if (socketPath === null) return null;
  const adminLog = log.with({ context: "admin" });
  const listener = await listenUnix(socketPath, adminEndpoint(adminRoutes(composition)), (thrown) =>
    adminLog.error("a request met a bug", { error: messageOf(thrown) }),
  );
  adminLog.info(`Handle admin requests at ${socketPath}`);
  return listener;
}

function adminRoutes(composition: Composition): readonly AdminRoute[] {
  const { stage, keys, lastUsedMs, refreshMetrics, board } = composition;
  const listed = async (): Promise<ListedKey[]> => {
    await refreshMetrics();
    return keys.list().map((key) => {
      const usedMs = lastUsedMs(key.name);
      return { ...key, lastUsed: usedMs === null ? null : new Date(usedMs).toISOString() };
    });
  };
  return [
    {
      method: "GET",
      path: "/server",
      answer: () => ({ status: 200, body: { version: HAWSER_VERSION, pid, stage: stage.now } }),
    },
    {
      method: "GET",
      path: "/keys",
      answer: async () => ({ status: 200, body: { keys: await listed(), servers: board?.others() ?? null } }),
    },
    {
      method: "POST",
      path: "/keys/reload",
      async answer() {
        const { result, problem } = await keys.reload();
        if (problem !== null) return { status: 422, body: { error: problem } };
        return { status: 200, body: { result, keys: await listed() } };
      },
    },
    {
      method: "POST",
      path: "/revoke",
      answer: async (request) => revoked(composition, await request.text()),
    },
  ];
}

/** The body is the payload of the publication `revoke`. */
async function revoked({ revoke }: Composition, body: string): Promise<JsonAnswer> {
  const payload = jsonObjectIn(body);
  const command = payload === null ? "the body is no JSON object" : readRevokeCommand(payload);
  if (typeof command === "string") return { status: 422, body: { error: command } };
  const result = await revoke(command);
  if (!result.done) return { status: 507, body: { error: result.why } };
  return { status: 200, body: { closed: result.closed, until: new Date(result.untilMs).toISOString() } };
}
