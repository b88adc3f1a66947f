import { describe, expect, test } from "bun:test";
import { broadcaster, identificator } from "@anycable/serverless-js";
import { deriveKey } from "@hawser/core/signed/derive";
import { CableClient } from "../../server/test/support/cable-client.ts";
import { startHawser } from "../../server/test/support/hawser-process.ts";
import { hmacSha256Hex } from "../src/drivers/crypto.ts";
import { createTokens } from "../src/tokens/index.ts";

/**
 * AnyCable's library for serverless applications, from npm, and this one: each takes what the other made. The version on
 * npm signs no stream names; those of its later ones are among the vectors of `streams.test.ts`.
 */

const SECRET = "serverless";
const IDENTIFIERS = { userId: "7", name: "Ånn" };
const theirs = identificator<typeof IDENTIFIERS>(SECRET, "10m");
const ours = createTokens({ secret: SECRET });

describe("@anycable/serverless-js", () => {
  test("issues tokens that are accepted here", async () => {
    const token = await theirs.generateToken(IDENTIFIERS);
    expect(ours.verify(token)).toMatchObject({
      accepted: true,
      identifiers: IDENTIFIERS,
      identifiersText: JSON.stringify(IDENTIFIERS),
    });
    expect(createTokens({ secret: "other" }).verify(token)).toMatchObject({ reason: "bad_signature" });
    const old = await identificator(SECRET, 1_700_000_000).generateToken(IDENTIFIERS);
    expect(ours.verify(old)).toMatchObject({ reason: "expired" });
  });

  test("accepts the tokens that are issued here", async () => {
    const token = ours.issue(IDENTIFIERS);
    expect(await theirs.verify(token)).toBe(true);
    expect(await theirs.verifyAndFetch(token)).toEqual(IDENTIFIERS);
    await expect(theirs.verify(createTokens({ secret: "other" }).issue(IDENTIFIERS))).rejects.toThrow(
      "signature",
    );
    await expect(theirs.verify(ours.issue(IDENTIFIERS, { expiresInSeconds: -5 }))).rejects.toThrow("exp");
  });

  test("lets its clients in, and publishes to them, through the server", async () => {
    const server = await startHawser([`--secret=${SECRET}`, "--norpc", "--public_streams", "--enforce_jwt"]);
    const token = await theirs.generateToken(IDENTIFIERS);
    const client = new CableClient(`ws://127.0.0.1:${server.port}/cable?jid=${token}`, {
      protocols: ["actioncable-v1-json"],
    });
    try {
      expect(JSON.parse(await client.message(0))).toMatchObject({ type: "welcome" });
      const identifier = '{"channel":"$pubsub","stream_name":"news"}';
      client.send({ command: "subscribe", identifier });
      expect(JSON.parse(await client.message(1))).toMatchObject({ type: "confirm_subscription" });
      const key = deriveKey(SECRET, "broadcast", hmacSha256Hex);
      await broadcaster(`http://127.0.0.1:${server.broadcastPort}/_broadcast`, key)("news", IDENTIFIERS);
      expect(JSON.parse(await client.message(2))).toEqual({ identifier, message: IDENTIFIERS });
    } finally {
      client.close();
      await server.stop();
    }
  }, 30_000);
});
