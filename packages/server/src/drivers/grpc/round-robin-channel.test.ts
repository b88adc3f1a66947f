import { describe, expect, test } from "bun:test";
import { callOf, reply, startCall, useChannelRig } from "../../../test/support/grpc-channel-rig.ts";
import {
  freePort,
  serveGrpc,
  serveHttp2,
  serveProxy,
  serveTcp,
  WELCOME,
} from "../../../test/support/grpc-servers.ts";
import { answerStream, RST_STREAM, serveFrames } from "../../../test/support/http2-frames.ts";
import { until } from "../../../test/support/rpc-rig.ts";

const rig = useChannelRig();

const REFUSED = 7;

test("a call that waits for the connection and one that finds it standing send the same and get the same", async () => {
  const service = rig.started(await serveGrpc(() => WELCOME));
  const channel = rig.channel(service.port);
  expect(channel.state()).toBe("idle");
  const headers = { sid: "s", "x-jwt-identity": "e30", odd: "é" };
  for (let n = 0; n < 2; n += 1) {
    const bytes = await callOf(channel, { headers, timeoutMs: 1500.2 });
    expect(Buffer.from(bytes as Uint8Array).equals(WELCOME)).toBe(true);
  }
  const [waited, direct] = service.calls;
  expect(direct?.bytes).toEqual(waited!.bytes);
  const sent = { sid: "s", "x-jwt-identity": "e30", odd: "%C3%A9", "user-agent": "hawser" };
  expect(waited?.metadata.getMap()).toMatchObject(sent);
  expect(direct?.metadata.getMap()).toMatchObject(sent);
  expect(channel.state()).toBe("ready");
  expect(channel.connections()).toBe(1);
  channel.close();
  expect(channel.state()).toBe("closed");
});

test("several connections to one address take calls in turn, and one that is lost is opened again", async () => {
  const service = rig.started(await serveGrpc(() => WELCOME));
  const proxy = rig.started(await serveProxy(service.port));
  const channel = await rig.connected(proxy.port, { connectionsPerAddress: 3 });
  await until(() => channel.connections() === 3);
  for (let n = 0; n < 9; n += 1) await callOf(channel, {});
  const peers = new Map<string, number>();
  for (const { peer } of service.calls) peers.set(peer, (peers.get(peer) ?? 0) + 1);
  expect([...peers.values()]).toEqual([3, 3, 3]);
  proxy.cutOne();
  await until(() => proxy.opened() === 4 && channel.connections() === 3);
  for (let n = 0; n < 3; n += 1) expect(await callOf(channel, {})).toBeInstanceOf(Uint8Array);
  channel.close();
  expect(channel.connections()).toBe(0);
});

test("the time a call has is told to the server in whole milliseconds", async () => {
  const seen: (string | string[] | undefined)[] = [];
  const server = rig.started(
    await serveHttp2((stream, headers) => {
      seen.push(headers["grpc-timeout"], headers[":authority"], headers.te);
      reply(stream);
    }),
  );
  const channel = await rig.connected(server.port);
  for (const timeoutMs of [1500.2, 0, 1e12]) await callOf(channel, { timeoutMs });
  const authority = `127.0.0.1:${server.port}`;
  expect(seen).toEqual([
    ...["1501m", authority, "trailers"],
    ...[undefined, authority, "trailers"],
    ...["99999999m", authority, "trailers"],
  ]);
});

test("a stream that the server refused before looking at it is sent again, once", async () => {
  let streams = 0;
  const server = rig.started(
    await serveFrames((stream, write) => {
      streams += 1;
      if (streams === 2) answerStream(stream, write);
      else write(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, REFUSED]));
    }),
  );
  const channel = await rig.connected(server.port);
  expect(await callOf(channel)).toBeInstanceOf(Uint8Array);
  expect(streams).toBe(2);
  expect(await callOf(channel)).toBe("UNAVAILABLE Stream refused by server");
  expect(streams).toBe(4);
});

describe("more calls than the server allows streams", () => {
  test("wait for their turn", async () => {
    const server = rig.started(
      await serveHttp2((stream) => setTimeout(() => reply(stream), 5), { maxConcurrentStreams: 4 }),
    );
    const channel = await rig.connected(server.port);
    const replies = await Promise.all(Array.from({ length: 40 }, () => callOf(channel)));
    expect(replies.filter((bytes) => bytes instanceof Uint8Array).length).toBe(40);
  });

  test("do not reach it when they are cancelled before that", async () => {
    const sids: unknown[] = [];
    const answers: (() => void)[] = [];
    const server = rig.started(
      await serveHttp2(
        (stream, headers) => {
          sids.push(headers.sid);
          answers.push(() => reply(stream));
        },
        { maxConcurrentStreams: 1 },
      ),
    );
    const channel = await rig.connected(server.port);
    const first = callOf(channel, { headers: { sid: "first" } });
    const second = startCall(channel, { headers: { sid: "second" } });
    const third = callOf(channel, { headers: { sid: "third" } });
    await until(() => answers.length === 1);
    second.call.cancel(1, "given up");
    expect(await second.outcome).toBe("CANCELLED given up");
    answers[0]?.();
    expect(await first).toBeInstanceOf(Uint8Array);
    await until(() => answers.length === 2);
    answers[1]?.();
    expect(await third).toBeInstanceOf(Uint8Array);
    expect(sids).toEqual(["first", "third"]);
  });

  test("fail with the others when the connection is lost", async () => {
    let seen = 0;
    const server = await serveHttp2(
      () => {
        seen += 1;
      },
      { maxConcurrentStreams: 1 },
    );
    const channel = await rig.connected(server.port);
    const calls = [1, 2, 3].map(() => callOf(channel));
    await until(() => seen === 1);
    server.stop();
    for (const outcome of await Promise.all(calls)) expect(outcome).toStartWith("UNAVAILABLE ");
  });
});

