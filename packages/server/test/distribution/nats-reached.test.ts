import { afterAll, describe, expect, test } from "bun:test";
import { HAS_OPENSSL, makeCertificate } from "../support/certificates.ts";
import { runHawser } from "../support/hawser-command.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { makeNatsAccounts, makeNkey } from "../support/nats-accounts.ts";
import { HAS_NATS, type NatsServer, startNats } from "../support/nats-server.ts";
import { createScratch } from "../support/scratch.ts";
import { useStarted } from "../support/started.ts";

/** Every way to reach NATS: what the server says when it is there. */

const scratch = createScratch();
const PASSWORD = "pw-c4n4ry-of-nats";
const started = useStarted();
afterAll(() => scratch.remove());

async function nats(...args: readonly string[]): Promise<NatsServer> {
  return started(await startNats(args));
}

async function hawser(flags: readonly string[], env: Record<string, string> = {}): Promise<HawserProcess> {
  return started(await startHawser(["--norpc", "--public", "--pubsub=nats", ...flags], env));
}

const connected = (server: HawserProcess) => server.waitFor(/ connected .*context=pubsub/);
const refused = (server: HawserProcess) => server.waitFor(/NATS cannot be used; trying again/);

/** What ends the start; empty when it started. */
async function whyNotStarted(...flags: string[]): Promise<string> {
  return hawser(flags).then(
    () => "",
    (thrown: Error) => thrown.message,
  );
}

describe.skipIf(!HAS_NATS)("NATS is reached", () => {
  test("at another of its servers, in their order, with a token", async () => {
    const own = await nats("--auth", "t0ken");
    const url = `nats://t0ken@127.0.0.1:1,nats://127.0.0.1:${own.port}`;
    await connected(await hawser([`--nats_servers=${url}`, "--nats_dont_randomize_servers"]));
  }, 60_000);

  test("not with a wrong login, which is said without it", async () => {
    const own = await nats("--user", "me", "--pass", "right");
    const server = await hawser([`--nats_servers=nats://me:${PASSWORD}@127.0.0.1:${own.port}`]);
    await server.waitFor(/NATS cannot be used; trying again .*authorization/i);
    expect(server.output()).not.toContain("c4n4ry");
  }, 60_000);

  test("with a credentials file, which is read again at each connect", async () => {
    const [accounts, others] = [makeNatsAccounts(), makeNatsAccounts()];
    const own = await nats("--config", scratch.write("operator.conf", accounts.configuration));
    const file = scratch.write("user.creds", others.credentials());
    const flags = [`--nats_servers=${own.url}`, `--nats_creds_path=${file}`];
    const server = await hawser(flags);
    await server.waitFor(/NATS cannot be used; trying again .*authorization/i);
    scratch.write("user.creds", "half a fi");
    const credentials = accounts.credentials();
    scratch.write("user.creds", credentials);
    await connected(server);
    for (const secret of [...credentials.matchAll(/^(ey|SU)\S+$/gm)])
      expect(server.output()).not.toContain(secret[0].slice(-40));
    const { stdout } = await runHawser(["doctor", "--json", "--norpc", "--pubsub=nats", ...flags]);
    expect(stdout).toMatch(/nats:\/\/127\.0\.0\.1:\d+ answered in/);
  }, 60_000);

  test("with the seed of an nkey, whatever login the URL holds", async () => {
    const { seed, publicKey } = makeNkey();
    const own = await nats(
      "--config",
      scratch.write("nkey.conf", `authorization { users: [{ nkey: ${publicKey} }] }`),
    );
    const file = scratch.write("user.nk", `${seed}\n`);
    await connected(
      await hawser([`--nats_servers=nats://no:body@127.0.0.1:${own.port}`, `--nats_creds_path=${file}`]),
    );
    await refused(await hawser([`--nats_servers=${own.url}`]));
  }, 60_000);

  test.skipIf(!HAS_OPENSSL)(
    "by TLS, with the certificates that the system trusts",
    async () => {
      const { certPath, keyPath } = makeCertificate(scratch.path, "nats");
      const own = await nats("--tls", "--tlscert", certPath, "--tlskey", keyPath);
      const flags = [`--nats_servers=tls://localhost:${own.port}`];
      await connected(await hawser(flags, { NODE_EXTRA_CA_CERTS: certPath }));
      await refused(await hawser(flags));
    },
    60_000,
  );

  test.skipIf(!HAS_OPENSSL)(
    "by TLS, both sides showing certificates that are checked",
    async () => {
      const [own, other] = [
        makeCertificate(scratch.path, "own"),
        makeCertificate(scratch.path, "this-server"),
      ];
      const broker = await nats(
        ...["--tlsverify", "--tlscert", own.certPath, "--tlskey", own.keyPath, "--tlscacert", other.certPath],
      );
      const trusting = `--nats_tls_ca_cert_path=${own.certPath}`;
      const shown = [
        `--nats_tls_client_cert_path=${other.certPath}`,
        `--nats_tls_client_key_path=${other.keyPath}`,
      ];
      for (const place of [
        `tls://localhost:${broker.port}`,
        `tls://127.0.0.1:${broker.port}`,
        `nats://127.0.0.1:${broker.port}`,
      ])
        await connected(await hawser([`--nats_servers=${place}`, trusting, ...shown]));
      const url = `--nats_servers=tls://127.0.0.1:${broker.port}`;
      await refused(await hawser([url, trusting]));
      await refused(await hawser([url, ...shown]));
      const { stdout } = await runHawser(["doctor", "--norpc", "--pubsub=nats", url, trusting, ...shown]);
      expect(stdout).toMatch(/nats:\/\/127\.0\.0\.1:\d+ answered in/);
    },
    60_000,
  );
});

test("a server that asks for TLS does not speak to a NATS without it", async () => {
  if (!HAS_NATS || !HAS_OPENSSL) return;
  const own = await nats();
  const { certPath } = makeCertificate(scratch.path, "ca");
  const server = await hawser([`--nats_servers=${own.url}`, `--nats_tls_ca_cert_path=${certPath}`]);
  await server.waitFor(/NATS cannot be used; trying again .*does not support 'tls'/);
}, 60_000);

test("a file for NATS that cannot be used ends the start", async () => {
  const none = scratch.write("none", `SU${"A".repeat(55)}c4n4ry`);
  expect(await whyNotStarted("--nats_creds_path=/none.creds")).toContain(
    "read /none.creds (--nats_creds_path): ",
  );
  const said = await whyNotStarted(`--nats_creds_path=${none}`);
  expect(said).toContain("(--nats_creds_path): it holds no JWT with a seed, and no seed alone; name a file");
  expect(said).not.toContain("c4n4ry");
  expect(await whyNotStarted(`--nats_tls_ca_cert_path=${none}`)).toContain(
    "(--nats_tls_ca_cert_path): nothing in it is in PEM form",
  );
  expect(await whyNotStarted("--nats_tls_client_cert_path=/a.crt")).toContain(
    "nats_tls_client_cert_path is set without nats_tls_client_key_path",
  );
}, 60_000);
