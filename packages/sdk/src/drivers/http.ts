import { CableError, messageOf } from "@hawser/core/errors";

/** An HTTP answer, as far as anyone here looks at it. */
export interface HttpAnswer {
  readonly status: number;
  /** What `Retry-After` asks for, or null. */
  readonly retryAfterMs: number | null;
  /** The text of `{"error":...}` in the body, cut short; null when there is none. */
  readonly error: string | null;
}

const MAX_ERROR_LENGTH = 200;

/**
 * POSTs JSON text by the runtime's `fetch`. Redirects are answers, not followed: a POST would arrive as a GET.
 *
 * Rejects with CableError `io_failed`, which says what went wrong in a few words, when no answer comes in `timeoutMs`.
 */
export async function postJson(
  url: string,
  json: string,
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<HttpAnswer> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: json,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    // Read to the end in any case, so that the connection can be used again.
    const text = await response.text();
    return {
      status: response.status,
      retryAfterMs: retryAfterMs(response.headers.get("retry-after")),
      error: response.ok ? null : errorIn(text),
    };
  } catch (thrown) {
    throw new CableError("io_failed", wordsFor(thrown, timeoutMs), { cause: thrown, retryable: true });
  }
}

/** The form in seconds alone; a date depends on two clocks. */
function retryAfterMs(value: string | null): number | null {
  return value !== null && /^\d{1,6}$/.test(value) ? Number(value) * 1000 : null;
}

function errorIn(text: string): string | null {
  try {
    const error: unknown = JSON.parse(text)?.error;
    return typeof error === "string" ? error.slice(0, MAX_ERROR_LENGTH) : null;
  } catch {
    return null;
  }
}

/** Node hides the reason (ECONNREFUSED and its like) behind "fetch failed", in the cause; Bun has it in `code`. */
function wordsFor(thrown: unknown, timeoutMs: number): string {
  if (!(thrown instanceof Error)) return messageOf(thrown);
  if (thrown.name === "TimeoutError") return `nothing within ${timeoutMs} ms`;
  if (thrown.cause !== undefined) return messageOf(thrown.cause);
  return "code" in thrown ? `${thrown.message} (${thrown.code})` : thrown.message;
}
