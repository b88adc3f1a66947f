import { afterEach, describe, expect, test } from "bun:test";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { serveTcp } from "../../../test/support/grpc-servers.ts";
import { systemClock } from "../../drivers/clock.ts";
import { probeBackend } from "./probe.ts";

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0).reverse()) stop();
});

type Reply = Buffer | number;

/** A service whose health check answers this; what it was asked. */
async function serveHealth(reply: Reply | null, asked: Buffer[] = []): Promise<number> {
  const server = new Server();
  const same = (bytes: Buffer) => bytes;
  if (reply !== null) {
    server.addService(
      {
        Check: {
          path: "/grpc.health.v1.Health/Check",
          requestStream: false,
          responseStream: false,
          requestSerialize: same,
          requestDeserialize: same,
          responseSerialize: same,
          responseDeserialize: same,
        },
      },
      {
        Check(call: { request: Buffer }, done: (error: object | null, reply?: Buffer) => void) {
          asked.push(call.request);
          if (typeof reply === "number") done({ code: reply, details: "so it is" });
          else done(null, reply);
        },
      },
    );
  }
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  stops.push(() => server.forceShutdown());
  return port;
}

const probe = (port: number, timeoutMs = 10_000) =>
  probeBackend(
    {
      host: `127.0.0.1:${port}`,
      maxRecvBytes: 0,
      poolSize: 1,
      enableTls: false,
      tlsVerify: true,
      tlsRootCa: null,
    },
    { clock: systemClock, fingerprints: "", timeoutMs },
  );

describe("a look at the application's service", () => {
  test("asks the health service about anycable.RPC, and believes it", async () => {
    const asked: Buffer[] = [];
    expect(await probe(await serveHealth(Buffer.from([8, 1]), asked))).toMatchObject({ outcome: "serving" });
    expect(asked.map(String)).toEqual(["\n\fanycable.RPC"]);
    expect(await probe(await serveHealth(Buffer.from([8, 2])))).toMatchObject({ outcome: "not_serving" });
  });

  test("is content with a service that speaks gRPC and has no health service, or none of this name", async () => {
    expect(await probe(await serveHealth(null))).toMatchObject({ outcome: "answers", fingerprints: [] });
    expect(await probe(await serveHealth(status.NOT_FOUND))).toMatchObject({ outcome: "answers" });
  });

  test("says why nobody can be asked", async () => {
    const gone = await serveTcp(() => {});
    gone.stop();
    const refused = await probe(gone.port);
    expect(refused).toMatchObject({ outcome: "unreachable" });
    expect(JSON.stringify(refused)).toContain("ECONNREFUSED");
    const failing = await probe(await serveHealth(status.INTERNAL));
    expect(failing).toEqual({ outcome: "unreachable", why: "so it is" });
  });

  test("waits no longer than it was given", async () => {
    const silent = await serveTcp(() => {});
    stops.push(() => silent.stop());
    const startedAtMs = performance.now();
    expect(await probe(silent.port, 300)).toMatchObject({ outcome: "unreachable" });
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
  });
});
