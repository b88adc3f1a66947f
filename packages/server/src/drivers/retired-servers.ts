/** As long as a new connection may take to say its first word, and an idle one is kept (`HTTP_IDLE_S` and its step). */
const OPEN_MS = 15_000;

interface Stoppable {
  stop(cut?: boolean): Promise<void>;
}

/**
 * Servers that gave way to one with another certificate. The last of them still takes what the kernel has sent it, and
 * those before it only finish what they have.
 */
export class RetiredServers<S extends Stoppable> {
  readonly #servers = new Set<S>();
  #open: { readonly server: S; readonly timer: ReturnType<typeof setTimeout> } | null = null;

  /** Call it once another server listens, and new connections go there; until then `closeLast` makes room for it. */
  add(server: S, openMs: number = OPEN_MS): void {
    this.#servers.add(server);
    const timer = setTimeout(() => this.closeLast(), openMs);
    timer.unref();
    this.#open = { server, timer };
  }

  /** Of a port's servers only two may listen: the kernel is told to use the second. */
  closeLast(): void {
    if (this.#open === null) return;
    const { server, timer } = this.#open;
    clearTimeout(timer);
    this.#open = null;
    void server.stop(false).then(() => this.#servers.delete(server));
  }

  has(server: S): boolean {
    return this.#servers.has(server);
  }

  [Symbol.iterator](): Iterator<S> {
    return this.#servers.values();
  }
}
