import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { jwtVerify } from "jose";
import { findCompiler } from "./compile.ts";
import { type LoadClient, startLoadClient } from "./load-client.ts";
import { type PeerName, type RunningPeer, startPeer } from "./peers.ts";
import { signToken, writeTokens } from "./tokens.ts";

const CLIENTS = 50;

test("a token of the bench is one that others accept", async () => {
  const secret = "0123456789abcdef0123456789abcdef";
  const token = signToken(secret, { user_id: 7 }, Math.floor(Date.now() / 1000), 60);
  const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), { algorithms: ["HS256"] });
  expect(payload.ext).toBe('{"user_id":7}');
});

describe.skipIf(findCompiler() === null).each(["floor", "bare"] as const)(
  "the load client against %s",
  (name: PeerName) => {
    let peer: RunningPeer;
    let load: LoadClient;

    beforeAll(async () => {
      peer = await startPeer(name, { kind: "jwt" });
      load = startLoadClient(peer);
    });

    afterAll(async () => {
      await load?.stop();
      await peer?.server.stop();
    });

    test("connects, subscribes and counts each delivery once", async () => {
      expect(await load.connect(CLIENTS, 10)).toMatchObject({ welcomed: CLIENTS, refused: 0, lost: 0 });
      expect(await load.subscribe()).toMatchObject({ confirmed: CLIENTS, refused: 0, lost: 0 });
      const deliveries = { expected: 20 * CLIENTS, delivered: 20 * CLIENTS, lost: 0 };
      expect(await load.broadcast(20, 0)).toMatchObject(deliveries);
      const paced = await load.broadcast(20, 100);
      expect(paced).toMatchObject(deliveries);
      expect(paced.seconds).toBeGreaterThan(0.18);
      expect(paced.p50_ms).toBeGreaterThan(0);
      expect(paced.p99_ms).toBeGreaterThanOrEqual(paced.p50_ms);
      expect(await load.storm(true, 20)).toMatchObject({ back: CLIENTS, refused: 0, failed: 0 });
      const whispers = 20 * (CLIENTS - 1);
      expect(await load.whisper(20, 100)).toMatchObject({ expected: whispers, delivered: whispers, lost: 0 });
    });
  },
);

describe.skipIf(findCompiler() === null)("the load client", () => {
  test("comes back to a server that was killed and started again", async () => {
    const peer = await startPeer("floor", { kind: "jwt" });
    const load = startLoadClient(peer);
    await load.connect(CLIENTS, 10);
    await load.subscribe();
    const answer = load.storm(false, 40);
    await peer.restart();
    const { back, refused, seconds } = await answer;
    expect({ back, refused }).toEqual({ back: CLIENTS, refused: 0 });
    expect(seconds).toBeGreaterThan(1.5);
    await load.stop();
    await peer.server.stop();
  });

  test("counts clients that are refused", async () => {
    const refusing = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response(null, { status: 503 }),
    });
    const load = startLoadClient({ port: refusing.port ?? 0, broadcastPort: 1 });
    expect(await load.connect(CLIENTS, 10)).toMatchObject({ welcomed: 0, refused: CLIENTS, lost: 0 });
    await load.stop();
    await refusing.stop(true);
  });

  test("spreads subscriptions over its clients, and publishes to one stream at a time", async () => {
    const peer = await startPeer("hawser", { kind: "jwt" });
    const load = startLoadClient({ ...peer, tokens: writeTokens(CLIENTS) });
    expect(await load.connect(CLIENTS, 10)).toMatchObject({ welcomed: CLIENTS });
    expect(await load.spread(0, 3 * CLIENTS)).toMatchObject({ confirmed: 3 * CLIENTS, refused: 0, lost: 0 });
    expect(await load.spread(3 * CLIENTS, 4 * CLIENTS)).toMatchObject({ confirmed: CLIENTS });
    expect(await load.scatter(40, 1000, 4 * CLIENTS)).toMatchObject({ expected: 40, delivered: 40, lost: 0 });
    await load.stop();
    await peer.server.stop();
  });

  test("counts clients that are cut off after their welcome as lost", async () => {
    const cutting = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request, server) => (server.upgrade(request) ? undefined : new Response(null, { status: 400 })),
      websocket: {
        open: (socket) => void socket.send('{"type":"welcome"}'),
        message: (socket) => socket.terminate(),
      },
    });
    const load = startLoadClient({ port: cutting.port ?? 0, broadcastPort: 1 });
    expect(await load.connect(CLIENTS, 10)).toMatchObject({ welcomed: CLIENTS });
    expect(await load.subscribe()).toMatchObject({ confirmed: 0, lost: CLIENTS });
    await load.stop();
    await cutting.stop(true);
  });
});
