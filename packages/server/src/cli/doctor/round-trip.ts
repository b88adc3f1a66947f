import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { systemClock } from "../../drivers/clock.ts";
import { probeHttp } from "../../drivers/http-probe.ts";
import { type FirstMessage, firstMessage } from "../../drivers/websocket-client.ts";
import { type Finding, findingsOf } from "./finding.ts";

const TIMEOUT_MS = 10_000;

/** The WebSocket URL that `--against` means: the scheme and the path may be left out. Null for what is no URL. */
export function cableUrl(against: string, { websocket }: ResolvedConfig): URL | null {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(against) ? against : `ws://${against}`;
  const parsed = URL.parse(text.replace(/^http/i, "ws"));
  if (parsed === null || !/^wss?:$/.test(parsed.protocol)) return null;
  if (parsed.pathname === "/") parsed.pathname = websocket.paths[0] ?? "/cable";
  return parsed;
}

/** Connects to a running server with a fresh token, as a client does; null for none. */
export async function checkRoundTrip(url: URL, token: string | null, param: string): Promise<Finding> {
  const first = await firstMessage(url.href, {
    // Not in the URL: whatever stands in front of the server would write it down.
    headers: token === null ? {} : { [`x-${param}`]: token },
    subprotocol: "actioncable-v1-json",
    timeoutMs: TIMEOUT_MS,
  });
  return judge(first, `${url.host}${url.pathname}`, token !== null);
}

function judge(first: FirstMessage, place: string, hasToken: boolean): Finding {
  const found = findingsOf("round trip");
  const how = hasToken ? "with a fresh token" : "without a token";
  if (first.outcome === "failed") {
    return found.fail(
      `no WebSocket at ${place}: ${first.why}`,
      "check the URL and --path, and that proxies in between let WebSockets through",
    );
  }
  if (first.outcome === "closed") {
    return found.fail(
      `${place} closed the connection ${how}: ${first.code} ${first.reason}`.trimEnd(),
      "1011 means that the application could not be asked; the server's log says more",
    );
  }
  const { type, reason } = replyIn(first.text);
  if (type === "welcome")
    return found.ok(`${place} welcomed a client ${how} in ${Math.round(first.elapsedMs)} ms`);
  if (type !== "disconnect") {
    return found.fail(`${place} sent ${JSON.stringify(type)} first`, "check that it is a cable server");
  }
  if (!hasToken) {
    return found.fail(
      `${place} refused a client without a token: ${reason}`,
      "give this command the server's secret",
    );
  }
  return reason === "token_expired"
    ? found.fail(`${place} takes a fresh token for an expired one`, "compare the clocks of both machines")
    : found.fail(
        `${place} refused a fresh token: ${reason}`,
        "its secret is another than this configuration's: compare what hawser keys list says in both places",
      );
}

function replyIn(text: string): { readonly type: string; readonly reason: string } {
  try {
    const reply: unknown = JSON.parse(text);
    const member = (name: string) =>
      typeof reply === "object" && reply !== null && name in reply ? String(Reflect.get(reply, name)) : "";
    return { type: member("type"), reason: member("reason") };
  } catch {
    return { type: "", reason: "" };
  }
}

/** Within this, two clocks agree: the header has whole seconds, and the answer took its time. */
const AGREE_MS = 2000;

/** Compares this machine's clock with the server's. */
export async function checkClock(url: URL, config: ResolvedConfig): Promise<Finding> {
  const found = findingsOf("clock");
  const base = `${url.protocol === "wss:" ? "https" : "http"}://${url.host}`;
  const sentMs = systemClock.nowMs();
  const probed = await probeHttp(`${base}${config.server.healthPath}`, TIMEOUT_MS);
  if ("unreachable" in probed) return found.skip(`${url.host} does not answer: ${probed.unreachable}`);
  if (probed.dateMs === null) return found.skip(`${url.host} does not tell the time`);
  const hereMs = (sentMs + systemClock.nowMs()) / 2;
  // The header's second is over when half of it is, on average.
  const aheadMs = probed.dateMs + 500 - hereMs;
  if (Math.abs(aheadMs) <= AGREE_MS) return found.ok(`agrees with that of ${url.host}`);
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return found.fail(
    `the clock of ${url.host} is ${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} this machine's`,
    "set both by NTP: tokens are judged by the server's clock; --jwt_leeway tolerates a little",
  );
}
