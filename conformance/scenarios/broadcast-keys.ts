import { delivery, publication, receives, subscribed, welcomed } from "../phrases.ts";
import type { Group, Step } from "../scenario.ts";
import { BROADCAST_KEY } from "../tokens.ts";

interface KeyGroup {
  readonly title: string;
  readonly flags: readonly string[];
  readonly key: string;
  readonly wrong: readonly string[];
}

const KEYS: readonly KeyGroup[] = [
  {
    title: "a broadcast key",
    flags: ["--norpc", "--noauth", "--broadcast_key=s3cret"],
    key: "s3cret",
    wrong: ["", "S3CRET", "s3cret ", "s3cre", "s3crets"],
  },
  {
    title: "a broadcast key by its older name",
    flags: ["--norpc", "--noauth", "--http_broadcast_secret=older"],
    key: "older",
    wrong: ["", "s3cret"],
  },
  {
    title: "a broadcast key derived from the secret",
    flags: ["--norpc", "--secret=qwerty"],
    key: BROADCAST_KEY,
    wrong: ["", "qwerty", BROADCAST_KEY.toUpperCase()],
  },
  {
    title: "a broadcast key of its own beside the secret",
    flags: ["--norpc", "--secret=qwerty", "--broadcast_key=s3cret"],
    key: "s3cret",
    wrong: ["", BROADCAST_KEY],
  },
];

function keyGroup({ title, flags, key, wrong }: KeyGroup): Group {
  const body = publication("a", "1");
  const post = (authorization: string | null, status: number): Step => ({
    do: "http",
    place: "broadcast",
    method: "POST",
    path: "/_broadcast",
    headers: authorization === null ? {} : { Authorization: authorization },
    body: JSON.stringify(body),
    status,
    says: "",
  });
  return {
    title,
    flags,
    scenarios: [
      { name: "the right key is taken", steps: [{ do: "publish", body, key }] },
      {
        name: "no key, another scheme or another key is answered 401",
        steps: [
          post(null, 401),
          post(key, 401),
          post(`bearer ${key}`, 401),
          post(`Basic ${key}`, 401),
          post(`Bearer  ${key}`, 401),
          ...wrong.filter((other) => other.trim() !== key).map((other) => post(`Bearer ${other}`, 401)),
        ],
      },
      {
        name: "another method is answered 422 before the key is looked at",
        steps: [{ do: "http", place: "broadcast", path: "/_broadcast", status: 422 }],
      },
    ],
  };
}

/** The word none is no key. */
const NO_KEYS: readonly Group[] = [
  {
    title: "the broadcast key none beside a secret",
    flags: ["--norpc", "--secret=qwerty", "--broadcast_key=none"],
    scenarios: [
      {
        name: "opens the endpoint to everyone",
        steps: [
          { do: "publish", body: publication("a", "1") },
          { do: "publish", body: publication("a", "1"), key: "anything" },
        ],
      },
    ],
  },
  {
    title: "the secret none",
    flags: ["--norpc", "--noauth", "--secret=none"],
    scenarios: [
      {
        name: "leaves the endpoint open",
        steps: [
          {
            do: "differ",
            deviation: "D7",
            ours: [{ do: "publish", body: publication("a", "1") }],
            reference: [{ do: "publish", body: publication("a", "1"), status: 401 }],
          },
        ],
      },
    ],
  },
];

/** Where the endpoint is when nobody says. */
const PORTS: readonly Group[] = [
  {
    title: "with a broadcast key and no port",
    flags: ["--norpc", "--noauth", "--broadcast_key=s3cret"],
    ownBroadcastPort: true,
    scenarios: [
      {
        name: "publications go to the main port",
        steps: [
          { do: "publish", body: publication("a", "1"), key: "s3cret" },
          { do: "publish", body: publication("a", "1"), status: 401 },
          ...welcomed(),
        ],
      },
    ],
  },
  {
    title: "with a secret, in public mode and with no port",
    flags: ["--norpc", "--secret=qwerty", "--public"],
    ownBroadcastPort: true,
    scenarios: [
      {
        name: "publications go to the main port without a key",
        steps: [
          ...welcomed(),
          ...subscribed("open"),
          { do: "publish", body: publication("open", "1") },
          receives(delivery("open", "1")),
        ],
      },
    ],
  },
  {
    title: "another broadcast path",
    flags: ["--norpc", "--noauth", "--http_broadcast_path=/pub"],
    scenarios: [
      {
        name: "publications go there",
        steps: [
          {
            do: "http",
            place: "broadcast",
            method: "POST",
            path: "/pub",
            body: '{"stream":"a","data":"1"}',
            status: 201,
          },
          { do: "http", place: "broadcast", method: "POST", path: "/_broadcast", body: "{}", status: 404 },
        ],
      },
    ],
  },
];

export const BROADCAST_KEY_GROUPS: readonly Group[] = [...KEYS.map(keyGroup), ...NO_KEYS, ...PORTS];
