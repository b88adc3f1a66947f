import { identifierMembers } from "../protocol/identifier.ts";

/** What a route says to a subscription: the stream to follow, or why not. */
export type RouteDecision =
  | { readonly confirmed: true; readonly stream: string; readonly istate: Readonly<Record<string, string>> }
  | { readonly confirmed: false; readonly why: string };

/** The members of a channel's identifier, unread. */
export type IdentifierMembers = Readonly<Record<string, unknown>>;

/** Decides over subscriptions to one channel by the identifier's members alone, without the application. */
export type Route = (members: IdentifierMembers) => RouteDecision;

/** Channel name -> route. A channel that is not here is the application's. */
export type Router = ReadonlyMap<string, Route>;

/** The decision of the route for this identifier, or null when the application decides (anycable router/router.go). */
export function routeSubscription(router: Router, identifier: string): RouteDecision | null {
  if (router.size === 0) return null;
  const members = identifierMembers(identifier);
  if (members === null || typeof members.channel !== "string") return null;
  const route = router.get(members.channel);
  return route === undefined ? null : route(members);
}

export function reject(why: string): RouteDecision {
  return { confirmed: false, why };
}

/** The name that a member holds, empty where it holds none (Go's zero value), or null for what cannot be a name. */
export function nameOf(member: unknown): string | null {
  if (member === undefined || member === null) return "";
  return typeof member === "string" ? member : null;
}
