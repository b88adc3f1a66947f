/** What came of connecting once: the first message, or how it ended without one. */
export type FirstMessage =
  | { readonly outcome: "message"; readonly text: string; readonly elapsedMs: number }
  | { readonly outcome: "closed"; readonly code: number; readonly reason: string }
  | { readonly outcome: "failed"; readonly why: string };

export interface ConnectOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly subprotocol: string;
  /** From the start to the first message. */
  readonly timeoutMs: number;
}

/** Connects to a WebSocket server, hears its first message, and leaves. */
export function firstMessage(url: string, options: ConnectOptions): Promise<FirstMessage> {
  const startedAtMs = performance.now();
  return new Promise((resolve) => {
    const socket = new WebSocket(url, {
      headers: { ...options.headers },
      protocols: [options.subprotocol],
    });
    let opened = false;
    const end = (result: FirstMessage) => {
      clearTimeout(timer);
      resolve(result);
      socket.onclose = null;
      socket.onerror = null;
      socket.close();
    };
    const timer = setTimeout(() => {
      const what = opened ? "it was connected, and nothing came" : "no connection";
      end({ outcome: "failed", why: `${what} within ${options.timeoutMs} ms` });
    }, options.timeoutMs);
    socket.onopen = () => {
      opened = true;
    };
    socket.onmessage = ({ data }) => {
      end({ outcome: "message", text: String(data), elapsedMs: performance.now() - startedAtMs });
    };
    socket.onclose = ({ code, reason }) => {
      end(opened ? { outcome: "closed", code, reason } : { outcome: "failed", why: "no connection" });
    };
    socket.onerror = (event) => {
      // The runtime's text begins with the URL, which may hold a token.
      const text = "message" in event ? String(event.message) : "";
      end({ outcome: "failed", why: text.replace(/^.*?' failed: /, "") || "no connection" });
    };
  });
}
