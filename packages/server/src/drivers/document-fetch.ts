import { gunzipSync } from "node:zlib";
import { messageOf } from "@hawser/core/errors";
import type { DocumentFetch, Fetched, FetchFailure } from "@hawser/core/jwt/jwks/document-fetch";

export interface DocumentFetchOptions {
  /** For the whole of it, from the look-up of the name to the last byte. */
  readonly timeoutMs: number;
  /** A longer document is not read to its end. */
  readonly maxBytes: number;
}

/**
 * Gets documents over HTTP, certificates checked. A redirect is not followed: where it leads is the word of whoever
 * answers, and not the operator's.
 */
export function createDocumentFetch({ timeoutMs, maxBytes }: DocumentFetchOptions): DocumentFetch {
  return async (url) => {
    const failed = (failure: FetchFailure, why: string): Fetched => ({
      ok: false,
      failure,
      problem: `get ${url}: ${why}`,
    });
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, {
        redirect: "manual",
        signal,
        headers: { Accept: "application/json", "Accept-Encoding": "gzip" },
        // The runtime would unpack whatever comes, and a thousand times of what was sent, before anybody counts it.
        decompress: false,
      });
      const { status, headers } = response;
      if (status >= 300 && status < 400) {
        if (response.body !== null) leave(response.body);
        return failed(
          "redirect",
          `it was answered ${status}, a redirect, which is not followed; give the final URL`,
        );
      }
      if (status !== 200) {
        if (response.body !== null) leave(response.body);
        return failed("status", `it was answered ${status}`);
      }
      const text = textOf(await readBytes(response, maxBytes), headers.get("content-encoding"), maxBytes);
      if (text === null) return failed("too_large", `the answer has more than ${maxBytes} bytes`);
      const age = Number(headers.get("age") ?? 0);
      return {
        ok: true,
        text,
        cacheControl: headers.get("cache-control"),
        ageS: Number.isFinite(age) && age > 0 ? age : 0,
      };
    } catch (thrown) {
      return signal.aborted
        ? failed("timeout", `it was not answered within ${timeoutMs} ms`)
        : failed("unreachable", `${messageOf(thrown)}; check the URL, the network and the certificate`);
    }
  };
}

/** Null when there is more than `maxBytes` of it, which is then left where it is. */
async function readBytes(response: Response, maxBytes: number): Promise<Buffer | null> {
  const declared = Number(response.headers.get("content-length") ?? 0);
  if (response.body === null) return Buffer.alloc(0);
  const reader = response.body.getReader();
  if (declared > maxBytes) {
    leave(reader);
    return null;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.length;
    if (size > maxBytes) {
      leave(reader);
      return null;
    }
    chunks.push(part.value);
  }
  return Buffer.concat(chunks);
}

/** Null when there is more than `maxBytes` of it. */
function textOf(bytes: Buffer | null, encoding: string | null, maxBytes: number): string | null {
  if (bytes === null || encoding === null || encoding === "identity") return bytes?.toString("utf8") ?? null;
  if (encoding !== "gzip") throw new Error("it is compressed in another way than gzip");
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes }).toString("utf8");
  } catch (thrown) {
    if (thrown instanceof RangeError) return null;
    throw new Error("it is not the gzip that it says it is", { cause: thrown });
  }
}

/** What is not wanted may break on its way, and that is nobody's fault here. */
function leave(body: { cancel(): Promise<void> }): void {
  body.cancel().catch(() => {});
}
