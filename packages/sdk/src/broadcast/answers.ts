import type { HttpAnswer } from "../drivers/http.ts";

/** What an answer of the server means for the calls that it answers. */
export type AnswerMeaning =
  | { readonly kind: "taken" }
  /** The same again may do, after `waitMs` where the server named a time. */
  | { readonly kind: "later"; readonly why: string; readonly waitMs: number | null }
  /** The same again will not do. `isAboutBody`: what was in the body is the reason, not the request as such. */
  | { readonly kind: "refused"; readonly why: string; readonly isAboutBody: boolean };

/** @param place the server's URL, as error texts show it */
export function meaningOf({ status, error, retryAfterMs }: HttpAnswer, place: string): AnswerMeaning {
  if (status >= 200 && status < 300) return { kind: "taken" };
  const why = `${place} answered ${status}${error === null ? "" : `: ${error}`}. ${hintFor(status)}`;
  // A server that has no room for a revocation has none a second later, and what is behind it must not wait.
  if (status === 507) return { kind: "refused", why, isAboutBody: false };
  if (status >= 500 || status === 429 || status === 408) return { kind: "later", why, waitMs: retryAfterMs };
  return { kind: "refused", why, isAboutBody: status === 400 || status === 413 || status === 422 };
}

function hintFor(status: number): string {
  if (status === 507) return "The server could not do it in full.";
  if (status >= 500) return "Look at the server's log, and at whatever stands in front of it.";
  if (status >= 300 && status < 400) return "Give the URL that it redirects to.";
  switch (status) {
    case 401:
      return "Give the server's --broadcast_key as `key`, or its --secret as `secret`.";
    case 403:
      return "Something in front of the server refuses this client; reach the server from inside its network.";
    case 404:
    case 405:
      return "Does the URL end in the server's broadcast path (--http_broadcast_path), /_broadcast?";
    case 413:
      return "Send less in one message, or raise the limit of whatever stands in front of the server.";
    case 422:
      return "The server cannot read this publication.";
    case 429:
      return "Publish less often, or raise the limit of whatever stands in front of the server.";
    default:
      return "Is this URL the cable server's?";
  }
}