test("a call that is cancelled while it waits for the connection is not sent", async () => {
  const port = await freePort();
  const channel = rig.channel(port);
  const { call, outcome } = startCall(channel);
  expect(channel.state()).toBe("connecting");
  call.cancel(1, "given up");
  expect(await outcome).toBe("CANCELLED given up");
  const service = rig.started(await serveGrpc(() => WELCOME, { address: `127.0.0.1:${port}` }));
  await until(() => channel.state() === "ready");
  expect(await callOf(channel)).toBeInstanceOf(Uint8Array);
  expect(service.calls.length).toBe(1);
});

describe("a peer that has gone silent", () => {
  test("before it said anything is given up, and the next connection is tried", async () => {
    const mute = rig.started(await serveTcp(() => {}));
    const channel = rig.channel(mute.port, { silentPeerMs: 100 });
    channel.connect();
    await until(() => channel.state() === "failing");
    expect(channel.lastFailure()).toEqual({
      address: `127.0.0.1:${mute.port}`,
      reason: "the peer accepted the connection and says nothing",
    });
    await until(() => mute.opened() > 1);
  });

  test("in the middle of a call is found out by pings", async () => {
    const service = rig.started(await serveGrpc(() => null));
    const proxy = rig.started(await serveProxy(service.port));
    const channel = await rig.connected(proxy.port, { keepaliveTimeMs: 100, keepaliveTimeoutMs: 100 });
    const call = callOf(channel);
    await until(() => service.calls.length === 1);
    proxy.freeze();
    expect(await call).toBe("UNAVAILABLE Connection dropped");
  });
});

test("a peer that answers pings keeps its connection", async () => {
  const service = rig.started(await serveGrpc(() => WELCOME));
  const proxy = rig.started(await serveProxy(service.port));
  const channel = await rig.connected(proxy.port, { keepaliveTimeMs: 20, keepaliveTimeoutMs: 1000 });
  await Bun.sleep(200);
  expect(await callOf(channel)).toBeInstanceOf(Uint8Array);
  expect(proxy.opened()).toBe(1);
});

describe("a server that says goodbye", () => {
  test("still answers what it has, and new calls go to the next connection", async () => {
    const answers: (() => void)[] = [];
    let sessions = 0;
    const server = rig.started(
      await serveHttp2(
        (stream) => {
          answers.push(() => reply(stream));
          if (answers.length > 1) answers.at(-1)?.();
          else stream.session?.close();
        },
        {},
        () => {
          sessions += 1;
        },
      ),
    );
    const channel = await rig.connected(server.port);
    const first = callOf(channel);
    await until(() => answers.length === 1 && channel.connections() === 1 && sessions === 2);
    expect(await callOf(channel)).toBeInstanceOf(Uint8Array);
    answers[0]?.();
    expect(await first).toBeInstanceOf(Uint8Array);
  });

  test("because of too many pings is pinged half as often from then on, and the operator hears of it", async () => {
    const notices: string[] = [];
    let sessions = 0;
    const server = rig.started(
      await serveHttp2(reply, {}, (session) => {
        sessions += 1;
        if (sessions === 1) setTimeout(() => session.goaway(11, 0, Buffer.from("too_many_pings")), 20);
      }),
    );
    const channel = await rig.connected(server.port, { onNotice: (line) => notices.push(line) });
    await until(() => sessions === 2 && channel.state() === "ready");
    expect(notices).toEqual([
      "the RPC backend wants fewer keepalive pings; from now on there is one every 20 s",
    ]);
    expect(await callOf(channel)).toBeInstanceOf(Uint8Array);
  });

  test("to everybody at once is not called in a loop", async () => {
    let sessions = 0;
    const server = rig.started(
      await serveHttp2(reply, {}, (session) => {
        sessions += 1;
        setTimeout(() => session.destroy(), 1);
      }),
    );
    rig.channel(server.port).connect();
    await until(() => sessions === 1);
    await Bun.sleep(350);
    expect(sessions).toBeWithin(2, 6);
  });
});

test("a connection that has carried all the calls it can is replaced, and no call is lost", async () => {
  let sessions = 0;
  const server = rig.started(
    await serveHttp2(reply, {}, () => {
      sessions += 1;
    }),
  );
  const channel = await rig.connected(server.port, { maxCallsPerConnection: 10 });
  for (let n = 0; n < 5; n += 1) {
    const replies = await Promise.all(Array.from({ length: 9 }, () => callOf(channel)));
    expect(replies.filter((bytes) => bytes instanceof Uint8Array).length).toBe(9);
  }
  expect(sessions).toBeWithin(4, 7);
});

test("a call on a closed channel fails", async () => {
  const service = rig.started(await serveGrpc(() => WELCOME));
  const channel = await rig.connected(service.port);
  channel.close();
  expect(await callOf(channel)).toBe("UNAVAILABLE Channel has been shut down");
  expect(channel.connections()).toBe(0);
});

test("closing the channel ends the connections when their calls have ended", async () => {
  const answers: (() => void)[] = [];
  let closed = 0;
  const server = rig.started(
    await serveHttp2(
      (stream) => answers.push(() => reply(stream)),
      {},
      (session) =>
        session.on("close", () => {
          closed += 1;
        }),
    ),
  );
  const channel = await rig.connected(server.port);
  const call = callOf(channel);
  await until(() => answers.length === 1);
  channel.close();
  await Bun.sleep(50);
  expect(closed).toBe(0);
  answers[0]?.();
  expect(await call).toBeInstanceOf(Uint8Array);
  await until(() => closed === 1);
});
