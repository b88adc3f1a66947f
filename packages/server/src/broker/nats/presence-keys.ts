import { encodeName } from "../../drivers/nats/names.ts";

/** One id on one stream, as it is kept. Where no session is there under it, nothing is kept. */
export interface KeptMember {
  readonly stream: string;
  readonly id: string;
  /** As it stands in the list of members. */
  readonly record: string;
  /** Sessions that are there under this id. */
  readonly sids: readonly string[];
}

/** Where a session is on one stream. */
export interface KeptPlace {
  readonly stream: string;
  readonly id: string;
  /** JSON text; null for none. */
  readonly info: string | null;
}

/** One session that is somewhere, as it is kept. */
export interface KeptAttendance {
  readonly sid: string;
  /** The server that has its connection, or had it last. */
  readonly server: string;
  readonly places: readonly KeptPlace[];
  /** When it is taken out, as Unix time in milliseconds; null while it is connected. */
  readonly endsAtMs: number | null;
}

const MEMBER = "m.";

export const memberKey = (stream: string, id: string): string =>
  `${MEMBER}${encodeName(stream)}.${encodeName(id)}`;

export const attendanceKey = (sid: string): string => `s.${encodeName(sid)}`;

export const isMemberKey = (key: string): boolean => key.startsWith(MEMBER);
