import { afterEach, describe, expect, test } from "bun:test";
import { createBroadcaster } from "./index.ts";

interface Seen {
  method: string;
  path: string;
  authorization: string | null;
  type: string | null;
  body: unknown;
}

const servers: Array<{ stop(force: boolean): Promise<void> }> = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});

/** An HTTP server that answers everything with what `answer` makes. */
function receiver(answer: () => Response | Promise<Response>) {
  const seen: Seen[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const text = await request.text();
      seen.push({
        method: request.method,
        path: new URL(request.url).pathname,
        authorization: request.headers.get("authorization"),
        type: request.headers.get("content-type"),
        body: text === "" ? null : JSON.parse(text),
      });
      return answer();
    },
  });
  servers.push(server);
  return { url: `http://127.0.0.1:${server.port}/_broadcast`, seen };
}

const created = () => new Response(null, { status: 201 });

describe("broadcasting", () => {
  test("posts the stream and the data's JSON as text", async () => {
    const { url, seen } = receiver(created);
    await createBroadcaster({ url }).broadcast("chat:1", { text: "hé" });
    expect(seen).toEqual([
      {
        method: "POST",
        path: "/_broadcast",
        authorization: null,
        type: "application/json",
        body: { stream: "chat:1", data: '{"text":"hé"}' },
      },
    ]);
  });

  test("presents the key, or the one that the secret gives", async () => {
    const { url, seen } = receiver(created);
    await createBroadcaster({ url, key: "k" }).broadcast("s", null);
    await createBroadcaster({ url, secret: "qwerty" }).broadcast("s", null);
    await createBroadcaster({ url, key: "k", secret: "qwerty" }).broadcast("s", null);
    expect(seen.map(({ authorization }) => authorization)).toEqual([
      "Bearer k",
      "Bearer 42923a28b760e667fc92f7c6123bb07a282822b329dd2ef48e7aee7830d98485",
      "Bearer k",
    ]);
  });

  test("anything but 2xx is an error that says what to try; only some are worth a retry", async () => {
    const cases: Array<[number, boolean, string]> = [
      [401, false, "broadcast key"],
      [404, false, "/_broadcast"],
      [422, false, "could not read"],
      [429, true, "answered 429."],
      [500, true, "answered 500."],
      [503, true, "answered 503."],
    ];
    for (const [status, retryable, hint] of cases) {
      const { url } = receiver(() => new Response("no", { status }));
      await expect(createBroadcaster({ url, key: "k3y" }).broadcast("s", 1)).rejects.toMatchObject({
        name: "CableError",
        code: "io_failed",
        retryable,
        message: expect.stringContaining(hint),
      });
    }
  });

  test("a redirect is not followed: it would lose the publication", async () => {
    const { url, seen } = receiver(
      () => new Response(null, { status: 302, headers: { Location: "/elsewhere" } }),
    );
    await expect(createBroadcaster({ url }).broadcast("s", 1)).rejects.toThrow("answered 302");
    expect(seen).toHaveLength(1);
  });

  test("a server that is not there, or silent, is a retryable fault; the text holds no key and no query", async () => {
    const gone = receiver(created);
    await servers.splice(0)[0]?.stop(true);
    const url = `${gone.url}?token=s3cr3t`;
    const failed = createBroadcaster({ url, key: "k3y" })
      .broadcast("s", 1)
      .then(
        () => null,
        (thrown: unknown) => thrown,
      );
    expect(await failed).toMatchObject({ code: "io_failed", retryable: true });
    expect(String(await failed)).toContain(`no answer from ${gone.url}`);
    expect(String(await failed)).not.toMatch(/s3cr3t|k3y/);

    const silent = receiver(() => new Promise<Response>(() => {}));
    await expect(createBroadcaster({ url: silent.url, timeoutMs: 50 }).broadcast("s", 1)).rejects.toThrow(
      "nothing within 50 ms",
    );
  });

  test("what has no JSON, and a URL that is none, are refused", async () => {
    const broadcaster = createBroadcaster({ url: "http://127.0.0.1:1/_broadcast" });
    await expect(broadcaster.broadcast("s", undefined)).rejects.toThrow("undefined is not JSON");
    for (const url of [
      "",
      "127.0.0.1:8080",
      "ws://127.0.0.1/_broadcast",
      "http://u:p@127.0.0.1/_broadcast",
    ]) {
      expect(() => createBroadcaster({ url })).toThrow("not an http(s) URL");
    }
  });
});
