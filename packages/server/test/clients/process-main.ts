import { createCable } from "@anycable/core";
import NodeWebSocket from "ws";
import { startAnyCable } from "./anycable-program.ts";
import type { Order, StartedClient, Task, Told } from "./client-task.ts";
import { readLines } from "./lines.ts";
import { type SocketClass, startRails } from "./rails-program.ts";

/**
 * A process of clients, under Bun with the built-in WebSocket and under Node with `ws`. Takes its task as JSON in the
 * first argument and orders as lines of JSON, tells what happens as lines of JSON, and stays until it is ended.
 */

const task = JSON.parse(process.argv[2] ?? "") as Task;
const Socket = ("bun" in process.versions ? bunWebSocket() : NodeWebSocket) as SocketClass;
if (task.library === "@rails/actioncable") pretendToBeAPage();

const clients = task.tokens.map((token, client) => start(token, client));
void readLines(process.stdin, (line) => {
  const { client, ...order } = JSON.parse(line) as Order & { client: number };
  clients[client]?.obey(order);
});

function start(token: string | null, client: number): StartedClient {
  const tell = (what: object) => process.stdout.write(`${JSON.stringify({ client, ...what } as Told)}\n`);
  return task.library === "@rails/actioncable"
    ? startRails(task, token, tell, Socket)
    : startAnyCable(createCable, task, token, tell, Socket);
}

/** Takes the third argument of `ws`, which the runtime's own WebSocket takes as a part of the second. */
function bunWebSocket() {
  return class extends WebSocket {
    constructor(url: string, protocols: string | string[], options: object = {}) {
      super(url, { protocols, ...options } as never); // the standard type knows of no headers
    }
  };
}

/** Rails' client listens for its page to become visible. */
function pretendToBeAPage(): void {
  const page = new EventTarget();
  Object.assign(globalThis, {
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
  });
}
