export { CableError, type ErrorCode } from "@hawser/core/errors";
export { type Broadcaster, type BroadcasterOptions, createBroadcaster } from "./broadcaster.ts";
export type {
  BroadcastMessage,
  BroadcastOptions,
  RemoteDisconnectOptions,
  RevocationTarget,
  RevokeOptions,
} from "./publication.ts";
