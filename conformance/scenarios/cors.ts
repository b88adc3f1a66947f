import { publication } from "../phrases.ts";
import type { Group, Headers, Scenario, Step } from "../scenario.ts";

const ORIGIN = "Access-Control-Allow-Origin";

/** What pages are told whether they may or not; null for a header that must not be there. */
const allowed = (origin: string | null): Headers => ({
  [ORIGIN]: origin,
  "Access-Control-Allow-Methods": "POST, OPTIONS",
  "Access-Control-Allow-Credentials": "true",
  "Access-Control-Allow-Headers":
    "Origin, X-Requested-With, X-Request-ID, Content-Type, Accept, X-CSRF-Token, Authorization",
});

const TOLD_NOTHING: Headers = {
  [ORIGIN]: null,
  "Access-Control-Allow-Methods": null,
  "Access-Control-Allow-Credentials": null,
  "Access-Control-Allow-Headers": null,
};

const GOOD_BODY = JSON.stringify(publication("a", "1"));

interface Asked {
  readonly method?: string;
  readonly origin?: string;
  readonly key?: string;
  readonly body?: string;
}

function asks(
  { method = "POST", origin, key, body = GOOD_BODY }: Asked,
  status: number,
  answer: Headers,
): Step {
  return {
    do: "http",
    place: "broadcast",
    method,
    path: "/_broadcast",
    headers: {
      ...(origin === undefined ? {} : { Origin: origin }),
      ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
    },
    ...(method === "POST" ? { body } : {}),
    status,
    answer,
  };
}

const BASE = ["--norpc", "--noauth", "--broadcast_key=s3cret"];
const KEY = "s3cret";

const OPEN: Group = {
  title: "CORS of the broadcast endpoint",
  flags: [...BASE, "--http_broadcast_cors"],
  scenarios: [
    {
      name: "a page's preflight is answered 200 and nothing, whatever its origin and without a key",
      steps: [
        asks({ method: "OPTIONS", origin: "https://page.example" }, 200, {
          ...allowed("*"),
          "Content-Length": "0",
        }),
        asks({ method: "OPTIONS" }, 200, allowed("*")),
      ],
    },
    {
      name: "every other answer tells pages the same",
      steps: [
        asks({ origin: "https://page.example", key: KEY }, 201, allowed("*")),
        asks({ origin: "https://page.example" }, 401, allowed("*")),
        asks({ origin: "https://page.example", method: "GET", key: KEY }, 422, allowed("*")),
        {
          do: "differ",
          deviation: "D12",
          ours: [asks({ key: KEY, body: "garbage" }, 422, allowed("*"))],
          reference: [asks({ key: KEY, body: "garbage" }, 201, allowed("*"))],
        },
      ],
    },
    {
      name: "the output says so",
      steps: [
        { do: "output", has: /Accept broadcast requests at \S+ \(authorization required, CORS enabled\)/ },
      ],
    },
  ],
};

/** An origin and what a page of it is told. */
const ORIGINS: readonly (readonly [origin: string | undefined, told: string | null])[] = [
  ["https://good.example", "https://good.example"],
  ["http://good.example", "http://good.example"],
  ["HTTPS://GOOD.example", "https://good.example"],
  ["https://good.example:8080", null],
  ["https://a.wild.example", "https://a.wild.example"],
  ["https://wild.example", null],
  ["https://evil.example", null],
  ["null", null],
  [undefined, null],
];

const LISTED: Group = {
  title: "CORS of the broadcast endpoint with --allowed_origins",
  flags: [...BASE, "--http_broadcast_cors", "--allowed_origins=good.example,*.wild.example"],
  scenarios: ORIGINS.map(
    ([origin, told]): Scenario => ({
      name: `a page of ${origin ?? "no origin"} is ${told === null ? "not allowed, though served" : "allowed"}`,
      steps: [
        asks({ method: "OPTIONS", ...(origin === undefined ? {} : { origin }) }, 200, allowed(told)),
        asks({ key: KEY, ...(origin === undefined ? {} : { origin }) }, 201, allowed(told)),
      ],
    }),
  ),
};

const OFF: Group = {
  title: "the broadcast endpoint without CORS",
  flags: [...BASE, "--allowed_origins=good.example"],
  scenarios: [
    {
      name: "tells pages nothing, and takes their publications all the same",
      steps: [
        asks({ origin: "https://good.example", key: KEY }, 201, TOLD_NOTHING),
        asks({ origin: "https://evil.example", key: KEY }, 201, TOLD_NOTHING),
        asks({ origin: "https://good.example", method: "OPTIONS" }, 422, TOLD_NOTHING),
      ],
    },
  ],
};

export const CORS_GROUPS: readonly Group[] = [OPEN, LISTED, OFF];
