/** The other end of a thread: what it says arrives in order, whole, and in a later turn. */
export interface ThreadPort {
  post(message: unknown): void;
  /** One listener; what came before there was one waits for it. */
  onMessage(hear: (message: unknown) => void): void;
}

/** A thread as the one sees it that started it. */
export interface Thread extends ThreadPort {
  /** Calls once, when it has ended, whoever ended it; `why` is the last line of what it died of, or null. */
  onEnd(told: (why: string | null) => void): void;
  /** Ends it at once, its sockets with it. */
  terminate(): void;
}

/** Starts a thread with the program at `entry`. */
export function startThread(entry: string): Thread {
  const worker = new Worker(entry);
  let why: string | null = null;
  // The runtime puts lines of source before what happened.
  worker.addEventListener("error", (event) => {
    why = lastLine(event.message);
    event.preventDefault();
  });
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (hear) => {
      worker.addEventListener("message", ({ data }: MessageEvent<unknown>) => hear(data));
    },
    onEnd: (told) => {
      worker.addEventListener("close", () => told(why), { once: true });
    },
    terminate: () => worker.terminate(),
  };
}

/** The way from a thread to the one that started it. */
export function startingThread(): ThreadPort {
  // `as`: in a thread the global object is this, which the types know of the main one only.
  const self = globalThis as unknown as Pick<Worker, "postMessage" | "addEventListener">;
  return {
    post: (message) => self.postMessage(message),
    onMessage: (hear) => {
      self.addEventListener("message", (event) => hear((event as MessageEvent<unknown>).data));
    },
  };
}

/** Runs once what is under way in this turn has been dealt with. */
export function atEndOfTurn(run: () => void): void {
  setImmediate(run);
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.trim() ?? "";
}
