import { describe, expect, test } from "bun:test";
import { callOf, useChannelRig } from "../../../test/support/grpc-channel-rig.ts";
import { freePort, serveGrpc, WELCOME } from "../../../test/support/grpc-servers.ts";
import { serveNames } from "../../../test/support/name-server.ts";
import { until } from "../../../test/support/rpc-rig.ts";
import type { GrpcSource } from "./channel.ts";

const rig = useChannelRig();

const nameAt = (port: number, nameServer: string): GrpcSource => ({
  kind: "name",
  host: "rpc.test",
  port,
  nameServer,
});

describe("a name", () => {
  test("is looked up at the name server that the target names, and all its addresses are used", async () => {
    const names = rig.started(await serveNames(() => ["127.0.0.1", "127.0.0.2"]));
    const port = await freePort();
    const services = [
      rig.started(await serveGrpc(() => WELCOME, { address: `127.0.0.1:${port}` })),
      rig.started(await serveGrpc(() => WELCOME, { address: `127.0.0.2:${port}` })),
    ];
    const channel = rig.channel(nameAt(port, names.address));
    channel.connect();
    await until(() => channel.connections() === 2);
    for (let n = 0; n < 6; n += 1) expect(await callOf(channel)).toBeInstanceOf(Uint8Array);
    expect(services.map((service) => service.calls.length)).toEqual([3, 3]);
  });

  test("that nobody knows fails calls, and is looked up again until it is known", async () => {
    let addresses: string[] = [];
    const names = rig.started(await serveNames(() => addresses));
    const service = rig.started(await serveGrpc(() => WELCOME));
    const channel = rig.channel(nameAt(service.port, names.address));
    expect(await callOf(channel)).toBe("UNAVAILABLE No connection established");
    expect(channel.state()).toBe("failing");
    expect(channel.lastFailure()).toEqual({
      address: "rpc.test:1",
      reason: expect.stringMatching(/^the name cannot be resolved: .*ENOTFOUND/),
    });
    addresses = ["127.0.0.1"];
    await until(() => channel.state() === "ready");
    expect(await callOf(channel)).toBeInstanceOf(Uint8Array);
  });

  test("whose backend moved to another address is followed there", async () => {
    let addresses = ["127.0.0.1"];
    const names = rig.started(await serveNames(() => addresses));
    const before = await serveGrpc(() => WELCOME);
    const channel = await rig.connected(nameAt(before.port, names.address));
    const after = rig.started(await serveGrpc(() => WELCOME, { address: `127.0.0.2:${before.port}` }));
    addresses = ["127.0.0.2"];
    before.stop();
    await until(async () => (await callOf(channel)) instanceof Uint8Array);
    expect(after.calls.length).toBe(1);
    expect(channel.connections()).toBe(1);
  });

  test("is not looked up while its connections stand", async () => {
    const names = rig.started(await serveNames(() => ["127.0.0.1"]));
    const service = rig.started(await serveGrpc(() => WELCOME));
    const channel = await rig.connected(nameAt(service.port, names.address));
    const { asked } = names;
    const before = asked();
    await Bun.sleep(150);
    expect(await callOf(channel)).toBeInstanceOf(Uint8Array);
    expect(asked()).toBe(before);
  });

  test("that is asked of what is no name server's address cannot be resolved", async () => {
    const channel = rig.channel(nameAt(1, "no.address"));
    expect(await callOf(channel)).toBe("UNAVAILABLE No connection established");
    expect(channel.lastFailure()?.reason).toStartWith("the name cannot be resolved: ");
  });
});
