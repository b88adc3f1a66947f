import { flag, section, text } from "@hawser/core/options";
import { whyNotPath } from "../http/options.ts";

export const SSE = section("Server-Sent Events", {
  enabled: flag({
    flag: "sse",
    toml: "sse.enabled",
    help: "Serve streams of events to EventSource and other HTTP clients.",
  }),
  path: text({
    flag: "sse_path",
    toml: "sse.path",
    default: "/events",
    help: "Path of the event streams.",
    check: whyNotPath,
  }),
});
