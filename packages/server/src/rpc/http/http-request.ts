import { FINGERPRINT_HEADER } from "../calls/secret-check.ts";

/** What of a request differs from call to call. */
export interface RequestParts {
  /** POST unless given. */
  readonly method?: "GET" | "POST";
  readonly path: string;
  /** Host and port as in the URL. */
  readonly authority: string;
  /** Null for none. */
  readonly secret?: string | null;
  readonly metadata?: Readonly<Record<string, string>>;
  /** JSON; empty for none. */
  readonly body?: string;
}

/** Before each name of metadata. */
const METADATA_PREFIX = "X-AnyCable-Meta-";
/** Where an application answers the fingerprint of its secret; in lower case, as names of answers are. */
export const FINGERPRINT_REPLY_HEADER = `${METADATA_PREFIX}${FINGERPRINT_HEADER}`.toLowerCase();

/** The whole request as one text, so that it goes out in one write. */
export function requestText({ method, path, authority, secret, metadata, body = "" }: RequestParts): string {
  let head = `${method ?? "POST"} ${path} HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: hawser\r\n`;
  if (secret !== undefined && secret !== null) head += `Authorization: Bearer ${headerValue(secret)}\r\n`;
  for (const name in metadata) head += `${METADATA_PREFIX}${name}: ${headerValue(metadata[name] ?? "")}\r\n`;
  return `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Percent-encodes what a header cannot carry, as calls over gRPC do. */
function headerValue(value: string): string {
  if (/^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/.test(value)) return value;
  return value.toWellFormed().replace(/[^\x20-\x7e]+|^ +| +$/g, encodeURIComponent);
}
