import { createCable } from "@anycable/web";
import { startAnyCable } from "./anycable-program.ts";
import type { ClientPage, Happening, StartedClient } from "./client-task.ts";
import { startRails } from "./rails-program.ts";

/** The clients of a page, for a browser: the test starts them and gives orders by calls, and is told by one. */

const page = globalThis as unknown as ClientPage; // with what the test and this file put there
let clients: readonly StartedClient[] = [];

page.start = (task) => {
  clients = task.tokens.map((token, client) => {
    const tell = (what: Happening) => void page.tell({ client, ...what });
    return task.library === "@rails/actioncable"
      ? startRails(task, token, tell, WebSocket)
      : startAnyCable(createCable, task, token, tell);
  });
};

page.order = (client, order) => clients[client]?.obey(order);
