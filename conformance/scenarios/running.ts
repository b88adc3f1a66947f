import { connect, delivery, publication, receives, subscribed, welcomed } from "../phrases.ts";
import type { Group, Scenario, Step } from "../scenario.ts";
import { BROADCAST_KEY, EXPIRED, FORGED, GOOD, token } from "../tokens.ts";

const FULL: Group = {
  title: "--max-conn",
  flags: ["--norpc", "--noauth", "--max-conn=2"],
  server: "serial",
  // The reference hangs here, together with the checks of its health.
  onlyOurs: "D18: the reference takes no connection over the limit, and answers nothing",
  scenarios: [
    {
      name: "one more client is answered 503 and when to come again, and gets in once another has left",
      steps: [
        ...welcomed("/cable", "a"),
        ...welcomed("/cable", "b"),
        connect("/cable", "c", {
          status: 503,
          body: "Service Unavailable\n",
          answer: { "Retry-After": "5", "Content-Type": "text/plain; charset=utf-8" },
        }),
        { do: "quiet", on: "a" },
        { do: "drop", on: "a" },
        { do: "wait", ms: 150 },
        ...welcomed("/cable", "d"),
        connect("/cable", "e", { status: 503 }),
      ],
    },
    {
      name: "a wrong handshake is told so, not that the server is full",
      steps: [
        { do: "wait", ms: 150 },
        ...welcomed("/cable", "a"),
        ...welcomed("/cable", "b"),
        connect("/cable", "c", { status: 400, headers: { "Sec-WebSocket-Version": "8" } }),
      ],
    },
    {
      name: "health and publications are answered although it is full",
      steps: [
        { do: "wait", ms: 150 },
        ...welcomed("/cable", "a"),
        ...welcomed("/cable", "b"),
        { do: "http", path: "/health", status: 200 },
        { do: "publish", body: publication("a", "1") },
        { do: "http", path: "/ready", status: 200 },
      ],
    },
  ],
};

const RESTART = '{"type":"disconnect","reason":"server_restart","reconnect":true}';

function restarted(on?: string): Step[] {
  const client = on === undefined ? {} : { on };
  return [
    { do: "receive", ...client, text: RESTART },
    { do: "closed", ...client, code: 1001, reason: "Server restart" },
  ];
}

/** The reference may end before its queues are empty, so that a client hears nothing, or all. */
function flushed(ours: readonly Step[]): Step {
  return { do: "differ", deviation: "D13", ours, reference: [] };
}

const MANY = Array.from({ length: 40 }, (_, index) => `client ${index}`);

const SHUTDOWN: Group = {
  title: "shutdown",
  flags: ["--norpc", "--noauth", "--public_streams"],
  server: "each",
  scenarios: [
    ...(["SIGTERM", "SIGINT"] as const).map(
      (name): Scenario => ({
        name: `after ${name} the client is told to come back, and the process ends with 0`,
        steps: [...welcomed(), { do: "signal", name }, flushed(restarted()), { do: "exited", status: 0 }],
      }),
    ),
    {
      name: "without clients the process ends at once",
      steps: [
        { do: "signal", name: "SIGTERM" },
        { do: "exited", status: 0 },
      ],
    },
    {
      name: "every client is told",
      steps: [
        ...MANY.flatMap((on) => welcomed("/cable", on)),
        { do: "signal", name: "SIGTERM" },
        flushed(MANY.flatMap((on) => restarted(on))),
        { do: "exited", status: 0 },
      ],
    },
    {
      name: "what was published before is delivered before",
      steps: [
        ...welcomed(),
        ...subscribed("last"),
        ...["1", "2", "3"].map((data): Step => ({ do: "publish", body: publication("last", data) })),
        { do: "signal", name: "SIGTERM" },
        ...["1", "2", "3"].map((data) => receives(delivery("last", data))),
        flushed(restarted()),
        { do: "exited", status: 0 },
      ],
    },
  ],
};

