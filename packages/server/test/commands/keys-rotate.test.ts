import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { runHawser } from "../support/hawser-command.ts";
import { createScratch } from "../support/scratch.ts";

const scratch = createScratch();
afterAll(() => scratch.remove());

interface Jwk {
  readonly kid: string;
  readonly alg: string;
  readonly k?: string;
  readonly d?: string;
  readonly state?: string;
  readonly exp?: number;
}

const keysOf = (file: string): readonly Jwk[] => JSON.parse(readFileSync(file, "utf8")).keys;
const statesOf = (file: string) =>
  Object.fromEntries(keysOf(file).map(({ kid, state }) => [kid, state ?? "active"]));
const rotate = (...args: string[]) => runHawser(["keys", "rotate", ...args]);

async function rotated(...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await rotate(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.trimEnd().split("\n");
}

describe("hawser keys rotate", () => {
  test("begins a file for its owner alone, then moves its keys on", async () => {
    const file = join(scratch.path, "begun.json");
    expect(await rotated(file, "--kid=one")).toEqual(["one: new and active"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await rotated(file, "--kid=two")).toEqual(["two: new and active", "one: verify-only"]);
    expect(statesOf(file)).toEqual({ two: "active", one: "verify-only" });
    expect(await rotated(file, "--retire=one")).toEqual(["one: retired"]);
    expect(statesOf(file)).toEqual({ two: "active", one: "retired" });
    expect(await rotated(file, "--retire", "two", "--kid=three")).toEqual([
      "three: new and active",
      "two: retired",
    ]);
    expect(await rotated(file, "--revoke=two")).toEqual(["two: revoked"]);
    expect(statesOf(file)).toEqual({ three: "active", two: "revoked", one: "retired" });
  });

  test("makes a key of the active one's kind, or of the one that is asked for", async () => {
    const file = join(scratch.path, "kinds.json");
    await rotated(file, "--alg=HS512");
    await rotated(file);
    expect(keysOf(file).map(({ alg }) => alg)).toEqual(["HS512", "HS512"]);
    await rotated(file, "--alg=EdDSA");
    expect(keysOf(file)[0]).toMatchObject({ alg: "EdDSA", d: expect.any(String) });
  });

  test("lets the former key end by itself", async () => {
    const file = join(scratch.path, "overlap.json");
    await rotated(file, "--kid=a");
    await rotated(file, "--kid=b", "--overlap=3600");
    const end = keysOf(file)[1]?.exp ?? 0;
    expect(Math.abs(end - (Date.now() / 1000 + 3600))).toBeLessThan(120);
  });

  test("is never seen half written, and leaves nothing else in the folder", async () => {
    const folder = createScratch();
    const file = join(folder.path, "keys.json");
    await rotated(file);
    let torn = 0;
    let seen = 0;
    let done = false;
    const reading = (async () => {
      while (!done) {
        try {
          if (keysOf(file).length === 0) torn++;
        } catch {
          torn++;
        }
        seen++;
        await Bun.sleep(0);
      }
    })();
    for (let turn = 0; turn < 3; turn++) await rotated(file);
    done = true;
    await reading;
    expect(torn).toBe(0);
    expect(seen).toBeGreaterThan(3);
    expect(readdirSync(folder.path)).toEqual(["keys.json"]);
    folder.remove();
  });

  test("keeps the file's permissions, and a link a link", async () => {
    const file = join(scratch.path, "real.json");
    const link = join(scratch.path, "link.json");
    await rotated(file);
    chmodSync(file, 0o640);
    symlinkSync("real.json", link);
    await rotated(link);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(keysOf(file)).toHaveLength(2);
  });

  test("takes a single JWK for a set of one, as keys generate prints it", async () => {
    const { stdout } = await runHawser(["keys", "generate", "--jwk", "--kid=single"]);
    const file = scratch.write("single.json", stdout);
    expect(await rotated(file, "--kid=next")).toEqual(["next: new and active", "single: verify-only"]);
  });

  test("changes nothing when the file is none of keys, holds a bad one, or has no such key", async () => {
    const cases = [
      ["not JSON", "it is not a JWK Set", []],
      ['{"keys":[{"kty":"oct","kid":"a","k":"!"}]}', "its k is not base64url", []],
      ['{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0LW9mLWEtdGVzdA"}]}', 'There are "a".', ["--retire=b"]],
      [
        '{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0LW9mLWEtdGVzdA"}]}',
        "another key of the set has the same kid",
        ["--kid=a"],
      ],
    ] as const;
    for (const [text, complaint, args] of cases) {
      const file = scratch.write("bad.json", text);
      const { code, stderr } = await rotate(file, ...args);
      expect({ code, complaint: stderr.includes(complaint) ? complaint : stderr }).toEqual({
        code: 1,
        complaint,
      });
      expect(readFileSync(file, "utf8")).toBe(text);
    }
    expect((await rotate(join(scratch.path, "no", "folder.json"))).stderr).toContain("nothing was changed");
    expect((await rotate(scratch.path)).stderr).toContain("; check the path and its permissions\n");
    expect((await rotate()).code).toBe(2);
  });
});
