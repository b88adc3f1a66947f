import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hmacHex } from "../../src/drivers/crypto.ts";
import { CableClient, publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { goodToken, inSeconds, signToken } from "../support/tokens.ts";

/** Whoever gets hold of a session's id, or makes one up, in front of the real server. */

const SECRET = "a secret of thirty-two characters";
const BROADCAST_KEY = hmacHex(SECRET, "broadcast-cable");
const STREAM = JSON.stringify({ channel: "$pubsub", stream_name: "secrets" });
const UNAUTHORIZED = '{"type":"disconnect","reason":"unauthorized","reconnect":false}';
const EXPIRED = '{"type":"disconnect","reason":"token_expired","reconnect":false}';

let server: HawserProcess;
const open = new Set<CableClient>();

beforeAll(async () => {
  server = await startHawser([
    ...[`--secret=${SECRET}`, "--enforce_jwt", "--norpc", "--public_streams"],
    ...["--broker=memory", "--trust_request_id", "--log_level=debug"],
  ]);
});

afterAll(async () => {
  for (const client of open) client.terminate();
  await server?.stop();
});

interface Comes {
  readonly token?: string;
  readonly sid?: string;
  readonly headers?: Record<string, string>;
}

function come({ token, sid, headers = {} }: Comes): CableClient {
  const query = new URLSearchParams({
    ...(token === undefined ? {} : { jid: token }),
    ...(sid === undefined ? {} : { sid }),
  });
  const url = `ws://127.0.0.1:${server.port}/cable?${query}`;
  const client = new CableClient(url, { protocols: ["actioncable-v1-ext-json"], headers });
  open.add(client);
  return client;
}

/** Ann's session, which follows a stream; she is gone unless she stays. */
async function sessionOfAnn(stays: boolean): Promise<string> {
  const ann = come({ token: goodToken(SECRET) });
  const { sid } = JSON.parse(await ann.message(0));
  ann.send({ command: "subscribe", identifier: STREAM });
  await ann.message(1);
  if (!stays) ann.terminate();
  return sid;
}

const welcomeOf = async (client: CableClient) => JSON.parse(await client.message(0));

for (const stays of [true, false]) {
  describe(`the id of a session whose client ${stays ? "is here" : "has gone"}`, () => {
    test("opens nothing without a token, nor with one that has expired or that nobody signed", async () => {
      const sid = await sessionOfAnn(stays);
      const expired = signToken(SECRET, { ext: '{"user":"ann"}', exp: inSeconds(-1) });
      expect(await come({ sid }).message(0)).toBe(UNAUTHORIZED);
      expect(await come({ headers: { "X-ANYCABLE-RESTORE-SID": sid } }).message(0)).toBe(UNAUTHORIZED);
      expect(await come({ sid, token: expired }).message(0)).toBe(EXPIRED);
      expect(await come({ sid, token: goodToken("another secret") }).message(0)).toBe(UNAUTHORIZED);
    });

    test("gives the owner of another token a session of their own, without Ann's streams", async () => {
      const sid = await sessionOfAnn(stays);
      const eve = come({ sid, token: goodToken(SECRET, "eve") });
      expect(await welcomeOf(eve)).toEqual({ type: "welcome", sid: expect.any(String) });
      await publish(server.broadcastPort, { stream: "secrets", data: "1" }, BROADCAST_KEY);
      eve.send({ command: "ping" });
      expect(await eve.message(1)).toBe('{"type":"pong"}');
    });

    test("is good for Ann, also after others have tried it", async () => {
      const sid = await sessionOfAnn(stays);
      expect(await come({ sid }).message(0)).toBe(UNAUTHORIZED);
      const ann = come({ sid, token: goodToken(SECRET) });
      expect(await welcomeOf(ann)).toMatchObject({ restored: true, restored_ids: [STREAM] });
    });

    test("cannot be taken by who is trusted to choose an id", async () => {
      const sid = await sessionOfAnn(stays);
      const eve = come({ token: goodToken(SECRET, "eve"), headers: { "X-Request-ID": sid } });
      expect((await welcomeOf(eve)).sid).not.toBe(sid);
      eve.terminate();
      const ann = come({ sid, token: goodToken(SECRET) });
      expect(await welcomeOf(ann)).toMatchObject({ restored: true });
    });
  });
}

describe("an id that was made up", () => {
  test("opens nothing although a refused client chose it", async () => {
    const refused = come({ headers: { "X-Request-ID": "chosen" } });
    expect(await refused.message(0)).toBe(UNAUTHORIZED);
    await refused.closed();
    expect(await come({ sid: "chosen" }).message(0)).toBe(UNAUTHORIZED);
    const ann = come({ sid: "chosen", token: goodToken(SECRET) });
    expect(await welcomeOf(ann)).toEqual({ type: "welcome", sid: expect.any(String) });
  });

  for (const [what, sid] of [
    ["a name that every object has", "__proto__"],
    ["another", "constructor"],
    ["ten thousand characters", "x".repeat(10_000)],
    ["line breaks", "a\r\nerror forged"],
    ["text that is no ASCII", "séssion😀"],
  ] as const) {
    test(`of ${what} is an ordinary connect`, async () => {
      expect(await come({ sid }).message(0)).toBe(UNAUTHORIZED);
      const ann = come({ sid, token: goodToken(SECRET) });
      expect(await welcomeOf(ann)).toEqual({ type: "welcome", sid: expect.any(String) });
    });
  }

  test("is no line of the log, however it is written, and no long one", () => {
    const lines = server.output().split("\n");
    expect(lines.filter((line) => line.startsWith("error forged"))).toEqual([]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(2000);
  });
});
