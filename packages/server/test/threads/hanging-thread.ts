import "../../src/connection-thread.ts";

/** A connection thread that stops answering for ever when it is told to. */
addEventListener("message", ({ data }: MessageEvent<unknown>) => {
  while (data === "hang");
});