const SHUTDOWN_DELAY: Group = {
  title: "--shutdown_delay",
  flags: ["--norpc", "--noauth", "--public_streams", "--shutdown_delay=1"],
  server: "each",
  scenarios: [
    {
      name: "clients are served and taken in until the delay is over",
      steps: [
        ...welcomed("/cable", "a"),
        { do: "signal", name: "SIGTERM" },
        { do: "wait", ms: 200 },
        { do: "quiet", on: "a" },
        ...welcomed("/cable", "b"),
        { do: "http", path: "/health", status: 200 },
        ...subscribed("delayed", "b"),
        { do: "publish", body: publication("delayed", "1") },
        receives(delivery("delayed", "1"), "b"),
        flushed([...restarted("a"), ...restarted("b")]),
        { do: "exited", status: 0 },
      ],
    },
  ],
};

const SECOND_SIGNAL: Group = {
  title: "a second signal",
  flags: ["--norpc", "--noauth", "--shutdown_delay=20"],
  server: "each",
  scenarios: [
    {
      name: "ends the process without waiting for the delay",
      steps: [
        ...welcomed(),
        { do: "signal", name: "SIGTERM" },
        { do: "output", has: /Shutting down\.\.\./ },
        { do: "signal", name: "SIGINT" },
        { do: "exited", status: 0, withinMs: 3000 },
        { do: "output", has: /Immediate termination requested\. Stopped/ },
      ],
    },
  ],
};

const sample = (name: string, is: number, ...labels: string[]): Step => ({ do: "metric", name, is, labels });

