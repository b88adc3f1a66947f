import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { CableClient } from "../support/cable-client.ts";
import { runHawser } from "../support/hawser-command.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { createScratch } from "../support/scratch.ts";
import { goodToken } from "../support/tokens.ts";

const scratch = createScratch();
afterAll(() => scratch.remove());

const running: HawserProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

const fingerprint = (secret: string, purpose = "secret") =>
  createHmac("sha256", secret).update(`hawser-fingerprint:${purpose}`).digest("hex").slice(0, 8);

let sockets = 0;
/** A server with an admin socket, and the options that lead to it. */
async function start(...flags: string[]): Promise<{ server: HawserProcess; admin: string }> {
  const admin = `--admin_socket=${join(scratch.path, `keys-${++sockets}.sock`)}`;
  const server = await startHawser(["--norpc", "--enforce_jwt", admin, ...flags]);
  running.push(server);
  return { server, admin };
}

async function listed(...args: string[]) {
  const { code, stdout } = await runHawser(["keys", "list", "--json", ...args]);
  expect(code).toBe(0);
  return JSON.parse(stdout).keys as {
    name: string;
    state: string;
    fingerprint: string | null;
    lastUsed: string | null;
  }[];
}

describe("hawser keys list", () => {
  test("shows what a server with this configuration would have, and no secret", async () => {
    const { code, stdout } = await runHawser(["keys", "list", "--jwt_previous_secrets=old-one"], {
      env: { ANYCABLE_JWT_SECRET: "new-one" },
    });
    expect(code).toBe(0);
    const [head, first, second] = stdout.split("\n");
    expect(head).toMatch(
      /^NAME +KID +ALGORITHMS +STATE +FINGERPRINT +USE FROM +USE UNTIL +LAST USED +SOURCE$/,
    );
    expect(first).toContain(fingerprint("new-one", "jwt_secret"));
    expect(first).toContain("active");
    expect(second).toContain(fingerprint("old-one", "jwt_secret"));
    expect(second).toContain("verify-only");
    expect(stdout).not.toContain("new-one");
    expect(stdout).not.toContain("old-one");
  });

  test("asks the running server, which knows when a key was last used, unless told not to", async () => {
    const { server, admin } = await start("--secret=of-the-server");
    expect(await listed(admin, "--secret=another")).toMatchObject([
      { state: "active", fingerprint: fingerprint("of-the-server"), lastUsed: null },
    ]);
    const client = new CableClient(`ws://127.0.0.1:${server.port}/cable?jid=${goodToken("of-the-server")}`);
    await client.message(0);
    const used = Date.parse((await listed(admin))[0]?.lastUsed ?? "");
    expect(Math.abs(used - Date.now())).toBeLessThan(60_000);
    client.close();
    expect(await listed(admin, "--offline", "--secret=another")).toMatchObject([
      { fingerprint: fingerprint("another") },
    ]);
  });

  test("says when nobody answers", async () => {
    const { code, stderr } = await runHawser(["keys", "list", "--admin_socket=/tmp/no-such-hawser.sock"]);
    expect(code).toBe(1);
    expect(stderr).toContain("is the server running");
  });
});

describe("hawser keys reload", () => {
  test("puts new keys in force, and says which", async () => {
    const file = scratch.write("secret.txt", "first-secret\n");
    const { server, admin } = await start(`--jwt_secret_file=${file}`);
    const connects = async (secret: string) => {
      const client = new CableClient(`ws://127.0.0.1:${server.port}/cable?jid=${goodToken(secret)}`);
      const first = await client.message(0);
      client.close();
      return first;
    };
    expect(await connects("first-secret")).toContain("welcome");
    scratch.write("secret.txt", "second-secret\n");
    const { code, stdout } = await runHawser(["keys", "reload", admin]);
    expect(code).toBe(0);
    // The server also looks at the file by itself, and may have been quicker.
    expect(stdout).toMatch(/^(reloaded|unchanged)\n/);
    expect(stdout).toContain(fingerprint("second-secret", "jwt_secret"));
    expect(await connects("second-secret")).toContain("welcome");
  });

  test("leaves the old keys in force when the new ones cannot be read", async () => {
    const file = scratch.write(
      "keys.json",
      '{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0LW9mLWEtdGVzdA"}]}',
    );
    const { admin } = await start(`--jwt_keys_file=${file}`);
    scratch.write("keys.json", "nonsense");
    const { code, stdout, stderr } = await runHawser(["keys", "reload", admin]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("keys.json");
    expect((await listed(admin)).map(({ name }) => name)).toEqual(["a"]);
  });

  test("asks for the socket, and says when nobody is there", async () => {
    expect((await runHawser(["keys", "reload"])).stderr).toContain("--admin_socket");
    const gone = await runHawser(["keys", "reload", "--admin_socket=/tmp/no-such-hawser.sock"]);
    expect(gone.code).toBe(1);
    expect(gone.stderr).toContain("there is no such socket");
  });
});
