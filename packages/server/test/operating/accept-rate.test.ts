import { afterEach, expect, test } from "bun:test";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { exchangeRaw, upgradeRequest } from "../support/raw-http.ts";
import { until } from "../support/until.ts";

let server: HawserProcess | null = null;
afterEach(() => server?.stop());

/** Comes with a handshake, and leaves when it was answered: with a welcome, or with a 503. */
async function come(port: number, query = ""): Promise<string> {
  const request = upgradeRequest(`/cable${query}`, { "Sec-WebSocket-Protocol": "actioncable-v1-ext-json" });
  const done = (received: Buffer) => /"type":"welcome"|Service Unavailable\n$/.test(received.toString());
  return (await exchangeRaw(port, request, { withinMs: 10_000, done })).toString();
}

const isIn = (answer: string): boolean => answer.startsWith("HTTP/1.1 101 ");

test("--accept_rate: once a client that resumes its session was turned away, it comes before all others", async () => {
  server = await startHawser(["--norpc", "--noauth", "--broker=memory", "--accept_rate=1"]);
  const { port } = server;
  const sid = /"sid":"([\w-]+)"/.exec(await come(port))?.[1];
  const resume = () => come(port, `?sid=${sid}`);
  let answer = await resume();
  while (!isIn(answer)) {
    expect(answer).toMatch(/^HTTP\/1\.1 503 [\s\S]*\r\nRetry-After: (?:[1-9]|10)\r\n/i);
    // A stranger asks before it each time, also when there is room again.
    expect(await come(port)).toStartWith("HTTP/1.1 503 ");
    expect(await come(port, "?sid=of-a-session-there-is-not")).toStartWith("HTTP/1.1 503 ");
    answer = await resume();
    await Bun.sleep(20);
  }
  expect(answer).toContain('"restored":true');
  await until(async () => expect(isIn(await come(port))).toBe(true));
}, 60_000);
