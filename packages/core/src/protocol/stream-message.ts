import type { Publication } from "./publication.ts";

/**
 * A message as nodes pass it on to each other (anycable common/common.go@1.6.16, StreamMessage).
 *
 * @param position where history has it; null for what it does not have.
 */
export function streamMessage(
  { stream, message, excludeSid, broadcastType, transient }: Publication,
  position: Publication["position"],
): string {
  let meta = "";
  if (excludeSid !== null) meta += `,"exclude_socket":${JSON.stringify(excludeSid)}`;
  if (broadcastType !== null) meta += `,"broadcast_type":${JSON.stringify(broadcastType)}`;
  if (transient) meta += ',"transient":true';
  const head = `{"stream":${JSON.stringify(stream)},"data":${JSON.stringify(message)}`;
  const text = meta === "" ? `${head}}` : `${head},"meta":{${meta.slice(1)}}}`;
  return position === null ? text : positioned(text, position);
}

/** The same of a message without a position, as text. */
export function positioned(text: string, { offset, epoch }: NonNullable<Publication["position"]>): string {
  return `${text.slice(0, -1)},"offset":${offset},"epoch":${JSON.stringify(epoch)}}`;
}
