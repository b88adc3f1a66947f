/** What came back to a connection that was opened to see it refused. */
export interface Answer {
  /** The frames, as they came. */
  readonly frames: readonly string[];
  /** The close code and reason; null when nothing was closed in time. */
  readonly close: { readonly code: number; readonly reason: string } | null;
}

const PATIENCE_MS = 5000;

/** Opens a bare WebSocket, with a token or without, and listens until it is closed. */
export function knock(cableUrl: string, token: string | null): Promise<Answer> {
  const url = new URL(cableUrl);
  if (token !== null) url.searchParams.set("jid", token);
  const socket = new WebSocket(url, "actioncable-v1-json");
  const frames: string[] = [];
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      socket.onclose = null;
      socket.close();
      resolve({ frames, close: null });
    }, PATIENCE_MS);
    socket.onmessage = ({ data }) => frames.push(String(data));
    socket.onclose = ({ code, reason }) => {
      clearTimeout(timer);
      resolve({ frames, close: { code, reason } });
    };
  });
}
