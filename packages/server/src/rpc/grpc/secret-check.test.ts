import { describe, expect, test } from "bun:test";
import { Metadata, Server, ServerCredentials } from "@grpc/grpc-js";
import { RecordingLog } from "@hawser/core/testing/recording-log";
import { serveGrpc, WELCOME } from "../../../test/support/grpc-servers.ts";
import { connectOnce, until, useGrpcRig } from "../../../test/support/rpc-rig.ts";
import { FINGERPRINT_HEADER, SecretCheck } from "../calls/secret-check.ts";

const rig = useGrpcRig();

const OWN = { active: ["aaaaaaaa", "bbbbbbbb"], former: ["cccccccc"] };

function checkOf(own = OWN): { check: SecretCheck; log: RecordingLog; said: () => string[] } {
  const log = new RecordingLog();
  const check = new SecretCheck(log);
  check.use(own);
  return { check, log, said: () => log.lines.map(({ level, message }) => `${level} ${message}`) };
}

describe("the comparison of secrets", () => {
  test("is content with any active one", () => {
    const { check, log } = checkOf();
    check.heard("bbbbbbbb");
    check.heard("aaaaaaaa");
    expect(log.lines.every(({ level }) => level === "debug")).toBe(true);
  });

  test("warns once of another, with both fingerprints", () => {
    const { check, log } = checkOf();
    for (let i = 0; i < 5; i++) check.heard("12345678");
    expect(log.lines).toEqual([
      {
        level: "warn",
        message: "JWT secrets differ: tokens of the application will be refused; give both the same",
        fields: { app_fp: "12345678", server_fp: "aaaaaaaa,bbbbbbbb" },
      },
    ]);
  });

  test("tells an application that is behind from one that is wrong", () => {
    const { check, said } = checkOf();
    check.heard("cccccccc");
    expect(said()).toEqual(["info the application still signs with a former secret"]);
  });

  test("begins anew when the server's secrets change", () => {
    const { check, said } = checkOf();
    check.heard("12345678");
    check.use({ active: ["12345678"], former: ["aaaaaaaa"] });
    expect(check.header).toBe("12345678");
    check.heard("12345678");
    expect(said().at(-1)).toStartWith("debug");
  });

  test("is not made by a server without secrets, nor of what is no fingerprint", () => {
    const { check, log } = checkOf({ active: [], former: [] });
    expect(check.header).toBe("");
    check.heard("12345678");
    const other = checkOf();
    other.check.heard("s3cret-of-mine");
    other.check.heard("");
    expect([...log.lines, ...other.log.lines]).toEqual([]);
  });

  test("tells a bounded number of applications apart", () => {
    const { check, log } = checkOf();
    for (let i = 0; i < 100; i++) check.heard(i.toString(16).padStart(8, "0"));
    expect(log.lines.length).toBeLessThan(20);
  });
});

describe("over gRPC", () => {
  test("our fingerprints go out with every call, and an answer is heard", async () => {
    const { check, said } = checkOf();
    const sent: unknown[] = [];
    const server = new Server();
    const same = (bytes: Buffer) => bytes;
    server.addService(
      {
        Connect: {
          path: "/anycable.RPC/Connect",
          requestStream: false,
          responseStream: false,
          requestSerialize: same,
          requestDeserialize: same,
          responseSerialize: same,
          responseDeserialize: same,
        },
      },
      {
        Connect(
          call: { metadata: Metadata; sendMetadata(metadata: Metadata): void },
          done: (error: null, reply: Buffer) => void,
        ) {
          sent.push(...call.metadata.get(FINGERPRINT_HEADER));
          const answer = new Metadata();
          answer.set(FINGERPRINT_HEADER, "12345678");
          call.sendMetadata(answer);
          done(null, Buffer.from(WELCOME));
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    rig.started({ stop: () => server.forceShutdown() });
    const part = rig.backend(port, { secrets: check });
    // The first finds no connection yet and goes another way than the others.
    for (let i = 0; i < 3; i++) {
      expect((await connectOnce(part.backend)).reply?.status).toBe("success");
      await until(() => part.backend.activeConnections() > 0);
    }
    expect(sent).toEqual(["aaaaaaaa,bbbbbbbb", "aaaaaaaa,bbbbbbbb", "aaaaaaaa,bbbbbbbb"]);
    expect(said()).toEqual([
      "warn JWT secrets differ: tokens of the application will be refused; give both the same",
    ]);
  });

  test("a service that knows nothing of it is called as ever", async () => {
    const { check, log } = checkOf();
    const service = rig.started(await serveGrpc(() => WELCOME));
    const part = rig.backend(service.port, { secrets: check });
    expect((await connectOnce(part.backend)).reply?.status).toBe("success");
    expect(log.lines).toEqual([]);
    const without = rig.backend(service.port);
    await connectOnce(without.backend);
    expect(service.calls[1]?.metadata.get(FINGERPRINT_HEADER)).toEqual([]);
  });
});
