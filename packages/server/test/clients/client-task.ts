/**
 * What the tests have a client from npm do, and what it tells. The client runs elsewhere: in a process under Bun or
 * Node, or in a page; so both are JSON.
 */
export interface Task {
  readonly library: Library;
  readonly url: string;
  readonly protocol: "actioncable-v1-json" | "actioncable-v1-ext-json";
  readonly carrier: Carrier;
  /** One for each client; null for a client that presents none. */
  readonly tokens: readonly (string | null)[];
  /** What a client's token is replaced with once the server says that it has expired. */
  readonly freshToken?: string;
  readonly subscription: Subscribed;
}

export type Library = "@anycable/core" | "@anycable/web" | "@rails/actioncable";

/** How the token travels. */
export type Carrier = "query" | "header" | "sub-protocol";

/** What is subscribed to: a stream by its plain or its signed name, or a channel of the application. */
export type Subscribed =
  | { readonly stream: string }
  | { readonly signed: string }
  | { readonly channel: string; readonly params: Readonly<Record<string, string>> };

/** What a client is told to do meanwhile. */
export type Order =
  | { readonly order: "perform"; readonly action: string; readonly data: object }
  | { readonly order: "whisper"; readonly data: unknown };

/** What a client tells: its place in the task, and what happened to it. */
export type Told = { readonly client: number } & Happening;

export type Happening =
  | { readonly event: "subscribed"; readonly again: boolean }
  | { readonly event: "rejected" | "refreshing" }
  /** The connection is gone, and the client will try again, or not. A reason that it does not know is empty. */
  | { readonly event: "disconnect" | "close"; readonly reason: string }
  | { readonly event: "message"; readonly message: unknown };

export type Tell = (what: Happening) => void;

/** A client that has started. */
export interface StartedClient {
  obey(order: Order): void;
}

/** What `page-main.ts` and its test call in each other. */
export interface ClientPage {
  tell(told: Told): Promise<void>;
  start(task: Task): void;
  order(client: number, order: Order): void;
}
