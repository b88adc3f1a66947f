import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { CableClient, publish } from "../support/cable-client.ts";
import { runHawser } from "../support/hawser-command.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { HAS_REDIS, useRedis } from "../support/redis-server.ts";
import { useStarted } from "../support/started.ts";
import { signToken } from "../support/tokens.ts";
import { until } from "../support/until.ts";

const SECRET = "a secret of thirty-two characters";
const redis = useRedis();
const started = useStarted();

async function node(...flags: string[]): Promise<HawserProcess> {
  const server = started(
    await startHawser([
      ...["--norpc", "--enforce_jwt", `--jwt_secret=${SECRET}`, "--pubsub=redis", "--broadcast_adapter=http"],
      ...[`--redis_url=${redis.url}`, ...flags],
    ]),
  );
  await server.waitFor(/ connected .*context=pubsub channel=/);
  return server;
}

function connect({ port }: HawserProcess, claims: object): CableClient {
  const token = signToken(SECRET, { ext: "ann", ...claims });
  return started(new CableClient(`ws://127.0.0.1:${port}/cable?jid=${token}`));
}

const REVOKED = '{"type":"disconnect","reason":"revoked","reconnect":false}';
const UNAUTHORIZED = '{"type":"disconnect","reason":"unauthorized","reconnect":false}';

/** It may take a moment until the other node has heard. */
const untilRefused = (server: HawserProcess, claims: object) =>
  until(async () => expect(await connect(server, claims).message(0)).toBe(UNAUTHORIZED));

describe.skipIf(!HAS_REDIS)("nodes that are connected", () => {
  test("take back a token together, wherever it was asked for", async () => {
    const [a, b] = [await node(), await node()];
    const [one, other, another] = [
      connect(a, { jti: "1" }),
      connect(b, { jti: "1" }),
      connect(b, { jti: "2" }),
    ];
    for (const client of [one, other, another]) await client.message(0);
    const { status } = await publish(a.broadcastPort, { command: "revoke", payload: { jti: "1" } });
    expect(status).toBe(201);
    expect(await one.message(1)).toBe(REVOKED);
    expect(await other.message(1)).toBe(REVOKED);
    await untilRefused(b, { jti: "1" });
    expect(another.closedWith).toBeNull();
  }, 60_000);

  test("take back the token of a session that another node has, asked by hawser revoke", async () => {
    const socket = `--admin_socket=${join(redis.scratch.path, "a.sock")}`;
    const [a, b] = [await node(socket), await node()];
    const client = connect(b, { n: 1 });
    const { sid } = JSON.parse(await client.message(0));
    const { code, stdout } = await runHawser(["revoke", socket, `--sid=${sid}`]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("connections closed: 0") });
    expect(await client.message(1)).toBe(REVOKED);
    await untilRefused(b, { n: 1 });
    await untilRefused(a, { n: 1 });
    expect(JSON.parse(await connect(a, { n: 2 }).message(0)).type).toBe("welcome");
  }, 60_000);
});
