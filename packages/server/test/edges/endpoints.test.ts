import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { type Application, startApplication } from "../support/application.ts";
import { CableClient, publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { linesAbout, parseTextLog } from "../support/log-lines.ts";
import { useStarted } from "../support/started.ts";

const started = useStarted();

async function start(...flags: readonly string[]): Promise<HawserProcess> {
  return started(await startHawser(flags));
}

async function application(): Promise<Application> {
  return started(await startApplication());
}

test("a WebSocket path with a wildcard does not take in the other endpoints", async () => {
  const hawser = await start("--public", "--norpc", "--path=/*,/{tenant}", "--metrics_http=/metrics");
  const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${hawser.port}${path}`)).status;
  expect(await statusOf("/health")).toBe(200);
  expect(await statusOf("/ready")).toBe(200);
  expect(await statusOf("/metrics")).toBe(200);
  expect(await statusOf("/elsewhere")).toBe(400);
  const client = new CableClient(`ws://127.0.0.1:${hawser.port}/health-of/others`);
  expect(await client.message(0)).toContain("welcome");
  client.close();
});

test("a publisher that goes away within its request leaves no trace in the log, and the server at work", async () => {
  const hawser = await start("--public", "--norpc");
  for (let i = 0; i < 5; i++) {
    const socket = connect(hawser.broadcastPort, "127.0.0.1");
    await new Promise<void>((connected) => socket.once("connect", connected));
    socket.write('POST /_broadcast HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{"stream":');
    await Bun.sleep(20);
    socket.destroy();
  }
  expect((await publish(hawser.broadcastPort, { stream: "s", data: "1" })).status).toBe(201);
  expect(hawser.stderr()).toBe("");
  const lines = parseTextLog(hawser.stdout());
  expect(lines.filter(({ level }) => level === "error")).toEqual([]);
});

describe("on a host that serves both families", () => {
  test("an IPv4 client has its address as the reference writes it: in lines and for the application", async () => {
    const app = await application();
    const hawser = await start(`--rpc_host=127.0.0.1:${app.port}`, "--host=::", "--jwt_secret=s3cret");
    const refused = new CableClient(`ws://127.0.0.1:${hawser.port}/cable?jid=rubbish`);
    await refused.closed();
    const welcomed = new CableClient(`ws://127.0.0.1:${hawser.port}/cable`);
    await welcomed.message(0);
    welcomed.close();
    const [line] = linesAbout(parseTextLog(hawser.stdout()), /^client refused$/);
    expect(line?.fields.remote).toBe("127.0.0.1");
    expect(app.callsOf("Connect")[0]?.request.env?.headers.REMOTE_ADDR).toBe("127.0.0.1");
  });

  test("an IPv6 client has its own, without brackets, and lines have addresses that can be opened", async () => {
    const hawser = await start("--norpc", "--host=::1", "--jwt_secret=s3cret");
    const refused = new CableClient(`ws://[::1]:${hawser.port}/cable?jid=rubbish`);
    await refused.closed();
    const lines = parseTextLog(hawser.stdout());
    expect(linesAbout(lines, /^client refused$/)[0]?.fields.remote).toBe("::1");
    const url = /http:\S+/.exec(linesAbout(lines, /^Handle health requests/)[0]?.message ?? "")?.[0] ?? "";
    expect((await fetch(url)).status).toBe(200);
  });
});

describe("the lines at start", () => {
  test("tell that the broadcast key was derived, and never the key", async () => {
    const hawser = await start("--norpc", "--secret=qwerty");
    const [line] = linesAbout(parseTextLog(hawser.stdout()), /^auto-generated authorization secret/);
    expect(line?.fields).toMatchObject({ context: "broadcast", provider: "http" });
    expect(hawser.stdout()).not.toContain("42923a28");
    const given = await start("--norpc", "--secret=qwerty", "--broadcast_key=k3y");
    expect(given.stdout()).not.toContain("auto-generated");
  });

  test("tell that signed streams are rejected (D7)", async () => {
    const hawser = await start("--norpc", "--noauth", "--public_streams");
    await hawser.waitFor(/signed streams are rejected/);
    const client = new CableClient(`ws://127.0.0.1:${hawser.port}/cable`);
    const signed = "ImhheCI=--7b2ca79c7f8441d663634747a6450008ced9e27b6f7d8645a5ab9e449cec7887"; // by an empty key
    const identifier = JSON.stringify({ channel: "$pubsub", signed_stream_name: signed });
    await client.message(0);
    client.send({ command: "subscribe", identifier });
    expect(await client.message(1)).toBe(
      `{"type":"reject_subscription","identifier":${JSON.stringify(identifier)}}`,
    );
    client.close();
  });
});
