import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { mkdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { CableClient, publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { scrape, sumOf } from "../support/scrape.ts";
import { createScratch, type Scratch } from "../support/scratch.ts";
import { goodToken } from "../support/tokens.ts";

const OLD = "the old secret which is long enough for anyone";
const NEW = "the new secret which is just as long as the old";
const THIRD = "a third secret for whoever has not had enough yet";

let scratch: Scratch;
let server: HawserProcess;

beforeEach(() => {
  scratch = createScratch();
});
afterEach(async () => {
  await server?.stop();
  scratch.remove();
});

const FLAGS = ["--norpc", "--public_streams", "--metrics_http=/metrics"];
const start = async (...flags: string[]) => {
  server = await startHawser([...FLAGS, ...flags]);
};

/** What a client with this token is told first. */
async function answerTo(token: string): Promise<unknown> {
  const client = new CableClient(`ws://127.0.0.1:${server.port}/cable?jid=${token}`);
  const { type, reason } = JSON.parse(await client.message(0));
  client.close();
  return reason ?? type;
}

const reloads = async (result: string) =>
  sumOf(await scrape(server.port), "anycable_go_jwt_ring_reloads_total", `result="${result}"`);

/** Replaces a file as an editor does. */
function replace(name: string, text: string): void {
  renameSync(scratch.write(`${name}.new`, text), join(scratch.path, name));
}

const derived = (secret: string) => createHmac("sha256", secret).update("broadcast-cable").digest("hex");

describe("a secret that is replaced in its file", () => {
  test("is taken over within two seconds, and the old one is still good", async () => {
    await start(`--secret_file=${scratch.write("secret", `${OLD}\n`)}`, "--jwt_secret_overlap=60");
    expect(await answerTo(goodToken(OLD))).toBe("welcome");
    expect(await answerTo(goodToken(NEW))).toBe("unauthorized");
    const beganMs = performance.now();
    replace("secret", `${NEW}\n`);
    await server.waitFor(/keys were reloaded/);
    expect(performance.now() - beganMs).toBeLessThan(4000);
    expect(await answerTo(goodToken(NEW))).toBe("welcome");
    expect(await answerTo(goodToken(OLD))).toBe("welcome");
    expect(await reloads("reloaded")).toBe(1);
  });

  test("gives its place a second time, and the first one is known for long", async () => {
    await start(`--secret_file=${scratch.write("secret", OLD)}`);
    for (const secret of [NEW, THIRD]) {
      replace("secret", secret);
      await server.waitFor(new RegExp(`(keys were reloaded[^]*){${secret === NEW ? 1 : 2}}`));
    }
    for (const secret of [OLD, NEW, THIRD]) expect(await answerTo(goodToken(secret))).toBe("welcome");
  });

  test("takes what comes from it along: publishing, and signed streams", async () => {
    await start(`--secret_file=${scratch.write("secret", OLD)}`);
    const publishWith = async (key: string) =>
      (await publish(server.broadcastPort, { stream: "s", data: "1" }, key)).status;
    expect(await publishWith(derived(OLD))).toBe(201);
    expect(await publishWith(derived(NEW))).toBe(401);
    replace("secret", NEW);
    await server.waitFor(/keys were reloaded/);
    expect([await publishWith(derived(OLD)), await publishWith(derived(NEW))]).toEqual([201, 201]);
    const client = new CableClient(`ws://127.0.0.1:${server.port}/cable?jid=${goodToken(OLD)}`);
    await client.message(0);
    for (const [at, secret] of [OLD, NEW, THIRD].entries()) {
      const name = Buffer.from(JSON.stringify(`chat-${at}`)).toString("base64");
      const signature = createHmac("sha256", secret).update(name).digest("hex");
      const identifier = JSON.stringify({ channel: "$pubsub", signed_stream_name: `${name}--${signature}` });
      client.send({ command: "subscribe", identifier });
      const answer = secret === THIRD ? "reject_subscription" : "confirm_subscription";
      expect(JSON.parse(await client.message(at + 1)).type).toBe(answer);
    }
    client.close();
  });

  test("answers its tokens as expired once its time is over, or otherwise if asked to", async () => {
    const file = scratch.write("secret", OLD);
    await start(`--secret_file=${file}`, "--jwt_secret_overlap=0");
    replace("secret", NEW);
    await server.waitFor(/keys were reloaded/);
    expect(await answerTo(goodToken(OLD))).toBe("token_expired");
    expect(await answerTo(goodToken(NEW))).toBe("welcome");
    await server.stop();
    await start(`--secret_file=${file}`, "--jwt_secret_overlap=0", "--jwt_retired_as=unauthorized");
    replace("secret", THIRD);
    await server.waitFor(/keys were reloaded/);
    expect(await answerTo(goodToken(NEW))).toBe("unauthorized");
  });

  test("leaves those who are connected alone", async () => {
    await start(`--secret_file=${scratch.write("secret", OLD)}`, "--jwt_secret_overlap=0");
    const client = new CableClient(`ws://127.0.0.1:${server.port}/cable?jid=${goodToken(OLD)}`);
    await client.message(0);
    client.send({ command: "subscribe", identifier: '{"channel":"$pubsub","stream_name":"s"}' });
    await client.message(1);
    replace("secret", NEW);
    await server.waitFor(/keys were reloaded/);
    expect((await publish(server.broadcastPort, { stream: "s", data: '"x"' }, derived(NEW))).status).toBe(
      201,
    );
    expect(JSON.parse(await client.message(2)).message).toBe("x");
    client.close();
  });

  test("may lie behind the links of a secret mount", async () => {
    for (const [version, secret] of [
      ["1", OLD],
      ["2", NEW],
    ] as const) {
      mkdirSync(join(scratch.path, version));
      scratch.write(`${version}/secret`, secret);
    }
    symlinkSync("1", join(scratch.path, "..data"));
    symlinkSync("..data/secret", join(scratch.path, "secret"));
    await start(`--secret_file=${join(scratch.path, "secret")}`);
    symlinkSync("2", join(scratch.path, "..tmp"));
    renameSync(join(scratch.path, "..tmp"), join(scratch.path, "..data"));
    await server.waitFor(/keys were reloaded/);
    expect(await answerTo(goodToken(NEW))).toBe("welcome");
  });
});

describe("SIGHUP", () => {
  test("reads the keys and the configuration's file again", async () => {
    const file = scratch.write("a.toml", `secret = "${OLD}"\n`);
    await start(`--config-path=${file}`);
    server.signal("SIGHUP");
    await server.waitFor(/keys are unchanged/);
    replace("a.toml", `secret = "${NEW}"\n[jwt]\nprevious_secrets = ["${THIRD}"]\n`);
    server.signal("SIGHUP");
    await server.waitFor(/keys were reloaded/);
    for (const secret of [OLD, NEW, THIRD]) expect(await answerTo(goodToken(secret))).toBe("welcome");
    expect([await reloads("unchanged"), await reloads("reloaded")]).toEqual([1, 1]);
    expect(server.output()).not.toContain("take effect at the next start");
  });
});

test("options that are not keys wait for the next start, and the log says so", async () => {
  const file = scratch.write("a.toml", `secret = "${OLD}"\n`);
  await start(`--config-path=${file}`);
  replace("a.toml", `secret = "${NEW}"\n[jwt]\nleeway = 5\n`);
  server.signal("SIGHUP");
  await server.waitFor(/options that are not keys have changed too; they take effect at the next start/);
  await server.waitFor(/keys were reloaded/);
  expect(await answerTo(goodToken(NEW))).toBe("welcome");
});

describe("a bad new file", () => {
  test("leaves the old keys in force and says so in one line, without its text", async () => {
    const set = (kid: string) =>
      JSON.stringify({ keys: [{ kty: "oct", kid, k: Buffer.from(OLD).toString("base64url") }] });
    const file = scratch.write("keys.json", set("a"));
    await start(`--jwt_keys_file=${file}`);
    expect(await answerTo(goodToken(OLD))).toBe("welcome");
    replace("keys.json", '{"keys":[{"kty":"oct","k":"canary-secret!"}]}');
    await server.waitFor(/keys were not reloaded; the old ones stay in force/);
    const lines = server
      .output()
      .split("\n")
      .filter((line) => line.includes("not reloaded"));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("Cannot use key number 1 of");
    expect(server.output()).not.toContain("canary");
    expect(await answerTo(goodToken(OLD))).toBe("welcome");
    expect(await reloads("failed")).toBe(1);
    replace("keys.json", set("b"));
    await server.waitFor(/keys were reloaded/);
    expect(await answerTo(goodToken(OLD))).toBe("welcome");
  });
});

test("the start tells the keys by name and fingerprint, and no secret", async () => {
  await start(`--secret=${OLD}`, `--jwt_previous_secrets=${NEW}`);
  const print = (secret: string) =>
    createHmac("sha256", secret).update("hawser-fingerprint:secret").digest("hex").slice(0, 8);
  expect(server.output()).toContain(`secret (${print(OLD)}), previous-1 (${print(NEW)}, verify-only)`);
  expect(server.output()).not.toContain(OLD);
});

test("under jwt_strict a request with two different tokens is refused", async () => {
  await start(`--secret=${OLD}`, "--jwt_strict");
  const [one, other] = [goodToken(OLD, "ann"), goodToken(OLD, "bob")];
  const answer = async (header: string) => {
    const client = new CableClient(`ws://127.0.0.1:${server.port}/cable?jid=${one}`, {
      headers: { "X-JID": header },
    });
    return JSON.parse(await client.message(0)).reason ?? "welcome";
  };
  expect(await answer(one)).toBe("welcome");
  expect(await answer(other)).toBe("unauthorized");
  await server.waitFor(/the request carries two different tokens/);
});
