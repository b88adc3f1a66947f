import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { HAS_OPENSSL, makeCertificate } from "../support/certificates.ts";
import { runHawser } from "../support/hawser-command.ts";
import { freePorts, type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { createScratch } from "../support/scratch.ts";

/** The reference's words. */
const ALIVE = "Ah, ha, ha, ha, stayin' alive, stayin' alive.";
const scratch = createScratch();
afterAll(() => scratch.remove());

let server: HawserProcess | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

describe("hawser health", () => {
  test("ends with 0 where the server answers, and says what it asked", async () => {
    server = await startHawser(["--norpc", "--health-path=/up"]);
    const asked = await runHawser(["health", "--host=0.0.0.0", `--port=${server.port}`, "--health-path=/up"]);
    const stdout = `http://127.0.0.1:${server.port}/up: 200 ${ALIVE}\n`;
    expect(asked).toEqual({ code: 0, stdout, stderr: "" });
  });

  test("reads the port from the environment, as the server does", async () => {
    server = await startHawser(["--norpc"]);
    const env = { ANYCABLE_HOST: "127.0.0.1", ANYCABLE_PORT: `${server.port}` };
    expect((await runHawser(["health"], { env })).code).toBe(0);
  });

  test("ends with 1 where nobody answers", async () => {
    const [port] = await freePorts(1);
    const { code, stdout, stderr } = await runHawser(["health", "--host=127.0.0.1", `--port=${port}`]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toStartWith(`hawser: ask http://127.0.0.1:${port}/health: nobody listens there`);
    expect(stderr).toEndWith("; check that the server runs there\n");
  });

  test("asks with --ready whether it takes clients, and tells why it does not", async () => {
    const [deadPort] = await freePorts(1);
    server = await startHawser([`--rpc_host=127.0.0.1:${deadPort}`]);
    const at = ["--host=127.0.0.1", `--port=${server.port}`];
    expect((await runHawser(["health", ...at])).code).toBe(0);
    const { code, stderr } = await runHawser(["health", "--ready", ...at]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `hawser: http://127.0.0.1:${server.port}/ready: 503 the RPC backend has not answered yet\n`,
    );
    expect((await runHawser(["health", "--ready", "--ready-path=", ...at])).code).toBe(2);
  });

  test.skipIf(!HAS_OPENSSL)("asks by TLS where the server has a certificate", async () => {
    const { certPath, keyPath } = makeCertificate(scratch.path, "health.test");
    const tls = [`--ssl_cert=${certPath}`, `--ssl_key=${keyPath}`];
    server = await startHawser(["--norpc", ...tls]);
    const { code, stdout } = await runHawser(["health", "--host=127.0.0.1", `--port=${server.port}`, ...tls]);
    expect(code).toBe(0);
    expect(stdout).toBe(`https://127.0.0.1:${server.port}/health: 200 ${ALIVE}\n`);
  });
});
