import { afterEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { ChannelCredentials, Client, Metadata } from "@grpc/grpc-js";
import { DisconnectRequest } from "@hawser/proto/gen/rpc";
import { createCable, type SecretNotice, type ServeRpcOptions, serveRpc } from "./index.ts";

const running: Array<() => Promise<void> | void> = [];
afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop();
});

const SECRET = "of-the-application";
const fingerprint = (secret: string, purpose = "secret") =>
  createHmac("sha256", secret).update(`hawser-fingerprint:${purpose}`).digest("hex").slice(0, 8);

async function serve(options: ServeRpcOptions = {}) {
  const notices: SecretNotice[] = [];
  const service = await serveRpc(createCable({}), {
    port: 0,
    onNotice: (notice) => notices.push(notice),
    ...options,
  });
  running.push(() => service.close());
  const client = new Client(`127.0.0.1:${service.port}`, ChannelCredentials.createInsecure());
  running.push(() => client.close());
  return { client, notices };
}

const same = (bytes: Buffer) => bytes;
const DISCONNECT = Buffer.from(
  DisconnectRequest.encode({ identifiers: "x", subscriptions: [], env: undefined }).finish(),
);

/** Makes a call with this fingerprint; what the service answers in its place. */
function askAs(
  client: Client,
  fp: string | null,
  path = "/anycable.RPC/Disconnect",
  body: Buffer = DISCONNECT,
): Promise<unknown> {
  const metadata = new Metadata();
  metadata.set("protov", "v1");
  if (fp !== null) metadata.set("x-anycable-secret-fp", fp);
  return new Promise((resolve, reject) => {
    const call = client.makeUnaryRequest(
      path,
      same,
      same,
      body,
      metadata,
      { deadline: Date.now() + 10_000 },
      (error) => (error === null ? undefined : reject(error)),
    );
    call.on("metadata", (answered) => resolve(answered.get("x-anycable-secret-fp")[0]));
  });
}

describe("a service that was given its secret", () => {
  test("says at the start what its fingerprint is", async () => {
    const { notices } = await serve({ secret: SECRET });
    expect(notices).toEqual([
      {
        level: "info",
        message: `The secret of this application has the fingerprint ${fingerprint(SECRET)} (${fingerprint(SECRET, "jwt_secret")} as a jwt_secret)`,
      },
    ]);
  });

  test("agrees with a server that has it under either name, among others or alone", async () => {
    const { client, notices } = await serve({ secret: SECRET });
    expect(await askAs(client, fingerprint(SECRET))).toBe(fingerprint(SECRET));
    expect(await askAs(client, `99999999,${fingerprint(SECRET, "jwt_secret")}`)).toBe(
      fingerprint(SECRET, "jwt_secret"),
    );
    expect(notices).toHaveLength(1);
  });

  test("warns once of a server with another, and answers with its own", async () => {
    const { client, notices } = await serve({ secret: SECRET });
    for (let i = 0; i < 3; i++) expect(await askAs(client, "12345678")).toBe(fingerprint(SECRET));
    expect(notices).toHaveLength(2);
    expect(notices[1]?.level).toBe("warn");
    expect(notices[1]?.message).toContain("JWT secrets differ");
    expect(notices[1]?.message).toContain(fingerprint(SECRET));
    expect(notices[1]?.message).toContain("the server's is 12345678");
    expect(JSON.stringify(notices)).not.toContain(SECRET);
  });

  test("answers the health check too, and a server that sends no fingerprint", async () => {
    const { client, notices } = await serve({ secret: SECRET });
    expect(await askAs(client, null, "/grpc.health.v1.Health/Check", Buffer.alloc(0))).toBe(
      fingerprint(SECRET),
    );
    expect(await askAs(client, null)).toBe(fingerprint(SECRET));
    expect(notices).toHaveLength(1);
  });

  test("quotes nothing that is no fingerprint", async () => {
    const { client, notices } = await serve({ secret: SECRET });
    await askAs(client, "hello there");
    expect(notices).toHaveLength(1);
  });
});

test("a service without a secret answers none and says nothing", async () => {
  const { client, notices } = await serve();
  expect(await askAs(client, "12345678")).toBeUndefined();
  expect(notices).toEqual([]);
});

test("an empty secret is an error", async () => {
  await expect(serve({ secret: "" })).rejects.toThrow("Cannot compare an empty secret");
});
