/**
 * As much of the client `@anycable/core` (1.1) as the plug-in touches. `createCable` of that package and of
 * `@anycable/web` gives such a thing; nothing of theirs is imported.
 */
export interface StockCable {
  readonly state: "idle" | "connecting" | "connected" | "disconnected" | "closed";
  readonly transport: StockTransport;
  readonly protocol: { receive(message: unknown): unknown };
  /** Asked before each connect. It is there, though its types do not tell. */
  transportConfigurator?:
    | ((transport: StockTransport, connect: { initial: boolean }) => Promise<void>)
    | undefined;
  connect(): Promise<void>;
  send(message: object): void;
  keepalive(): void;
  on(event: "connect", run: () => void): () => void;
  on(event: "disconnect" | "close", run: (reason?: { readonly reason?: string }) => void): () => void;
}

export interface StockTransport {
  setParam(name: string, value: string): void;
  setToken(token: string, param?: string): void;
  on(event: "open", run: () => void): () => void;
}
