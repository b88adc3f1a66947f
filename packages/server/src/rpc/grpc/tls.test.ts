import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import { HAS_OPENSSL } from "../../../test/support/certificates.ts";
import { serveGrpc, WELCOME } from "../../../test/support/grpc-servers.ts";
import { connectOnce, told, useGrpcRig } from "../../../test/support/rpc-rig.ts";

const rig = useGrpcRig();

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hawser-tls-"));
  if (!HAS_OPENSSL) return;
  for (const name of ["ca", "other-ca"])
    openssl(
      "req",
      "-x509",
      ...KEY,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.crt`,
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
    );
  sign("good", "DNS:localhost,IP:127.0.0.1");
  sign("named", "DNS:localhost");
  sign("foreign", "DNS:elsewhere.test,IP:127.0.0.9");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

function openssl(...args: string[]): void {
  const made = Bun.spawnSync(["openssl", ...args], { cwd: folder });
  if (made.exitCode !== 0) throw new Error(`openssl ${args[0]}: ${made.stderr}`);
}

/** A certificate of the first authority. */
function sign(name: string, names: string): void {
  openssl("req", ...KEY, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
  writeFileSync(join(folder, "names"), `subjectAltName=${names}`);
  openssl(
    "x509",
    "-req",
    "-in",
    `${name}.csr`,
    "-CA",
    "ca.crt",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-days",
    "2",
    "-extfile",
    "names",
    "-out",
    `${name}.crt`,
  );
}

const file = (name: string) => join(folder, name);

async function serveWith(certificate: string) {
  const pair = {
    private_key: readFileSync(file(`${certificate}.key`)),
    cert_chain: readFileSync(file(`${certificate}.crt`)),
  };
  return rig.started(
    await serveGrpc(() => WELCOME, { credentials: ServerCredentials.createSsl(null, [pair]) }),
  );
}

describe.skipIf(!HAS_OPENSSL)("TLS to the backend", () => {
  test.each([
    ["a name, the authority as a file", "localhost", "good", true],
    ["an address, which the certificate names", "127.0.0.1", "good", true],
    ["a name, checked against the file's text", "localhost", "named", false],
  ])("%s", async (_what, host, certificate, asFile) => {
    const service = await serveWith(certificate);
    const tlsRootCa = asFile ? file("ca.crt") : readFileSync(file("ca.crt"), "utf8");
    const part = rig.backend(`${host}:${service.port}`, { tlsRootCa });
    const { reply, fault } = await connectOnce(part.backend);
    expect(told(fault)).toBe("not a CableError: null");
    expect(reply?.status).toBe("success");
  });

  test("several hosts, each under its own name", async () => {
    const services = [await serveWith("good"), await serveWith("named")];
    const part = rig.backend(`grpc-list://127.0.0.1:${services[0]?.port},localhost:${services[1]?.port}`, {
      tlsRootCa: file("ca.crt"),
    });
    for (let n = 0; n < 50 && services.some((service) => service.calls.length === 0); n += 1) {
      expect((await connectOnce(part.backend)).reply?.status).toBe("success");
      await Bun.sleep(2);
    }
    expect(services.map((service) => service.calls.length > 0)).toEqual([true, true]);
  });

  test.each([
    [
      "an authority that is not trusted",
      "127.0.0.1",
      "good",
      { tlsRootCa: "other-ca.crt" },
      "signed by none of the trusted roots",
    ],
    ["no authority given", "127.0.0.1", "good", { enableTls: true }, "signed by none of the trusted roots"],
    [
      "a certificate for another name",
      "localhost",
      "foreign",
      { tlsRootCa: "ca.crt" },
      "Host: localhost. is not in the cert's altnames: DNS:elsewhere.test",
    ],
    [
      "a certificate for another address",
      "127.0.0.1",
      "foreign",
      { tlsRootCa: "ca.crt" },
      "127.0.0.1 is not in the cert's list",
    ],
    [
      "a certificate without the address",
      "127.0.0.1",
      "named",
      { tlsRootCa: "ca.crt" },
      "127.0.0.1 is not in the cert's list",
    ],
  ])("fails, saying why: %s", async (_what, host, certificate, options, why) => {
    const service = await serveWith(certificate);
    const tlsRootCa = "tlsRootCa" in options ? file(options.tlsRootCa) : null;
    const part = rig.backend(`${host}:${service.port}`, { ...options, tlsRootCa });
    const { fault } = await connectOnce(part.backend);
    expect(told(fault)).toMatch(
      /^backend_unreachable: cannot reach the RPC backend at 127.0.0.1:\d+ for Connect /,
    );
    expect(told(fault)).toContain(why);
    expect(service.calls.length).toBe(0);
    expect(part.log.text()).toContain(why);
  });

  test("without verification any certificate does", async () => {
    const service = await serveWith("foreign");
    for (const host of ["localhost", "127.0.0.1"]) {
      const part = rig.backend(`${host}:${service.port}`, { enableTls: true, tlsVerify: false });
      expect((await connectOnce(part.backend)).reply?.status).toBe("success");
    }
  });

  test("to a server in plain text, and in plain text to a server with TLS", async () => {
    const plain = rig.started(await serveGrpc(() => WELCOME));
    const toPlain = rig.backend(plain.port, { tlsRootCa: file("ca.crt") });
    expect(told((await connectOnce(toPlain.backend)).fault)).toContain("the peer does not speak TLS");
    const secured = await serveWith("good");
    const toSecured = rig.backend(secured.port);
    expect(told((await connectOnce(toSecured.backend)).fault)).toMatch(
      /^backend_unreachable: .*\((the peer closed the connection; does it expect TLS\?|the peer does not speak HTTP\/2)\)/,
    );
  });

  test("a server that knows nothing newer than TLS 1.1 is refused", async () => {
    const server = createServer({
      key: readFileSync(file("good.key")),
      cert: readFileSync(file("good.crt")),
      minVersion: "TLSv1.1",
      maxVersion: "TLSv1.1",
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    rig.started({ stop: () => void server.close() });
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const part = rig.backend(`127.0.0.1:${port}`, { tlsRootCa: file("ca.crt") });
    const { fault } = await connectOnce(part.backend);
    expect(told(fault)).toMatch(/^backend_unreachable: .*PROTOCOL_VERSION/);
  });
});

describe("a root certificate that cannot be used stops the start", () => {
  test.each([
    ["a file that is not there", "/nowhere/ca.crt"],
    ["text that is no PEM", "certificates go here"],
    ["a certificate that does not parse", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"],
  ])("%s", (_what, tlsRootCa) => {
    expect(() => rig.backend("127.0.0.1:1", { tlsRootCa })).toThrow(
      expect.objectContaining({
        code: "config_invalid",
        message: expect.stringMatching(/^cannot use rpc_tls_root_ca: /),
      }),
    );
  });
});
