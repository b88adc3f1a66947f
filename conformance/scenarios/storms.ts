import { connect, welcomed } from "../phrases.ts";
import type { Group, Step } from "../scenario.ts";
import { FORGED, GOOD } from "../tokens.ts";

const refused = (on: string, from?: string): Step[] => [
  connect(`/cable?jid=${FORGED}`, on, from === undefined ? {} : { headers: { "X-Forwarded-For": from } }),
  { do: "receive", on, text: /unauthorized/ },
];

const LIMITED = [
  "--norpc",
  "--enforce_jwt",
  "--jwt_secret=qwerty",
  "--metrics_http=/metrics",
  "--max_failed_auths_per_minute=2",
];

const NOT_THERE = "the reference has no such option";

const FAILED_AUTHS: Group = {
  title: "--max_failed_auths_per_minute",
  flags: LIMITED,
  server: "each",
  onlyOurs: NOT_THERE,
  scenarios: [
    {
      name: "past it the address is answered 429 before anybody looks at its token",
      steps: [
        ...welcomed(`/cable?jid=${GOOD}`, "before"),
        ...refused("a"),
        ...refused("b"),
        connect(`/cable?jid=${GOOD}`, "c", {
          status: 429,
          body: "Too Many Requests\n",
          answer: { "Content-Type": "text/plain; charset=utf-8" },
        }),
        { do: "quiet", on: "before" },
        { do: "http", path: "/health", status: 200 },
        { do: "metric", name: "failed_auths_total", is: 2 },
        { do: "metric", name: "refused_connections_total", labels: ['reason="failed_auths"'], is: 1 },
      ],
    },
  ],
};

const BEHIND_A_PROXY: Group = {
  title: "--max_failed_auths_per_minute behind a trusted proxy",
  flags: [...LIMITED, "--trusted_proxies=127.0.0.1", "--sse"],
  server: "each",
  onlyOurs: NOT_THERE,
  scenarios: [
    {
      name: "the address is the client's: others behind the same proxy are let in",
      steps: [
        ...refused("a", "192.0.2.1"),
        ...refused("b", "192.0.2.1"),
        connect(`/cable?jid=${GOOD}`, "c", { status: 429, headers: { "X-Forwarded-For": "192.0.2.1" } }),
        {
          do: "http",
          path: `/events?jid=${GOOD}&stream=a`,
          headers: { "X-Forwarded-For": "192.0.2.1" },
          status: 429,
        },
        connect(`/cable?jid=${GOOD}`, "d", { headers: { "X-Forwarded-For": "192.0.2.2" } }),
        { do: "receive", on: "d", text: /welcome/ },
      ],
    },
  ],
};

/** Spread over ten seconds. */
const COME_AGAIN = /^Retry-After: (?:[1-9]|10)\r$/im;

/** In whatever order clients are told: each hears so before its connection is closed. */
const told = (on: string): Step[] => [
  {
    do: "receive",
    on,
    text: '{"type":"disconnect","reason":"server_restart","reconnect":true}',
    withinMs: 15_000,
  },
  { do: "closed", on, code: 1001, reason: "Server restart" },
];

const ACCEPT_RATE: Group = {
  title: "--accept_rate",
  oneThread: "of a rate of one a second each thread has one",
  flags: ["--norpc", "--noauth", "--broker=memory", "--metrics_http=/metrics", "--accept_rate=1"],
  server: "each",
  onlyOurs: NOT_THERE,
  scenarios: [
    {
      name: "over it a client is answered 503, and gets in later",
      steps: [
        ...welcomed("/cable", "a"),
        connect("/cable", "b", { status: 503, body: "Service Unavailable\n", head: COME_AGAIN }),
        { do: "metric", name: "refused_connections_total", labels: ['reason="accept_rate"'], is: 1 },
        { do: "wait", ms: 1500 },
        ...welcomed("/cable", "c"),
      ],
    },
  ],
};

const SLOW_FAREWELL: Group = {
  title: "--shutdown_disconnect_rate",
  flags: ["--norpc", "--noauth", "--shutdown_disconnect_rate=2", "--shutdown_timeout=20"],
  server: "each",
  onlyOurs: NOT_THERE,
  scenarios: [
    {
      name: "a server that goes down tells its clients one after the other before it closes their connections",
      steps: [
        ...welcomed("/cable", "a"),
        ...welcomed("/cable", "b"),
        ...welcomed("/cable", "c"),
        ...welcomed("/cable", "d"),
        { do: "signal", name: "SIGTERM" },
        ...told("a"),
        ...told("b"),
        ...told("c"),
        ...told("d"),
        { do: "exited", status: 0 },
      ],
    },
  ],
};

const COMMAND_RATE: Group = {
  title: "--max_commands_per_second",
  flags: ["--norpc", "--noauth", "--metrics_http=/metrics", "--max_commands_per_second=20"],
  server: "each",
  onlyOurs: NOT_THERE,
  scenarios: [
    {
      name: "more are closed with 1008, and others are not",
      steps: [
        ...welcomed("/cable", "loud"),
        ...welcomed("/cable", "quiet"),
        { do: "send", on: "quiet", command: { command: "ping" } },
        { do: "receive", on: "quiet", text: '{"type":"pong"}' },
        { do: "send", on: "loud", text: "null", times: 2000 },
        { do: "closed", on: "loud", code: 1008, reason: "Too many commands" },
        { do: "metric", name: "disconnects_total", labels: ['reason="command_rate"'], is: 1 },
        { do: "send", on: "quiet", command: { command: "ping" } },
        { do: "receive", on: "quiet", text: '{"type":"pong"}' },
      ],
    },
  ],
};

export const STORM_GROUPS: readonly Group[] = [
  FAILED_AUTHS,
  BEHIND_A_PROXY,
  ACCEPT_RATE,
  COMMAND_RATE,
  SLOW_FAREWELL,
];
