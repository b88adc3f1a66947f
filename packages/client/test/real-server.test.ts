import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Cable, type Channel, createCable } from "@anycable/core";
import { publish } from "../../server/test/support/cable-client.ts";
import { type HawserProcess, startHawser } from "../../server/test/support/hawser-process.ts";
import { inSeconds, signToken } from "../../server/test/support/tokens.ts";
import { keepTokenFresh } from "../src/index.ts";

/** The plug-in with AnyCable's own client against the real server, whose connections end with their tokens. */

const SECRET = "a secret of thirty-two characters";
const FLAGS = [
  "--norpc",
  "--public_streams",
  `--jwt_secret=${SECRET}`,
  "--session_expiry=close",
  "--session_expiry_notice=5",
  "--jwt_first_message",
  "--metrics_http=/metrics",
  "--log_level=debug",
];
const LIFE_S = 12;

let server: HawserProcess;

beforeAll(async () => {
  server = await startHawser(FLAGS);
}, 60_000);

afterAll(async () => {
  await server?.stop();
});

/** What became of a client that follows a stream. */
function watched(cable: Cable, channel: Channel) {
  const events: string[] = [];
  const waiting: { readonly wanted: string; readonly resolve: () => void }[] = [];
  const note = (event: string) => {
    events.push(event);
    for (const { wanted, resolve } of waiting) if (wanted === event) resolve();
  };
  cable.on("connect", () => note("connect"));
  cable.on("disconnect", () => note("disconnect"));
  cable.on("close", (end) => note(`close ${end?.reason}`));
  channel.on("connect", () => note("subscribed"));
  channel.on("message", (message) => note(`message ${JSON.stringify(message)}`));
  /** Resolves once it has happened, from now on. */
  const next = (wanted: string) => new Promise<void>((resolve) => waiting.push({ wanted, resolve }));
  return { events, note, next };
}

function tokenFor(lifeS: number): string {
  return signToken(SECRET, { ext: '{"user":"ann"}', exp: inSeconds(lifeS), jti: crypto.randomUUID() });
}

for (const carrier of ["message", "request"] as const) {
  describe.concurrent(`with its tokens in ${carrier === "message" ? "messages" : "the request"}`, () => {
    test("a client stays connected past the end of its first token, on one connection", async () => {
      const cable = createCable(`ws://127.0.0.1:${server.port}/cable`, { logLevel: "error" });
      const tokens: string[] = [];
      let renewals = 0;
      const keeper = keepTokenFresh(cable, {
        carrier,
        fetchToken: async () => {
          tokens.push(tokenFor(LIFE_S));
          return tokens.at(-1) ?? "";
        },
        onRenewed: (expiresInS) => {
          expect(expiresInS).toBeWithin(LIFE_S - 6, LIFE_S + 1);
          renewals += 1;
          note(`renewed ${renewals}`);
        },
      });
      const stream = crypto.randomUUID();
      const channel = cable.streamFrom(stream);
      const { events, note, next } = watched(cable, channel);
      await next("subscribed");
      await next("renewed 2");
      const heard = next('message "late"');
      await publish(server.broadcastPort, { stream, data: '"late"' });
      await heard;
      expect(events.filter((event) => !event.startsWith("renewed"))).toEqual([
        "connect",
        "subscribed",
        'message "late"',
      ]);
      keeper.release();
      cable.disconnect();
      for (const token of tokens) expect(server.output()).not.toContain(token.split(".")[2] ?? "");
    }, 60_000);

    test("a client that could not renew in time comes back with a fresh token, subscribed", async () => {
      const cable = createCable(`ws://127.0.0.1:${server.port}/cable`, { logLevel: "error" });
      let fetches = 0;
      keepTokenFresh(cable, {
        carrier,
        fetchToken: async () => {
          fetches += 1;
          // The application is away while the client would renew.
          if (fetches > 1 && cable.state === "connected") throw new Error("away");
          return tokenFor(fetches === 1 ? 8 : 3600);
        },
      });
      const stream = crypto.randomUUID();
      const channel = cable.streamFrom(stream);
      const { events, next } = watched(cable, channel);
      await next("subscribed");
      await next("subscribed");
      expect(events).toEqual(["connect", "subscribed", "close token_expired", "connect", "subscribed"]);
      const heard = next('message "back"');
      await publish(server.broadcastPort, { stream, data: '"back"' });
      await heard;
      cable.disconnect();
    }, 60_000);
  });
}

test("a token in the first message is in no URL", async () => {
  const urls: string[] = [];
  const cable = createCable(`ws://127.0.0.1:${server.port}/cable`, {
    logLevel: "error",
    websocketImplementation: class extends WebSocket {
      constructor(url: string, protocols?: string | string[]) {
        super(url, protocols);
        urls.push(url);
      }
    },
  });
  const token = tokenFor(3600);
  keepTokenFresh(cable, { carrier: "message", token, fetchToken: async () => token });
  await cable.connect();
  expect(urls).toHaveLength(1);
  expect(new URL(urls[0] ?? "").search).toBe("?auth=1");
  cable.disconnect();
});
