import type { Clock } from "@hawser/core/clock";
import type { HttpClient } from "../../drivers/http-client/keep-alive-client.ts";
import type { HttpResponse } from "../../drivers/http-client/response-reader.ts";
import type { RpcTlsOptions } from "../calls/rpc-tls.ts";
import { FINGERPRINT_HEADER, fingerprintsIn } from "../calls/secret-check.ts";
import { FINGERPRINT_REPLY_HEADER, requestText } from "./http-request.ts";
import { type HttpTarget, parseHttpTarget } from "./http-target.ts";
import { openClient } from "./open-client.ts";

/** What a look at the application's endpoint came to. */
export type HttpProbe =
  | {
      readonly outcome: "answered";
      /** To a call with the key, or without one where there is none. */
      readonly status: number;
      /** To the same call without the key. */
      readonly statusWithoutKey: number;
      readonly elapsedMs: number;
      /** Of the secret that it signs tokens with; empty when it tells none. */
      readonly fingerprints: readonly string[];
    }
  | { readonly outcome: "unreachable"; readonly why: string };

export interface HttpProbeParts {
  readonly clock: Clock;
  /** What calls present; null for nothing. */
  readonly secret: string | null;
  /** Ours, for the application to compare; empty for none. */
  readonly fingerprints: string;
  readonly timeoutMs: number;
}

/**
 * Makes a Connect call with an empty body, with the key and without: an application can only refuse it, so nothing of its
 * own is run.
 *
 * @throws CableError `config_invalid` when the URL or the TLS options cannot be used.
 */
export async function probeEndpoint(
  options: RpcTlsOptions & { readonly host: string; readonly maxRecvBytes: number },
  parts: HttpProbeParts,
): Promise<HttpProbe> {
  const target = parseHttpTarget(options.host);
  const client = openClient(target, options);
  try {
    const without = await emptyCall(client, target, { ...parts, secret: null });
    if (typeof without === "string") return { outcome: "unreachable", why: without };
    const startedAtMs = parts.clock.monotonicMs();
    const answer = await emptyCall(client, target, parts);
    if (typeof answer === "string") return { outcome: "unreachable", why: answer };
    return {
      outcome: "answered",
      status: answer.status,
      statusWithoutKey: without.status,
      elapsedMs: parts.clock.monotonicMs() - startedAtMs,
      fingerprints: fingerprintsIn(answer.headers.get(FINGERPRINT_REPLY_HEADER) ?? ""),
    };
  } finally {
    client.close();
  }
}

/** What came, or why nothing did. */
function emptyCall(
  client: HttpClient,
  { authority, path, query }: HttpTarget,
  { clock, secret, fingerprints, timeoutMs }: HttpProbeParts,
): Promise<HttpResponse | string> {
  const metadata: Record<string, string> = { sid: "doctor", protov: "v1" };
  if (fingerprints !== "") metadata[FINGERPRINT_HEADER] = fingerprints;
  const request = requestText({ path: `${path}/connect${query}`, authority, secret, metadata });
  return new Promise((resolve) => {
    const stop = clock.after(timeoutMs, () => resolve(`no answer within ${timeoutMs} ms`));
    client.send(request, {
      answered(response) {
        stop();
        resolve(response);
      },
      unanswered({ reason }) {
        stop();
        resolve(reason);
      },
    });
  });
}
