export { CableError, type ErrorCode } from "@hawser/core/errors";
export {
  createStreams,
  type SignedStreamVerdict,
  type Streams,
  type StreamsOptions,
  streamName,
} from "./streams.ts";
