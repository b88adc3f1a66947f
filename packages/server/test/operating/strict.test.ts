import { expect, test } from "bun:test";
import { CableClient } from "../support/cable-client.ts";
import { spawnHawser, startHawser } from "../support/hawser-process.ts";
import { goodToken, inSeconds, signToken } from "../support/tokens.ts";

const STRONG = "a secret of more than thirty-two bytes, by far";

test("--presets=strict does not start with a secret that can be guessed", async () => {
  const server = spawnHawser(["--norpc", "--presets=strict", "--jwt_secret=short"]);
  expect(await server.exited).toBe(1);
  expect(server.stderr()).toContain("jwt_strict takes no such secret");
  expect(server.stderr()).not.toContain("short:");
});

test("--presets=strict wants tokens that end, within a day, one of them a request, and ends connections with them", async () => {
  const server = await startHawser(["--norpc", "--presets=strict", `--jwt_secret=${STRONG}`]);
  try {
    const told = async (token: string, headers: Record<string, string> = {}) => {
      const client = new CableClient(`ws://127.0.0.1:${server.port}/cable?jid=${token}`, { headers });
      const { type, reason } = JSON.parse(await client.message(0));
      client.close();
      return reason ?? type;
    };
    const good = goodToken(STRONG);
    expect(await told(good)).toBe("welcome");
    expect(await told(good, { "X-JID": good })).toBe("welcome");
    expect(await told(good, { "X-JID": goodToken(STRONG, "ben") })).toBe("unauthorized");
    expect(await told(signToken(STRONG, { ext: "{}" }))).toBe("unauthorized");
    expect(await told(signToken(STRONG, { ext: "{}", exp: inSeconds(90_000) }))).toBe("unauthorized");
    const ending = new CableClient(
      `ws://127.0.0.1:${server.port}/cable?jid=${signToken(STRONG, { ext: "{}", exp: inSeconds(3) })}`,
    );
    await ending.closed(10_000);
    expect(ending.messages.at(-1)).toContain('"token_expired"');
    for (const reason of ["malformed", "exp_missing", "lifetime_too_long"]) {
      expect(server.output()).toContain(reason);
    }
  } finally {
    await server.stop();
  }
});
