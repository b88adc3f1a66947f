/** The answer to a client that is to come again, and when. */
export function comeAgain(
  status: 429 | 503,
  retryAfterS: number,
  headers: Readonly<Record<string, string>>,
): Response {
  return new Response(status === 429 ? "Too Many Requests\n" : "Service Unavailable\n", {
    status,
    headers: {
      ...headers,
      "Content-Type": "text/plain; charset=utf-8",
      "Retry-After": String(retryAfterS),
      "X-Content-Type-Options": "nosniff",
    },
  });
}
