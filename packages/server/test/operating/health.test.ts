import { afterEach, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { type Application, startApplication } from "../support/application.ts";
import { CableClient } from "../support/cable-client.ts";
import { freePorts, type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { exchangeRaw, upgradeRequest } from "../support/raw-http.ts";

let server: HawserProcess | null = null;
let application: Application | null = null;
let silent: Server | null = null;
afterEach(async () => {
  await server?.stop();
  application?.stop();
  silent?.close();
  server = null;
  application = null;
  silent = null;
});

async function start(...flags: readonly string[]): Promise<HawserProcess> {
  server = await startHawser(flags);
  return server;
}

async function ask(
  hawser: HawserProcess,
  path: string,
  method = "GET",
): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${hawser.port}${path}`, { method });
  return { status: response.status, text: await response.text() };
}

/** Asks until the answer has this status; the time it took. */
async function untilStatus(hawser: HawserProcess, status: number, withinMs: number): Promise<string> {
  const untilMs = Date.now() + withinMs;
  for (;;) {
    const answer = await ask(hawser, "/ready");
    if (answer.status === status) return answer.text;
    if (Date.now() > untilMs) throw new Error(`/ready still answers ${answer.status} ${answer.text}`);
    await Bun.sleep(50);
  }
}

describe("/health", () => {
  test("answers the reference's 45 bytes to any method", async () => {
    const hawser = await start("--norpc");
    for (const method of ["GET", "POST", "PUT", "DELETE", "OPTIONS"]) {
      const response = await fetch(`http://127.0.0.1:${hawser.port}/health`, { method });
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
      expect(await response.text()).toBe("Ah, ha, ha, ha, stayin' alive, stayin' alive.");
    }
    const head = await fetch(`http://127.0.0.1:${hawser.port}/health`, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe("45");
  });

  test("can be moved, and its old place is then not found", async () => {
    const hawser = await start("--norpc", "--health-path=/alive");
    expect((await ask(hawser, "/alive")).status).toBe(200);
    expect(await ask(hawser, "/health")).toEqual({ status: 404, text: "404 page not found\n" });
  });

  test("does not look at the backend", async () => {
    const [dead] = await freePorts(1);
    const hawser = await start(`--rpc_host=127.0.0.1:${dead}`);
    expect((await ask(hawser, "/health")).status).toBe(200);
  });

  test("is answered while the server is full", async () => {
    const hawser = await start("--norpc", "--noauth", "--max-conn=1");
    const only = new CableClient(`ws://127.0.0.1:${hawser.port}/cable`);
    await only.message(0);
    const refused = await exchangeRaw(hawser.port, upgradeRequest("/cable"), {
      done: (received) => received.includes("\r\n\r\n"),
    });
    expect(refused.toString()).toStartWith("HTTP/1.1 503");
    expect(refused.toString()).toMatch(/Retry-After: \d+/i);
    expect((await ask(hawser, "/health")).status).toBe(200);
    only.close();
  });
});

describe("/ready", () => {
  test("answers 200 at once where there is no backend to wait for", async () => {
    const hawser = await start("--norpc");
    expect(await ask(hawser, "/ready")).toEqual({ status: 200, text: "ready\n" });
  });

  test("can be moved, and turned off", async () => {
    const moved = await start("--norpc", "--ready-path=/can-serve");
    expect((await ask(moved, "/can-serve")).status).toBe(200);
    await moved.stop();
    const off = await start("--norpc", "--ready-path=");
    expect((await ask(off, "/ready")).status).toBe(404);
  });

  test("answers 503 while the backend has never answered, and 200 once it does, by itself", async () => {
    const [port] = await freePorts(1);
    const hawser = await start(`--rpc_host=127.0.0.1:${port}`);
    expect(await ask(hawser, "/ready")).toEqual({
      status: 503,
      text: "the RPC backend has not answered yet\n",
    });
    await Bun.sleep(700);
    expect((await ask(hawser, "/ready")).status).toBe(503);

    application = await startApplication({ port });
    expect(await untilStatus(hawser, 200, 8000)).toBe("ready\n");
    // Nothing was asked of the application for that.
    expect(application.calls).toEqual([]);
  }, 15_000);

  test("stays 503 where something listens that is no gRPC service", async () => {
    const [port] = await freePorts(1);
    silent = createServer((socket) => socket.on("error", () => {}));
    await new Promise<void>((listening) => silent?.listen(port, "127.0.0.1", listening));
    const hawser = await start(`--rpc_host=127.0.0.1:${port}`);
    await Bun.sleep(1000);
    expect((await ask(hawser, "/ready")).status).toBe(503);
  });

  test("stays 200 when the backend goes away later: clients that are connected need this server", async () => {
    application = await startApplication();
    const hawser = await start(`--rpc_host=127.0.0.1:${application.port}`);
    await untilStatus(hawser, 200, 5000);
    application.stop();
    await Bun.sleep(300);
    expect((await ask(hawser, "/ready")).status).toBe(200);
  });

  test("answers 503 during --shutdown_delay, while clients are still served", async () => {
    const hawser = await start("--norpc", "--noauth", "--shutdown_delay=2");
    const before = new CableClient(`ws://127.0.0.1:${hawser.port}/cable`);
    await before.message(0);
    hawser.signal("SIGTERM");
    await hawser.waitFor(/Shutting down/);
    expect((await ask(hawser, "/ready")).status).toBe(503);
    expect((await ask(hawser, "/health")).status).toBe(200);
    const during = new CableClient(`ws://127.0.0.1:${hawser.port}/cable`);
    expect(await during.message(0)).toContain('"welcome"');
    before.send({ command: "ping" });
    expect(await before.message(1)).toBe('{"type":"pong"}');
    expect(await hawser.exited).toBe(0);
    expect(before.closedWith).toEqual({ code: 1001, reason: "Server restart" });
    expect(during.closedWith).toEqual({ code: 1001, reason: "Server restart" });
  });
});
