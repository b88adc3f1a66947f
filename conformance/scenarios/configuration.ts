import { connect, delivery, publication, receives, subscribed, WELCOME, welcomed } from "../phrases.ts";
import type { Group } from "../scenario.ts";

/** Options that come from a file, and what is served without any. */

const PATHS_OF_THE_FILE: Group = {
  title: "paths in the file",
  flags: ["--norpc", "--noauth"],
  file: '[ws]\npaths = ["/socket", "/rooms/*"]\n',
  scenarios: [
    {
      name: "are the endpoints",
      steps: [
        {
          do: "differ",
          deviation: "D15",
          ours: [
            ...welcomed("/socket", "a"),
            ...welcomed("/rooms/1", "b"),
            connect("/cable", "c", { status: 404 }),
          ],
          reference: [connect("/socket", "a", { status: 404 }), ...welcomed("/cable", "b")],
        },
      ],
    },
  ],
};

const HEADERS_OF_THE_FILE: Group = {
  title: "proxied headers in the file",
  flags: [],
  file: '[rpc]\nproxy_headers = ["x-wanted"]\n',
  server: "each",
  application: {},
  scenarios: [
    {
      name: "are the ones that the application is told of",
      steps: [
        connect("/cable", undefined, { headers: { "X-Wanted": "yes", Cookie: "a=1" } }),
        receives(/welcome/),
        {
          do: "differ",
          deviation: "D15",
          ours: [
            {
              do: "calls",
              method: "Connect",
              count: 1,
              headers: { "x-wanted": "yes", REMOTE_ADDR: "127.0.0.1" },
            },
          ],
          reference: [
            {
              do: "calls",
              method: "Connect",
              count: 1,
              headers: { cookie: "a=1", REMOTE_ADDR: "127.0.0.1" },
            },
          ],
        },
      ],
    },
  ],
};

const FILE: Group = {
  title: "a configuration file",
  flags: ["--norpc"],
  file: "noauth = true\n[streams]\npublic = true\n[app]\nping_interval = 60\n",
  scenarios: [
    {
      name: "is taken as flags are",
      steps: [
        ...welcomed(),
        ...subscribed("of-the-file"),
        { do: "publish", body: publication("of-the-file", "1") },
        receives(delivery("of-the-file", "1")),
      ],
    },
  ],
};

const FLAGS_FIRST: Group = {
  title: "a configuration file beside variables and flags",
  flags: ["--path=/of-the-flag"],
  env: { ANYCABLE_PATH: "/of-the-variable", ANYCABLE_NOAUTH: "true" },
  file: 'noauth = false\n[rpc]\nimplementation = "none"\n',
  scenarios: [
    {
      name: "counts less than variables, and these less than flags",
      steps: [...welcomed("/of-the-flag", "a"), connect("/of-the-variable", "b", { status: 404 })],
    },
  ],
};

const MISTAKES: Group = {
  title: "a configuration file with a mistake",
  flags: [],
  server: "none",
  scenarios: [
    ...[
      ["a key that nobody knows", "[jwt]\nsecrett = 'x'\n", /jwt\.secrett.*did you mean jwt\.secret/],
      ["a table that nobody knows", "[jwtt]\nsecret = 'x'\n", /jwtt/],
      ["a key in the wrong table", "jwt_secret = 'x'\n", /jwt\.secret/],
    ].map(([what, file, says]) => ({
      name: `${what} ends the start, with what may have been meant`,
      steps: [
        {
          do: "differ" as const,
          deviation: "D21" as const,
          ours: [
            {
              do: "fails to start" as const,
              flags: ["--norpc"],
              file: String(file),
              status: 1,
              says: says as RegExp,
            },
          ],
          reference: [{ do: "starts" as const, flags: ["--norpc"], file: String(file) }],
        },
      ],
    })),
    {
      name: "text that is no TOML ends the start",
      steps: [{ do: "fails to start", flags: ["--norpc"], file: "secret = \n", status: 1, says: /toml/i }],
    },
    {
      name: "a value of another type ends the start",
      steps: [
        { do: "fails to start", flags: ["--norpc"], file: "[server]\nport = 'x'\n", status: 1, says: /port/ },
      ],
    },
  ],
};

const NO_ADAPTER: Group = {
  title: "without a word on broadcasting",
  flags: ["--norpc", "--noauth", "--public_streams"],
  ownAdapter: true,
  onlyOurs: "D31: the reference looks for Redis as well, and without one ends after some fifty seconds",
  scenarios: [
    {
      name: "publications are taken over HTTP",
      steps: [
        connect(),
        receives(WELCOME),
        ...subscribed("by-default"),
        { do: "publish", body: publication("by-default", "1") },
        receives(delivery("by-default", "1")),
        { do: "output", hasNot: /redis/i },
      ],
    },
  ],
};

export const CONFIGURATION_GROUPS: readonly Group[] = [
  PATHS_OF_THE_FILE,
  HEADERS_OF_THE_FILE,
  FILE,
  FLAGS_FIRST,
  MISTAKES,
  NO_ADAPTER,
];
