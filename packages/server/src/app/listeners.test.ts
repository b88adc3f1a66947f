import { expect, test } from "bun:test";
import { freePorts } from "../../test/support/hawser-process.ts";
import { healthRoute } from "../telemetry/health.ts";
import { openListeners } from "./listeners.ts";

const routeAt = (port: number) => ({
  host: "127.0.0.1",
  port,
  hostOption: "--host",
  portOption: "--port",
  route: healthRoute("/health"),
});

test("the first listener opens last, so that who is answered there may count on the others", async () => {
  const [main, other] = await freePorts(2);
  const open = await openListeners([routeAt(main), routeAt(other), routeAt(main)], null, () => {});
  expect([...open.keys()]).toEqual([`127.0.0.1:${other}`, `127.0.0.1:${main}`]);
  await Promise.all([...open.values()].map((listener) => listener.closeNow()));
});

test("a port that is taken opens no other", async () => {
  const [main] = await freePorts(1);
  const taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const opening = openListeners([routeAt(main), routeAt(taken.port ?? 0)], null, () => {});
  await expect(opening).rejects.toThrow("the port is in use");
  await expect(fetch(`http://127.0.0.1:${main}/health`)).rejects.toThrow();
  await taken.stop(true);
});
