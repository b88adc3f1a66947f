import { lstatSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { CableError, messageOf } from "@hawser/core/errors";

/** An answer of the admin socket: always JSON. */
export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface UnixListener {
  /** Takes no more requests, cuts what is under way, and removes the socket's file. */
  close(): Promise<void>;
}

/** More is no command of ours. */
const MAX_BODY_BYTES = 65_536;

/**
 * Serves HTTP on a Unix socket that its owner alone may use. The file of a dead server is replaced.
 *
 * @param onFault told of what `handle` threw; that request is answered 500.
 * @throws CableError `io_failed` when a living server has the socket, or there can be none.
 */
export async function listenUnix(
  path: string,
  handle: (request: Request) => Promise<JsonAnswer> | JsonAnswer,
  onFault: (thrown: unknown) => void,
): Promise<UnixListener> {
  await clearWay(path);
  const server = bind(path, handle, onFault);
  // A process that ends without closing, as on a second signal, leaves no file either.
  const remove = () => rmSync(path, { force: true });
  process.once("exit", remove);
  return {
    async close() {
      process.off("exit", remove);
      await server.stop(true);
    },
  };
}

function bind(path: string, handle: Parameters<typeof listenUnix>[1], onFault: (thrown: unknown) => void) {
  // From its first instant on the socket is its owner's alone; a later chmod would leave a gap.
  const before = process.umask(0o177);
  try {
    return Bun.serve({
      unix: path,
      maxRequestBodySize: MAX_BODY_BYTES,
      development: false,
      async fetch(request) {
        const { status, body } = await handle(request);
        return Response.json(body, { status });
      },
      error(thrown) {
        onFault(thrown);
        return Response.json({ error: "a bug in the server; its log says more" }, { status: 500 });
      },
    });
  } catch (thrown) {
    throw cannotListen(path, `${messageOf(thrown)}; the folder has to be there and writable`, thrown);
  } finally {
    process.umask(before);
  }
}

/** Removes the file of a server that is gone. */
async function clearWay(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw cannotListen(path, "a file that is no socket is there; remove it or choose another path");
  }
  if (await answers(path)) {
    throw cannotListen(path, "another server is alive there; stop it or choose another path");
  }
  rmSync(path, { force: true });
}

/** Whether anybody listens. Only a refusal is a sure sign that nobody does. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error) => {
      const code = "code" in error ? error.code : "";
      resolve(code !== "ECONNREFUSED" && code !== "ENOENT");
    });
  });
}

function cannotListen(path: string, why: string, cause?: unknown): CableError {
  return new CableError("io_failed", `open the admin socket ${path} (--admin_socket): ${why}`, { cause });
}

/**
 * Asks the server behind a Unix socket.
 *
 * @param body what is sent along, as JSON.
 * @throws CableError `io_failed` when nobody answers in `timeoutMs`, or with anything but JSON.
 */
export async function callUnix(
  path: string,
  method: "GET" | "POST",
  target: string,
  timeoutMs: number,
  body?: object,
): Promise<JsonAnswer> {
  try {
    const response = await fetch(`http://admin${target}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      unix: path,
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, body: await response.json() };
  } catch (thrown) {
    throw new CableError(
      "io_failed",
      `ask the server at ${path} (--admin_socket): ${wordsFor(thrown, timeoutMs)}`,
      {
        cause: thrown,
      },
    );
  }
}

function wordsFor(thrown: unknown, timeoutMs: number): string {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  const words: Record<string, string> = {
    ENOENT: "there is no such socket; is the server running, and with the same --admin_socket?",
    ECONNREFUSED: "nobody listens there; the server has ended",
    EACCES: "not permitted; ask as the user that the server runs as",
  };
  if (thrown instanceof Error && thrown.name === "TimeoutError") return `no answer within ${timeoutMs} ms`;
  return words[code] ?? messageOf(thrown);
}
