import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

/** One port in front of several servers, in turn. */
export interface TcpFront {
  readonly port: number;
  /** Connections so far. */
  readonly accepted: number;
  /** Breaks all connections that stand. */
  cut(): void;
  /** Further connections go to these ports; those that stand stay. */
  lead(ports: readonly number[]): void;
  stop(): void;
}

export async function startTcpFront(ports: readonly number[]): Promise<TcpFront> {
  let targets = ports;
  let turn = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    turn += 1;
    const behind = connect(targets[turn % targets.length] ?? 0, "127.0.0.1");
    for (const [from, to] of [
      [client, behind],
      [behind, client],
    ] as const) {
      open.add(from);
      from.setNoDelay(true);
      from.on("data", (bytes) => to.write(bytes));
      from.on("end", () => to.end());
      from.on("error", () => to.destroy());
      from.on("close", () => {
        open.delete(from);
        to.destroySoon();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", 4096, resolve));
  // `as`: it listens on TCP.
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port,
    get accepted() {
      return turn;
    },
    cut,
    lead(next) {
      targets = next;
    },
    stop() {
      server.close();
      cut();
    },
  };
}