const METRICS: Group = {
  title: "metrics",
  flags: [
    "--norpc",
    "--secret=qwerty",
    "--public_streams",
    "--metrics_http=/metrics",
    "--stats_refresh_interval=1",
    "--ping_interval=60",
  ],
  server: "each",
  scenarios: [
    {
      name: "count a known run",
      steps: [
        connect(`/cable?jid=${FORGED}`, "forged"),
        { do: "receive", on: "forged", text: /unauthorized/ },
        connect(`/cable?jid=${EXPIRED}`, "expired"),
        { do: "receive", on: "expired", text: /token_expired/ },
        connect("/cable", "none"),
        { do: "receive", on: "none", text: /unauthorized/ },
        connect(`/cable?jid=${GOOD}`),
        receives(/welcome/),
        connect(`/cable?jid=${GOOD}`, "twin"),
        receives(/welcome/, "twin"),
        connect(`/cable?jid=${token({ ext: "another user" })}`, "other"),
        receives(/welcome/, "other"),
        ...subscribed("counted"),
        ...subscribed("counted", "twin"),
        { do: "send", command: { command: "dance" } },
        { do: "quiet" },
        { do: "publish", body: publication("counted", "1"), key: BROADCAST_KEY },
        receives(delivery("counted", "1")),
        receives(delivery("counted", "1"), "twin"),
        {
          do: "publish",
          body: { command: "disconnect", payload: { identifier: "nobody" } },
          key: BROADCAST_KEY,
        },
        sample("failed_auths_total", 3),
        sample("client_msg_total", 4),
        sample("failed_client_msg_total", 1),
        sample("publications_total", 2),
        sample("broadcast_msg_total", 2),
        sample("remote_commands_total", 1),
        // Three refusals, three welcomes, two confirmations, a pong, two deliveries.
        sample("server_msg_total", 11),
        sample("clients_num", 3),
        sample("clients_uniq_num", 2),
        sample("broadcast_streams_num", 1),
        { do: "drop", on: "other" },
        sample("clients_num", 2),
        sample("clients_uniq_num", 1),
      ],
    },
    {
      name: "count a publication that cannot be read",
      steps: [
        {
          do: "differ",
          deviation: "D12",
          ours: [{ do: "publish", body: "garbage", key: BROADCAST_KEY, status: 422 }],
          reference: [{ do: "publish", body: "garbage", key: BROADCAST_KEY }],
        },
        sample("failed_broadcast_msg_total", 1),
        sample("publications_total", 0),
        sample("broadcast_msg_total", 0),
      ],
    },
    {
      name: "count what a client sends and gets",
      steps: [
        connect(`/cable?jid=${GOOD}`),
        receives(/welcome/),
        { do: "quiet" },
        sample("data_rcvd_total", '{"command":"ping"}'.length),
        sample(
          "data_sent_total",
          `{"type":"welcome","sid":"${"x".repeat(21)}"}`.length + '{"type":"pong"}'.length,
        ),
        { do: "send", text: "garbage" },
        sample("failed_client_msg_total", 1),
        sample("client_msg_total", 1),
      ],
    },
    {
      name: "count a pong and what cannot be done as commands, and the frame null as nothing",
      steps: [
        connect(`/cable?jid=${GOOD}`),
        receives(/welcome/),
        { do: "send", command: { command: "pong" } },
        { do: "send", command: {} },
        { do: "send", command: { command: "dance" } },
        { do: "send", command: { command: "unsubscribe", identifier: "nothing" } },
        { do: "send", text: "null" },
        { do: "quiet" },
        sample("client_msg_total", 5),
        sample("failed_client_msg_total", 3),
        { do: "output", has: /WRN failed to handle incoming message .*unknown command/ },
        { do: "output", has: /WRN failed to handle incoming message .*unknown subscription: nothing/ },
      ],
    },
    {
      name: "count every verification under what came of it",
      onlyOurs: "the metric is ours",
      steps: [
        connect(`/cable?jid=${GOOD}`, "a"),
        receives(/welcome/, "a"),
        connect("/cable", "b", { headers: { "X-JID": GOOD } }),
        receives(/welcome/, "b"),
        connect("/cable", "c", { protocols: `anycable-token.${EXPIRED}` }),
        { do: "receive", on: "c", text: /token_expired/ },
        ...[
          FORGED,
          token({ ext: undefined }),
          token({}, undefined, { alg: "none" }),
          "garbage",
          token({ pad: "x".repeat(9000) }),
        ].flatMap((bad, index): Step[] => [
          connect(`/cable?jid=${bad}`, `bad ${index}`),
          { do: "receive", on: `bad ${index}`, text: /unauthorized/ },
        ]),
        connect("/cable?x=%zz", "d"),
        { do: "receive", on: "d", text: /unauthorized/ },
        connect("/cable", "e"),
        { do: "receive", on: "e", text: /unauthorized/ },
        verified(1, 'result="accepted"', 'reason="none"', 'carrier="query"'),
        verified(1, 'result="accepted"', 'reason="none"', 'carrier="header"'),
        verified(2, 'result="accepted"'),
        verified(1, 'result="refused"', 'reason="expired"', 'carrier="subprotocol"'),
        verified(1, 'result="refused"', 'reason="bad_signature"', 'carrier="query"'),
        verified(1, 'result="refused"', 'reason="ext_missing"'),
        verified(1, 'result="refused"', 'reason="alg_not_allowed"'),
        verified(2, 'result="refused"', 'reason="malformed"'),
        verified(1, 'result="refused"', 'reason="too_large"'),
        verified(1, 'result="refused"', 'reason="missing"', 'carrier="none"'),
        sample("failed_auths_total", 8),
      ],
    },
  ],
};

const PINGED: Group = {
  title: "pings on the metrics",
  flags: ["--norpc", "--noauth", "--metrics_http=/metrics", "--ping_interval=1"],
  server: "each",
  scenarios: [
    {
      name: "are bytes that were sent, and no messages",
      steps: [
        ...welcomed("/cable?pi=2"),
        { do: "pings", count: 1 },
        sample(
          "data_sent_total",
          `{"type":"welcome","sid":"${"x".repeat(21)}"}`.length +
            '{"type":"ping","message":1795428260}'.length,
        ),
        sample("server_msg_total", 1),
      ],
    },
  ],
};

