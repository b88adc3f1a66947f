import { afterEach, expect, test } from "bun:test";
import { Status } from "@hawser/proto/gen/rpc";
import { type Application, type ApplicationOptions, startApplication } from "../support/application.ts";
import { CableClient } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { until } from "../support/rpc-rig.ts";
import { type Samples, scrape, sumOf } from "../support/scrape.ts";
import { goodToken, inSeconds, signToken } from "../support/tokens.ts";

const SECRET = "a secret of thirty-two characters";

let server: HawserProcess;
let application: Application;

afterEach(async () => {
  await server?.stop();
  application?.stop();
});

async function start(connect: NonNullable<ApplicationOptions["connect"]>, ...flags: string[]) {
  application = await startApplication({ connect });
  server = await startHawser([
    `--secret=${SECRET}`,
    "--rpc_after_jwt=shadow",
    `--rpc_host=127.0.0.1:${application.port}`,
    "--rpc_concurrency=4",
    "--metrics_http=/metrics",
    ...flags,
  ]);
}

/** What a client is told first, with this token or none. */
async function answerTo(token: string | null): Promise<unknown> {
  const client = new CableClient(
    `ws://127.0.0.1:${server.port}/cable${token === null ? "" : `?jid=${token}`}`,
  );
  const { type, reason } = JSON.parse(await client.message(0));
  client.close();
  return reason ?? type;
}

const count = (samples: Samples, jwt: string, rpc: string) =>
  sumOf(samples, "anycable_go_auth_disagreements_total", `jwt="${jwt}"`, `rpc="${rpc}"`);

/** Waits until a kind of disagreement has been counted so often. */
const counted = (jwt: string, rpc: string, times: number) =>
  until(async () => count(await scrape(server.port), jwt, rpc) === times);

test("each kind of disagreement is counted and named in a line, and nobody is told of it", async () => {
  await start(({ env }) => {
    const user = env?.url.includes("banned") ? { status: Status.FAILURE, errorMsg: "banned" } : {};
    return { identifiers: '{"user":"ann"}', transmissions: ['{"type":"welcome"}'], ...user };
  }, "--rpc_command_timeout=1000");
  expect(await answerTo(`${goodToken(SECRET)}`)).toBe("welcome");
  expect(await answerTo(`${goodToken(SECRET)}&banned=1`)).toBe("welcome");
  await counted("accepted", "failure", 1);
  expect(await answerTo(`${goodToken(SECRET, "ben")}`)).toBe("welcome");
  await counted("accepted", "other_identifiers", 1);
  expect(await answerTo(signToken(SECRET, { ext: "{}", exp: inSeconds(-9) }))).toBe("token_expired");
  await counted("refused", "success", 1);
  expect(application.callsOf("Connect")).toHaveLength(4);
  application.stop();
  expect(await answerTo(goodToken(SECRET))).toBe("welcome");
  await counted("accepted", "unreachable", 1);
  const lines = server.output().match(/token and application disagree.*/g) ?? [];
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatch(/jwt=accepted rpc=failure .*banned/);
  expect(server.output()).not.toContain("eyJ");
});

test("an application that hangs keeps nobody waiting who needs it", async () => {
  await start(({ env }) => (env?.url.includes("jid=") ? new Promise(() => {}) : {}));
  const welcomes = Array.from({ length: 20 }, () => answerTo(goodToken(SECRET)));
  expect(new Set(await Promise.all(welcomes))).toEqual(new Set(["welcome"]));
  // One of the four slots is taken by what is only compared; the other three answer these.
  const others = Array.from({ length: 20 }, () => answerTo(null));
  expect(new Set(await Promise.all(others))).toEqual(new Set(["welcome"]));
  const asked = application.callsOf("Connect").filter(({ request }) => request.env?.url.includes("jid="));
  expect(asked).toHaveLength(1);
});

test("a flood of bad tokens becomes no call, and one of expired tokens a few", async () => {
  await start(() => ({}));
  const flood = async (tokens: readonly string[]) => {
    for (let at = 0; at < tokens.length; at += 50) {
      await Promise.all(tokens.slice(at, at + 50).map((token) => answerTo(token)));
    }
  };
  const names = Array.from({ length: 300 }, (_, number) => `${number}`);
  await flood(names.map((name) => goodToken("another secret", name)));
  await flood(names.map((name) => `x.${name}.y`));
  expect(application.callsOf("Connect")).toEqual([]);
  const beganMs = performance.now();
  await flood(names.map((name) => signToken(SECRET, { ext: name, exp: inSeconds(-9) })));
  const seconds = Math.ceil((performance.now() - beganMs) / 1000);
  expect(application.callsOf("Connect").length).toBeWithin(1, 5 * (seconds + 1) + 1);
});
