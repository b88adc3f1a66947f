/**
 * What clients read about who is on a stream, as JSON text in the reference's member order (anycable
 * common/common.go@1.6.16, PresenceEvent and PresenceInfo). `info` is JSON text and is spliced in unread; null where
 * there is none.
 */

/** One of those who are there. */
export function presenceRecord(id: string, info: string | null): string {
  return info === null ? `{"id":${JSON.stringify(id)}}` : `{"info":${info},"id":${JSON.stringify(id)}}`;
}

/** Everyone who is there. `records` are joined by commas already; none is said by leaving them out. */
export function presenceInfo(total: number, records: string): string {
  return total === 0
    ? '{"type":"info","total":0}'
    : `{"type":"info","total":${total},"records":[${records}]}`;
}

export function presenceJoin(id: string, info: string | null): string {
  return info === null
    ? `{"id":${JSON.stringify(id)},"type":"join"}`
    : `{"id":${JSON.stringify(id)},"info":${info},"type":"join"}`;
}

export function presenceLeave(id: string): string {
  return `{"id":${JSON.stringify(id)},"type":"leave"}`;
}

/** That it cannot be told who is there. */
export const PRESENCE_ERROR = '{"type":"error","total":0}';
