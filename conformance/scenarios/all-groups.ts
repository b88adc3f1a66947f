import type { Group } from "../scenario.ts";
import { ADMISSION_GROUPS } from "./admission.ts";
import { APPLICATION_GROUPS } from "./application.ts";
import { APPLICATION_LIMIT_GROUPS } from "./application-limits.ts";
import { APPLICATION_TOLD_GROUPS } from "./application-told.ts";
import { BROADCAST_KEY_GROUPS } from "./broadcast-keys.ts";
import { OPEN_BROADCASTS } from "./broadcasting.ts";
import { COMMAND_GROUPS } from "./commands.ts";
import { COMPRESSION_GROUPS } from "./compression.ts";
import { CONFIGURATION_GROUPS } from "./configuration.ts";
import { CORS_GROUPS } from "./cors.ts";
import { EVENT_STREAM_SESSION_GROUPS } from "./event-stream-sessions.ts";
import { EVENT_STREAM_GROUPS } from "./event-streams.ts";
import { EXPIRY_GROUPS } from "./expiry.ts";
import { FRAME_GROUPS } from "./frames.ts";
import { HANDSHAKE_GROUPS } from "./handshake.ts";
import { HISTORY_GROUPS } from "./history.ts";
import { PING_GROUPS } from "./pings.ts";
import { PRESENCE_GROUPS } from "./presence.ts";
import { PRESENCE_OF_APPLICATION } from "./presence-application.ts";
import { PRESENCE_LOST_GROUPS } from "./presence-lost.ts";
import { REMOTE_DISCONNECT } from "./remote-disconnect.ts";
import { RESUMING_GROUPS } from "./resuming.ts";
import { REVOCATION_GROUPS } from "./revocation.ts";
import { RUNNING_GROUPS } from "./running.ts";
import { SIGNED_CHANNEL_GROUPS } from "./signed-channels.ts";
import { SIGNED_STREAM_GROUPS } from "./signed-streams.ts";
import { SLOW_CLIENT_GROUPS } from "./slow-clients.ts";
import { STORM_GROUPS } from "./storms.ts";
import { SUBPROTOCOLS } from "./subprotocols.ts";
import { TOKEN_GROUPS } from "./token-decisions.ts";
import { WHISPER_GROUPS } from "./whisper.ts";

/** Clients cannot tell by what the application is called. */
const overHttp = (group: Group): Group => ({
  ...group,
  title: `${group.title}, over HTTP`,
  applicationOver: "http",
});

/** Those that wait the longest come first, so that the others fill the time. */
export const GROUPS: readonly Group[] = [
  ...PING_GROUPS,
  ...HISTORY_GROUPS,
  ...RUNNING_GROUPS,
  ...EXPIRY_GROUPS,
  ...SLOW_CLIENT_GROUPS,
  ...STORM_GROUPS,
  ...PRESENCE_LOST_GROUPS,
  ...PRESENCE_GROUPS,
  PRESENCE_OF_APPLICATION,
  ...RESUMING_GROUPS,
  ...APPLICATION_LIMIT_GROUPS,
  ...APPLICATION_GROUPS,
  ...APPLICATION_GROUPS.map(overHttp),
  ...APPLICATION_TOLD_GROUPS,
  // Which ends are told, and which headers, is settled before anybody is called.
  ...APPLICATION_TOLD_GROUPS.slice(0, 1).map(overHttp),
  ...HANDSHAKE_GROUPS,
  SUBPROTOCOLS,
  ...FRAME_GROUPS,
  ...COMPRESSION_GROUPS,
  ...COMMAND_GROUPS,
  OPEN_BROADCASTS,
  ...BROADCAST_KEY_GROUPS,
  REMOTE_DISCONNECT,
  ...REVOCATION_GROUPS,
  ...CONFIGURATION_GROUPS,
  ...CORS_GROUPS,
  ...EVENT_STREAM_GROUPS,
  ...EVENT_STREAM_SESSION_GROUPS,
  ...SIGNED_STREAM_GROUPS,
  ...SIGNED_CHANNEL_GROUPS,
  ...WHISPER_GROUPS,
  ...ADMISSION_GROUPS,
  ...TOKEN_GROUPS,
];
