import { connect, receives, WELCOME, welcomed } from "../phrases.ts";
import type { Group, Headers, Scenario } from "../scenario.ts";

const REFUSAL_HEADERS: Headers = {
  "Sec-WebSocket-Version": "13",
  "Content-Type": "text/plain; charset=utf-8",
  "X-Content-Type-Options": "nosniff",
};

interface Row {
  readonly when: string;
  readonly headers?: Headers;
  readonly method?: string;
}

const TEXT = { 400: "Bad Request\n", 403: "Forbidden\n", 405: "Method Not Allowed\n" } as const;

function refusal(status: keyof typeof TEXT, { when, headers, method }: Row): Scenario {
  return {
    name: `a handshake ${when} is answered ${status}`,
    steps: [
      {
        do: "connect",
        headers: headers ?? {},
        ...(method === undefined ? {} : { method }),
        status,
        answer: REFUSAL_HEADERS,
        body: TEXT[status],
      },
    ],
  };
}

function acceptance({ when, headers }: Row): Scenario {
  return {
    name: `a handshake ${when} is accepted`,
    steps: welcomed(undefined, undefined, { headers: headers ?? {} }),
  };
}

const BAD_REQUESTS: readonly Row[] = [
  { when: "without Connection", headers: { Connection: null } },
  { when: "with Connection: keep-alive", headers: { Connection: "keep-alive" } },
  { when: "without Upgrade", headers: { Upgrade: null } },
  { when: "with Upgrade: h2c", headers: { Upgrade: "h2c" } },
  { when: "without a version", headers: { "Sec-WebSocket-Version": null } },
  { when: "with version 12", headers: { "Sec-WebSocket-Version": "12" } },
  { when: "without a key", headers: { "Sec-WebSocket-Key": null } },
  { when: "whose key is too short", headers: { "Sec-WebSocket-Key": "c2hvcnQ=" } },
  { when: "whose key has 17 bytes", headers: { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAAA=" } },
  { when: "whose key is not base64", headers: { "Sec-WebSocket-Key": "!!!!!!!!!!!!!!!!!!!!!!==" } },
  { when: "by POST and without Upgrade", headers: { Upgrade: null }, method: "POST" },
];

const GOOD_REQUESTS: readonly Row[] = [
  { when: "with Connection: keep-alive, Upgrade", headers: { Connection: "keep-alive, Upgrade" } },
  { when: "with headers in other cases", headers: { Connection: "uPGRADE", Upgrade: "WebSocket" } },
  { when: "with an Origin", headers: { Origin: "https://anywhere.example" } },
  { when: "that offers an extension", headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } },
];

const HANDSHAKE: Group = {
  title: "handshake",
  flags: ["--norpc", "--noauth"],
  scenarios: [
    ...BAD_REQUESTS.map((row) => refusal(400, row)),
    refusal(405, { when: "by POST", method: "POST" }),
    refusal(405, {
      when: "by PUT and with a wrong version",
      method: "PUT",
      headers: { "Sec-WebSocket-Version": "12" },
    }),
    ...GOOD_REQUESTS.map(acceptance),
    {
      name: "an accepted handshake names the dialect and no sub-protocol or extension",
      steps: [
        connect(undefined, undefined, {
          answer: {
            Upgrade: "websocket",
            Connection: "Upgrade",
            "Sec-WebSocket-Protocol": null,
            "Sec-WebSocket-Extensions": null,
          },
          head: /\r\nX-AnyCable-Version: 1\.6\.16(\r\n|$)/,
        }),
        receives(WELCOME),
      ],
    },
    {
      name: "a plain GET of the endpoint is answered 400",
      steps: [{ do: "http", path: "/cable", status: 400, says: "Bad Request\n" }],
    },
    {
      name: "frames that come together with the handshake wait for the welcome",
      onlyOurs: "the reference hangs up on a client that does not wait for its answer",
      steps: [
        connect(undefined, undefined, { early: [{ command: "ping" }, { command: "ping" }] }),
        receives(WELCOME),
        receives('{"type":"pong"}'),
        receives('{"type":"pong"}'),
      ],
    },
    {
      name: "a handshake by HTTP/1.0 is accepted",
      steps: [connect(undefined, undefined, { httpVersion: "1.0" }), receives(WELCOME)],
    },
    {
      name: "a handshake whose target is a whole URL is accepted",
      steps: [connect("http://elsewhere.example/cable?a=b"), receives(WELCOME)],
    },
    {
      name: "any path but the server's own is not found",
      steps: [
        {
          do: "http",
          path: "/elsewhere",
          status: 404,
          says: "404 page not found\n",
          answer: { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" },
        },
        { do: "http", path: "/", status: 404 },
      ],
    },
    ...["/x/../health", "/./health", "/%68ealth", "//health", "/health/", "/cable/../cable"].map(
      (target): Scenario => ({
        name: `${target} is not the path that it could be made into`,
        steps: [connect(target, undefined, { status: 404, body: "404 page not found\n" })],
      }),
    ),
    {
      name: "the health path answers every method",
      steps: (["GET", "POST", "DELETE"] as const).map((method) => ({
        do: "http",
        method,
        path: "/health",
        status: 200,
        says: "Ah, ha, ha, ha, stayin' alive, stayin' alive.",
        answer: { "Content-Type": "text/plain; charset=utf-8" },
      })),
    },
  ],
};

interface OriginRow {
  readonly origin: string | null;
  readonly allowed: boolean;
}

const ORIGINS: readonly OriginRow[] = [
  { origin: "http://example.com", allowed: true },
  { origin: "https://EXAMPLE.com", allowed: true },
  { origin: "https://example.com:443", allowed: false },
  { origin: "https://example.com:3000", allowed: false },
  { origin: "http://localhost:3000", allowed: true },
  { origin: "http://localhost", allowed: false },
  { origin: "https://a.foo.io", allowed: true },
  { origin: "https://a.b.foo.io", allowed: true },
  { origin: "https://foo.io", allowed: false },
  { origin: "https://evilfoo.io", allowed: false },
  { origin: "https://a.foo.io.evil.example", allowed: false },
  { origin: "null", allowed: false },
  { origin: null, allowed: false },
];

function originScenario({ origin, allowed }: OriginRow): Scenario {
  const headers = { Origin: origin };
  const who = origin === null ? "a client without an Origin" : `the origin ${origin}`;
  return allowed
    ? { name: `${who} is let in`, steps: welcomed(undefined, undefined, { headers }) }
    : {
        name: `${who} is answered 403`,
        steps: [{ do: "connect", headers, status: 403, body: TEXT[403], answer: REFUSAL_HEADERS }],
      };
}

const ALLOWED_ORIGINS: Group = {
  title: "origins",
  flags: ["--norpc", "--noauth", "--allowed_origins=example.com,LOCALHOST:3000,*.foo.io"],
  scenarios: [
    ...ORIGINS.map(originScenario),
    refusal(400, {
      when: "with a wrong version and a foreign origin",
      headers: { "Sec-WebSocket-Version": "12", Origin: "https://evil.example" },
    }),
    refusal(403, {
      when: "with a foreign origin and a wrong key",
      headers: { "Sec-WebSocket-Key": "short", Origin: "https://evil.example" },
    }),
    {
      name: "the health path and publications do not look at the origin",
      steps: [
        { do: "http", path: "/health", headers: { Origin: "https://evil.example" }, status: 200 },
        { do: "publish", body: { stream: "a", data: "1" } },
      ],
    },
  ],
};

const ORIGINS_WITH_SPACES: Group = {
  title: "origins with spaces and empty entries between them",
  flags: ["--norpc", "--noauth", "--allowed_origins=, a.example, b.example,,"],
  onlyOurs: "the reference meets a bug at an empty entry, and takes a space for a part of the host",
  scenarios: [
    { origin: "https://a.example", allowed: true },
    { origin: "https://b.example", allowed: true },
    { origin: "https://c.example", allowed: false },
  ].map(originScenario),
};

const ANY_ORIGIN: Group = {
  title: "any origin",
  flags: ["--norpc", "--noauth", "--allowed_origins=*"],
  scenarios: [null, "null", "https://anywhere.example"].map((origin) =>
    originScenario({ origin, allowed: true }),
  ),
};

interface PathRow {
  readonly path: string;
  readonly served: boolean;
}

const PATHS: readonly PathRow[] = [
  { path: "/cable", served: true },
  { path: "/cable?a=b", served: true },
  { path: "/cable/", served: false },
  { path: "/Cable", served: false },
  { path: "/cable/x", served: false },
  { path: "/admin", served: false },
  { path: "/admin/", served: true },
  { path: "/admin/x/y", served: true },
  { path: "/t/acme/cable", served: true },
  { path: "/t/acme/x/cable", served: false },
  { path: "/t/acme", served: false },
];

const PATH_PATTERNS: Group = {
  title: "paths",
  flags: ["--norpc", "--noauth", "--path=/cable,/admin/*,/t/{tenant}/cable"],
  scenarios: PATHS.map(({ path, served }) =>
    served
      ? { name: `${path} is an endpoint`, steps: welcomed(path) }
      : { name: `${path} is not found`, steps: [connect(path, undefined, { status: 404 })] },
  ),
};

export const HANDSHAKE_GROUPS: readonly Group[] = [
  HANDSHAKE,
  ALLOWED_ORIGINS,
  ORIGINS_WITH_SPACES,
  ANY_ORIGIN,
  PATH_PATTERNS,
];
