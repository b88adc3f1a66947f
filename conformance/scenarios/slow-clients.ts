import { publication, receives, subscribed, welcomed } from "../phrases.ts";
import type { Group, Step } from "../scenario.ts";

const FLAGS = ["--norpc", "--noauth", "--public_streams", "--metrics_http=/metrics", "--ping_interval=60"];
const sample = (name: string, is: number): Step => ({ do: "metric", name, is });
const TOO_SLOW = '{"type":"disconnect","reason":"too_slow","reconnect":true}';

/** More than the kernel keeps for a connection, in one go. */
function flood(stream: string): Step {
  const message = publication(stream, JSON.stringify("z".repeat(60_000)));
  return { do: "publish", body: Array.from({ length: 300 }, () => message) };
}

const LIMIT: Group = {
  title: "--ws_max_pending_size",
  flags: [...FLAGS, "--ws_max_pending_size=100000", "--ws_write_timeout=30"],
  server: "each",
  scenarios: [
    {
      name: "a client that reads nothing while more than that waits for it is told so, and the others go on",
      steps: [
        ...welcomed(undefined, "slow"),
        ...subscribed("flood", "slow"),
        ...welcomed(undefined, "other"),
        ...subscribed("calm", "other"),
        { do: "stall", on: "slow" },
        flood("flood"),
        sample("disconnected_slow_clients_total", 1),
        { do: "publish", body: publication("calm", "1") },
        receives(/"message":1/, "other"),
        { do: "resume", on: "slow" },
        {
          do: "differ",
          deviation: "D29",
          ours: [
            { do: "pass over", on: "slow", until: TOO_SLOW },
            { do: "closed", on: "slow", code: 1000, reason: "" },
          ],
          // What it says may be lost with the queue that it empties.
          reference: [],
        },
        { do: "quiet", on: "other" },
      ],
    },
    {
      name: "one message that is larger than the limit is taken by whoever reads",
      steps: [
        ...welcomed(),
        ...subscribed("large"),
        { do: "publish", body: publication("large", JSON.stringify("x".repeat(300_000))) },
        receives(/xxx/),
        { do: "quiet" },
        sample("disconnected_slow_clients_total", 0),
      ],
    },
  ],
};

const NO_LIMIT: Group = {
  title: "--ws_max_pending_size=0",
  flags: [...FLAGS, "--ws_max_pending_size=0", "--ws_write_timeout=30"],
  server: "each",
  scenarios: [
    {
      name: "a client that reads late gets everything",
      steps: [
        ...welcomed(),
        ...subscribed("flood"),
        { do: "stall" },
        flood("flood"),
        { do: "publish", body: publication("flood", '"the last one"') },
        { do: "wait", ms: 300 },
        { do: "resume" },
        ...Array.from({ length: 300 }, () => receives(/zzz/)),
        receives(/the last one/),
        { do: "quiet" },
        sample("disconnected_slow_clients_total", 0),
      ],
    },
  ],
};

const WRITE_TIMEOUT: Group = {
  title: "--ws_write_timeout",
  flags: [...FLAGS, "--ws_max_pending_size=0", "--ws_write_timeout=1"],
  server: "each",
  scenarios: [
    {
      name: "a client that takes nothing for so long is cut off and counted, and the others go on",
      steps: [
        ...welcomed(undefined, "slow"),
        ...subscribed("flood", "slow"),
        ...welcomed(undefined, "other"),
        { do: "stall", on: "slow" },
        flood("flood"),
        sample("timeout_server_msg_total", 1),
        sample("failed_server_msg_total", 1),
        { do: "resume", on: "slow" },
        { do: "pass over", on: "slow" },
        { do: "quiet", on: "other" },
      ],
    },
  ],
};

export const SLOW_CLIENT_GROUPS: readonly Group[] = [LIMIT, NO_LIMIT, WRITE_TIMEOUT];
