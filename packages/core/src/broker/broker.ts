import type { Answer } from "./answer.ts";
import type { Board } from "./board.ts";
import type { History } from "./history.ts";
import type { Presence } from "./presence.ts";
import type { Sessions } from "./sessions.ts";

/** What outlives a connection; null for what this broker does not keep. */
export interface Broker {
  readonly history: History | null;
  readonly sessions: Sessions | null;
  readonly presence: Presence | null;
  /** Absent where servers share nothing. */
  readonly board?: Board;
  /** Ends what it does by itself; what it kept in memory is gone. */
  close(): Answer<void>;
}
