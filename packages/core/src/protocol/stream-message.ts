import type { Publication } from "./publication.ts";

/**
 * A message as nodes pass it on to each other (anycable common/common.go@1.6.16, StreamMessage).
 *
 * @param excludeSid whom to leave out, if not whom the publication names.
 * @param transient true for what no history keeps.
 */
export function streamMessage(
  { stream, message, excludeSid, broadcastType }: Publication,
  transient: boolean,
): string {
  let meta = "";
  if (excludeSid !== null) meta += `,"exclude_socket":${JSON.stringify(excludeSid)}`;
  if (broadcastType !== null) meta += `,"broadcast_type":${JSON.stringify(broadcastType)}`;
  if (transient) meta += ',"transient":true';
  const head = `{"stream":${JSON.stringify(stream)},"data":${JSON.stringify(message)}`;
  return meta === "" ? `${head}}` : `${head},"meta":{${meta.slice(1)}}}`;
}