function verified(is: number, ...labels: string[]): Step {
  return { do: "metric", name: "jwt_verifications_total", is, labels };
}

/** `--debug` says the most. */
const LOGGED: Group = {
  title: "the log",
  flags: ["--norpc", "--enforce_jwt", "--jwt_secret=qwerty", "--debug"],
  server: "each",
  scenarios: [
    {
      name: "has no cookie or other credential of a client without a token",
      steps: [
        connect("/cable?key=0fThePage", undefined, {
          headers: { Cookie: "session=0fTheBrowser", Authorization: "Bearer 0fAnother" },
        }),
        { do: "receive", text: /unauthorized/ },
        { do: "closed", code: 1000 },
        {
          do: "differ",
          deviation: "D19",
          ours: [
            { do: "output", has: /client refused .*reason=missing/ },
            { do: "output", hasNot: /0fThe|0fAnother/ },
          ],
          reference: [{ do: "output", has: /no token is found .*0fThePage/ }],
        },
      ],
    },
    {
      name: "has no token, good or bad, by whatever way it came",
      steps: [
        connect(`/cable?jid=${GOOD}`, "good"),
        { do: "receive", on: "good", text: /welcome/ },
        connect(`/cable?jid=${FORGED}`, "query"),
        { do: "receive", on: "query", text: /unauthorized/ },
        connect("/cable", "header", { headers: { "X-JID": EXPIRED } }),
        { do: "receive", on: "header", text: /token_expired/ },
        connect("/cable", "protocol", { protocols: `anycable-token.${FORGED}` }),
        { do: "receive", on: "protocol", text: /unauthorized/ },
        { do: "output", hasNot: /eyJ/ },
      ],
    },
  ],
};

const STARTING: Group = {
  title: "starting",
  flags: [],
  server: "none",
  scenarios: [
    ...[
      ["--norpc", "--enforce_jwt"],
      ["--norpc", "--enforce_jwt", "--jwt_secret=none", "--secret=x"],
      ["--norpc", "--noauth", "--enforce_jwt"],
    ].map(
      (flags): Scenario => ({
        name: `${flags.join(" ")} has no secret to enforce anything with`,
        steps: [
          {
            do: "differ",
            deviation: "D5",
            ours: [
              {
                do: "fails to start",
                flags,
                status: 1,
                says: /enforce_jwt.*jwt_secret|jwt_secret.*enforce_jwt/,
              },
            ],
            reference: [{ do: "starts", flags }],
          },
        ],
      }),
    ),
    {
      name: "a flag that nobody knows is an error",
      steps: [{ do: "fails to start", flags: ["--norpc", "--jwt_secrte=x"], status: 1, says: /jwt_secrte/ }],
    },
    {
      name: "a flag behind an argument that is none is not passed over",
      steps: [
        {
          do: "differ",
          deviation: "D21",
          ours: [
            {
              do: "fails to start",
              flags: ["--norpc", "true", "--enforce_jwt"],
              status: 1,
              says: /--enforce_jwt stands behind/,
            },
          ],
          reference: [{ do: "starts", flags: ["--norpc", "true", "--enforce_jwt"] }],
        },
      ],
    },
    {
      name: "the version and the help go to the output and end well",
      steps: [
        { do: "fails to start", flags: ["--version"], status: 0, says: /\d+\.\d+\.\d+/ },
        { do: "fails to start", flags: ["--help"], status: 0, says: /--jwt_secret/ },
      ],
    },
  ],
};

export const RUNNING_GROUPS: readonly Group[] = [
  SHUTDOWN,
  SHUTDOWN_DELAY,
  SECOND_SIGNAL,
  METRICS,
  LOGGED,
  PINGED,
  FULL,
  STARTING,
];
