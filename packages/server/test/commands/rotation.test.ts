import { afterAll, afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { CableClient } from "../support/cable-client.ts";
import { runHawser } from "../support/hawser-command.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { createScratch } from "../support/scratch.ts";

const scratch = createScratch();
afterAll(() => scratch.remove());

const running: HawserProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

const keys = join(scratch.path, "keys.json");
const place = [`--jwt_keys_file=${keys}`, `--admin_socket=${join(scratch.path, "admin.sock")}`];

/** Runs a command that must succeed; what it printed. */
async function hawser(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runHawser(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.trim();
}

/** The first message to a client with this token. */
async function answerTo(token: string, { port }: HawserProcess): Promise<string> {
  const client = new CableClient(`ws://127.0.0.1:${port}/cable?jid=${token}`);
  const message = await client.message(0);
  client.close();
  return JSON.parse(message).type === "welcome" ? "welcome" : JSON.parse(message).reason;
}

test("a rotation with the commands alone: nobody is refused, then the old key goes", async () => {
  await hawser("keys", "rotate", keys, "--kid=spring");
  const server = await startHawser(["--norpc", "--enforce_jwt", ...place]);
  running.push(server);
  const old = await hawser("token", "mint", "ann", ...place);
  expect(await answerTo(old, server)).toBe("welcome");
  const stays = new CableClient(`ws://127.0.0.1:${server.port}/cable?jid=${old}`);
  await stays.message(0);

  await hawser("keys", "rotate", keys, "--kid=summer");
  expect(await hawser("keys", "reload", ...place)).toContain("summer");
  const fresh = await hawser("token", "mint", "ann", ...place);
  expect(await hawser("token", "verify", fresh, ...place)).toContain("key summer");
  expect(await answerTo(old, server)).toBe("welcome");
  expect(await answerTo(fresh, server)).toBe("welcome");

  await hawser("keys", "rotate", keys, "--retire=spring");
  await hawser("keys", "reload", ...place);
  expect(await answerTo(old, server)).toBe("token_expired");
  expect(await answerTo(fresh, server)).toBe("welcome");
  const { stdout } = await runHawser(["token", "explain", old, ...place]);
  expect(stdout).toContain("refused: key_retired; the client hears token_expired");

  await hawser("keys", "rotate", keys, "--revoke=spring");
  await hawser("keys", "reload", ...place);
  expect(await answerTo(old, server)).toBe("unauthorized");
  expect(stays.closedWith).toBeNull();
  stays.close();
});

test("a file with pairs signs where it is whole, and verifies where it has the public halves", async () => {
  const whole = join(scratch.path, "pairs.json");
  await hawser("keys", "rotate", whole, "--alg=ES256", "--kid=pair");
  const token = await hawser("token", "mint", "ann", `--jwt_keys_file=${whole}`);
  const jwk = JSON.parse(await Bun.file(whole).text()).keys[0];
  const open = scratch.write("public.json", JSON.stringify({ keys: [{ ...jwk, d: undefined }] }));
  const server = await startHawser(["--norpc", "--enforce_jwt", `--jwt_keys_file=${open}`]);
  running.push(server);
  expect(await answerTo(token, server)).toBe("welcome");
  const without = await runHawser(["token", "mint", "ann", `--jwt_keys_file=${open}`]);
  expect(without.code).toBe(2);
  expect(without.stderr).toContain("public key, which only verifies");
});

test("what the configuration asks of tokens, minted ones have", async () => {
  const asked = [
    "--jwt_secret=one-for-this-test-of-minting-0123",
    "--jwt_issuer=https://id.test",
    "--jwt_audience=cable",
    "--jwt_type=at+jwt",
    "--jwt_require_exp",
  ];
  const token = await hawser("token", "mint", "ann", ...asked);
  expect(await hawser("token", "verify", token, ...asked)).toStartWith("accepted: ann");
  const other = await hawser("token", "mint", "ann", '--claims={"aud":"other"}', ...asked);
  expect((await runHawser(["token", "verify", other, ...asked])).stdout).toStartWith("refused: audience");
});
