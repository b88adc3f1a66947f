import { connect, delivery, publication, receives, subscribed, toldNo, WELCOME } from "../phrases.ts";
import type { Deviation, Group, Scenario, Step } from "../scenario.ts";
import { BROADCAST_KEY, EXPIRED, FORGED, GOOD, inSeconds, token, tokenOfText } from "../tokens.ts";

/** `error` is the reference's way of failing without a word: 1011 `Auth Error`. */
type Decision = "welcome" | "unauthorized" | "token_expired" | "error";

interface Row {
  readonly what: string;
  readonly token: string;
  readonly decision: Decision;
  readonly reference?: Decision;
  readonly deviation?: Deviation;
}

function decided(decision: Decision): Step[] {
  if (decision === "welcome") return [receives(WELCOME)];
  if (decision === "error") return [{ do: "closed", code: 1011, reason: "Auth Error" }];
  return toldNo(decision);
}

function outcome({
  decision,
  reference,
  deviation,
}: Pick<Row, "decision" | "reference" | "deviation">): Step[] {
  if (reference === undefined) return decided(decision);
  return [
    {
      do: "differ",
      deviation: deviation ?? "D3",
      ours: decided(decision),
      reference: decided(reference),
    },
  ];
}

const HS256 = { alg: "HS256" };
const segmentsOf = (text: string) => text.split(".") as [string, string, string];
const [HEADER, PAYLOAD, SIGNATURE] = segmentsOf(GOOD);

/** The last character's unused bits are set: the same bytes, written in another way. */
function withTrailingBits(text: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet.indexOf(text.at(-1) ?? "A");
  return `${text.slice(0, -1)}${alphabet[last ^ 1]}`;
}

function nested(depth: number): string {
  return `{"ext":"x","deep":${"[".repeat(depth)}${"]".repeat(depth)}}`;
}

/** Claims. */
const CLAIMS: readonly Row[] = [
  { what: "exp in an hour", token: GOOD, decision: "welcome" },
  { what: "exp a minute ago", token: EXPIRED, decision: "token_expired" },
  {
    what: "exp ago and the wrong key",
    token: token({ exp: inSeconds(-60) }, "another"),
    decision: "unauthorized",
  },
  { what: "the wrong key", token: FORGED, decision: "unauthorized" },
  { what: "no ext", token: token({ ext: undefined }), decision: "unauthorized", reference: "error" },
  { what: "ext an object", token: token({ ext: { a: 1 } }), decision: "unauthorized", reference: "error" },
  { what: "ext a number", token: token({ ext: 5 }), decision: "unauthorized", reference: "error" },
  { what: "ext null", token: token({ ext: null }), decision: "unauthorized", reference: "error" },
  { what: "ext empty", token: token({ ext: "" }), decision: "welcome" },
  { what: "ext plain text", token: token({ ext: "plain" }), decision: "welcome" },
  { what: "no exp", token: token({ exp: undefined }), decision: "welcome" },
  { what: "exp 0", token: token({ exp: 0 }), decision: "welcome" },
  { what: "exp a string", token: token({ exp: "4102444800" }), decision: "unauthorized" },
  { what: "exp null", token: token({ exp: null }), decision: "unauthorized" },
  { what: "exp true", token: token({ exp: true }), decision: "unauthorized" },
  { what: "exp a fraction ahead", token: token({ exp: inSeconds(3600) + 0.7 }), decision: "welcome" },
  { what: "exp far below zero", token: token({ exp: -5 }), decision: "token_expired" },
  { what: "nbf ahead", token: token({ nbf: inSeconds(600) }), decision: "unauthorized" },
  { what: "nbf past", token: token({ nbf: inSeconds(-600) }), decision: "welcome" },
  { what: "nbf a string", token: token({ nbf: "1" }), decision: "unauthorized" },
  { what: "nbf null", token: token({ nbf: null }), decision: "unauthorized" },
  { what: "nbf true", token: token({ nbf: true }), decision: "unauthorized" },
  { what: "nbf 0", token: token({ nbf: 0 }), decision: "welcome" },
  { what: "iat a string", token: token({ iat: "yesterday" }), decision: "welcome" },
  {
    what: "exp past and nbf ahead",
    token: token({ exp: inSeconds(-60), nbf: inSeconds(600) }),
    decision: "token_expired",
  },
  { what: "iat ahead", token: token({ iat: inSeconds(3000) }), decision: "welcome" },
  {
    what: "claims that nobody asked for",
    token: token({ iss: "a", aud: ["b"], sub: "c", jti: "d" }),
    decision: "welcome",
  },
  {
    what: "no ext and exp past",
    token: token({ ext: undefined, exp: inSeconds(-60) }),
    decision: "token_expired",
  },
];

/** Headers and signatures. */
const HEADERS: readonly Row[] = [
  { what: "HS384", token: token({}, undefined, { alg: "HS384" }), decision: "welcome" },
  { what: "HS512", token: token({}, undefined, { alg: "HS512" }), decision: "welcome" },
  {
    what: "alg none and no signature",
    token: `${Buffer.from('{"alg":"none"}').toString("base64url")}.${PAYLOAD}.`,
    decision: "unauthorized",
  },
  { what: "alg none, signed", token: token({}, undefined, { alg: "none" }), decision: "unauthorized" },
  { what: "alg hs256", token: token({}, undefined, { alg: "hs256" }), decision: "unauthorized" },
  { what: "alg RS256", token: token({}, undefined, { alg: "RS256" }), decision: "unauthorized" },
  { what: "alg ES256", token: token({}, undefined, { alg: "ES256" }), decision: "unauthorized" },
  { what: "alg PS512", token: token({}, undefined, { alg: "PS512" }), decision: "unauthorized" },
  { what: "alg EdDSA", token: token({}, undefined, { alg: "EdDSA" }), decision: "unauthorized" },
  { what: "alg an empty text", token: token({}, undefined, { alg: "" }), decision: "unauthorized" },
  { what: "a cty of its own", token: token({}, undefined, { ...HS256, cty: "x" }), decision: "welcome" },
  { what: "alg a list", token: token({}, undefined, { alg: ["HS256"] }), decision: "unauthorized" },
  { what: "no alg", token: token({}, undefined, { typ: "JWT" }), decision: "unauthorized" },
  { what: "no typ", token: token({}, undefined, HS256), decision: "welcome" },
  { what: "a typ of its own", token: token({}, undefined, { ...HS256, typ: "at+jwt" }), decision: "welcome" },
  {
    what: "a kid that nobody configured",
    token: token({}, undefined, { ...HS256, kid: "k1" }),
    decision: "welcome",
  },
  { what: "a header that is no object", token: token({}, undefined, "[]"), decision: "unauthorized" },
  {
    what: "a changed payload",
    token: `${HEADER}.${segmentsOf(token({ ext: "other" }))[1]}.${SIGNATURE}`,
    decision: "unauthorized",
  },
  {
    what: "a cut signature",
    token: `${HEADER}.${PAYLOAD}.${SIGNATURE.slice(0, -4)}`,
    decision: "unauthorized",
  },
  { what: "no signature", token: `${HEADER}.${PAYLOAD}.`, decision: "unauthorized" },
];

/** The form. */
const FORMS: readonly Row[] = [
  { what: "garbage", token: "garbage", decision: "unauthorized" },
  { what: "two segments", token: `${HEADER}.${PAYLOAD}`, decision: "unauthorized" },
  { what: "four segments", token: `${GOOD}.x`, decision: "unauthorized" },
  { what: "three dots", token: "...", decision: "unauthorized" },
  { what: "padding", token: `${GOOD}=`, decision: "unauthorized" },
  { what: "a space before it", token: `%20${GOOD}`, decision: "unauthorized" },
  { what: "the scheme Bearer before it", token: `Bearer%20${GOOD}`, decision: "unauthorized" },
  { what: "a payload that is an array", token: tokenOfText("[1]"), decision: "unauthorized" },
  { what: "a payload that is no JSON", token: tokenOfText("{"), decision: "unauthorized" },
  { what: "a payload with something after it", token: tokenOfText('{"ext":"x"}x'), decision: "unauthorized" },
  { what: "the payload null", token: tokenOfText("null"), decision: "unauthorized", reference: "error" },
  { what: "an empty payload object", token: tokenOfText("{}"), decision: "unauthorized", reference: "error" },
  {
    what: "bits after the end of its signature",
    token: `${HEADER}.${PAYLOAD}.${withTrailingBits(SIGNATURE)}`,
    decision: "unauthorized",
    reference: "welcome",
    deviation: "D4",
  },
  {
    what: "a critical extension that nobody knows",
    token: token({}, undefined, { ...HS256, crit: ["exp"] }),
    decision: "unauthorized",
    reference: "welcome",
    deviation: "D4",
  },
  {
    what: "two members ext",
    token: tokenOfText('{"ext":"a","ext":"b"}'),
    decision: "unauthorized",
    reference: "welcome",
    deviation: "D4",
  },
  {
    what: "two members alg",
    token: token({}, undefined, '{"alg":"HS512","alg":"HS256"}'),
    decision: "unauthorized",
    reference: "welcome",
    deviation: "D4",
  },
  {
    what: "exp 1e999",
    token: tokenOfText('{"ext":"a","exp":1e999}'),
    decision: "unauthorized",
  },
  {
    what: "JSON 40 levels deep",
    token: tokenOfText(nested(40)),
    decision: "unauthorized",
    reference: "welcome",
    deviation: "D4",
  },
  {
    what: "9 kB",
    token: token({ pad: "x".repeat(7000) }),
    decision: "unauthorized",
    reference: "welcome",
    deviation: "D4",
  },
  {
    what: "80 kB",
    token: token({ pad: "x".repeat(60_000) }),
    decision: "unauthorized",
    reference: "welcome",
    deviation: "D4",
  },
  { what: "under 8 kB", token: token({ pad: "x".repeat(5800) }), decision: "welcome" },
];

function decisionScenario(row: Row): Scenario {
  return {
    name: `a token with ${row.what}: ${row.decision}`,
    steps: [connect(`/cable?jid=${row.token}`), ...outcome(row)],
  };
}

interface CarrierRow {
  readonly what: string;
  readonly query?: string;
  readonly header?: string;
  readonly protocol?: string;
  readonly authorization?: string;
  readonly cookie?: string;
  readonly decision: Decision;
  readonly reference?: Decision;
  readonly deviation?: Deviation;
}

/** Which of several tokens counts. */
const CARRIERS: readonly CarrierRow[] = [
  { what: "a good header", header: GOOD, decision: "welcome" },
  { what: "a forged header", header: FORGED, decision: "unauthorized" },
  { what: "an expired header", header: EXPIRED, decision: "token_expired" },
  { what: "a header with the scheme Bearer", header: `Bearer ${GOOD}`, decision: "unauthorized" },
  { what: "an Authorization header alone", authorization: `Bearer ${GOOD}`, decision: "unauthorized" },
  { what: "a cookie alone", cookie: `jid=${GOOD}`, decision: "unauthorized" },
  {
    what: "a forged header and a good query",
    header: FORGED,
    query: `jid=${GOOD}`,
    decision: "unauthorized",
  },
  { what: "a good header and a forged query", header: GOOD, query: `jid=${FORGED}`, decision: "welcome" },
  { what: "an empty header and a good query", header: "", query: `jid=${GOOD}`, decision: "welcome" },
  { what: "a forged sub-protocol and a good header", protocol: FORGED, header: GOOD, decision: "welcome" },
  {
    what: "a good sub-protocol and a forged header",
    protocol: GOOD,
    header: FORGED,
    decision: "unauthorized",
  },
  {
    what: "a good sub-protocol and a forged query",
    protocol: GOOD,
    query: `jid=${FORGED}`,
    decision: "welcome",
  },
  {
    what: "a forged sub-protocol and a good query",
    protocol: FORGED,
    query: `jid=${GOOD}`,
    decision: "unauthorized",
  },
  { what: "an empty sub-protocol and a good query", protocol: "", query: `jid=${GOOD}`, decision: "welcome" },
  { what: "two in the query, the good one first", query: `jid=${GOOD}&jid=${FORGED}`, decision: "welcome" },
  {
    what: "two in the query, the forged one first",
    query: `jid=${FORGED}&jid=${GOOD}`,
    decision: "unauthorized",
  },
  { what: "an empty query parameter", query: "jid=", decision: "unauthorized" },
  { what: "an empty query parameter before a good one", query: `jid=&jid=${GOOD}`, decision: "unauthorized" },
  { what: "the parameter in capitals", query: `JID=${GOOD}`, decision: "unauthorized" },
  { what: "the parameter's name escaped", query: `%6Aid=${GOOD}`, decision: "welcome" },
  { what: "a query that cannot be read", query: "x=%zz", decision: "unauthorized", reference: "error" },
  { what: "a query with a semicolon", query: "x=1;y=2", decision: "unauthorized", reference: "error" },
  {
    what: "a query that cannot be read and a good header",
    query: "x=%zz",
    header: GOOD,
    decision: "welcome",
  },
  {
    what: "a query that cannot be read and a good sub-protocol",
    query: "x=%zz",
    protocol: GOOD,
    decision: "welcome",
  },
  {
    what: "a good token among more parameters than are read",
    query: `${"a=1&".repeat(300)}jid=${GOOD}`,
    decision: "unauthorized",
    reference: "welcome",
    deviation: "D4",
  },
  {
    what: "a good token and a query that cannot be read",
    query: `jid=${GOOD}&x=%zz`,
    decision: "unauthorized",
    reference: "error",
  },
];

function carrierScenario({
  what,
  query,
  header,
  protocol,
  authorization,
  cookie,
  ...row
}: CarrierRow): Scenario {
  return {
    name: `${what}: ${row.decision}`,
    steps: [
      connect(query === undefined ? "/cable" : `/cable?${query}`, undefined, {
        headers: {
          "X-JID": header ?? null,
          Authorization: authorization ?? null,
          Cookie: cookie ?? null,
        },
        ...(protocol === undefined ? {} : { protocols: `actioncable-v1-json, anycable-token.${protocol}` }),
      }),
      ...outcome(row),
    ],
  };
}

/** Known tokens of the reference's own kits. */
const OF_OTHERS: readonly Row[] = [
  {
    what: "a life until 2100, as written by another kit",
    token:
      "eyJhbGciOiJIUzI1NiJ9.eyJleHQiOiJ7XCJ1c2VyX2lkXCI6XCIxNVwifSIsImV4cCI6NDEwMjQ0NDgwMH0.oKLheFg2qqZ2c-td1atBirR9FiodfSNHB9IvHQNcsaA",
    decision: "welcome",
  },
  {
    what: "no end, as written by another kit",
    token:
      "eyJhbGciOiJIUzI1NiJ9.eyJleHQiOiJ7XCJ1c2VyXCI6XCJ2b3ZhXCIsXCJmZWF0dXJlc1wiOltcInJhaWxzXCIsXCJzdHJlYW1zXCJdfSJ9.5hJpXpC9deAFyfrCbOXpwJ55wm1RwyXRe2trtyVpqK4",
    decision: "welcome",
  },
];

const TOKENS: Group = {
  title: "tokens",
  flags: ["--norpc", "--secret=qwerty"],
  scenarios: [...CLAIMS, ...HEADERS, ...FORMS, ...OF_OTHERS].map(decisionScenario),
};

const CARRIER_GROUP: Group = {
  title: "where the token is",
  flags: ["--norpc", "--secret=qwerty"],
  scenarios: [
    ...CARRIERS.map(carrierScenario),
    {
      name: "an 80 kB token in the header is answered in words too",
      steps: [
        connect("/cable", undefined, { headers: { "X-JID": token({ pad: "x".repeat(60_000) }) } }),
        {
          do: "differ",
          deviation: "D4",
          ours: toldNo("unauthorized"),
          reference: [receives(WELCOME)],
        },
      ],
    },
  ],
};

const OTHER_SECRETS: readonly Group[] = [
  {
    title: "a token's secret in another script",
    flags: ["--norpc", "--jwt_secret=пароль"],
    scenarios: [
      { what: "a signature by its UTF-8", token: token({}, "пароль"), decision: "welcome" },
      { what: "a signature by its base64", token: token({}, "0L/QsNGA0L7Qu9GM"), decision: "unauthorized" },
    ].map((row) => decisionScenario(row as Row)),
  },
  {
    title: "a token's secret in base64",
    flags: ["--norpc", "--jwt_secret=cXdlcnR5"],
    scenarios: [
      { what: "a signature by the text", token: token({}, "cXdlcnR5"), decision: "welcome" },
      { what: "a signature by what it encodes", token: token({}, "qwerty"), decision: "unauthorized" },
    ].map((row) => decisionScenario(row as Row)),
  },
];

const LASTING: Group = {
  title: "a token that expires meanwhile",
  flags: ["--norpc", "--secret=qwerty", "--public_streams"],
  scenarios: [
    {
      name: "leaves its connection as it is",
      steps: [
        connect("/cable?jid={{token for 3 s}}"),
        receives(WELCOME),
        ...subscribed("lasting"),
        { do: "wait", ms: 4200 },
        { do: "quiet" },
        { do: "publish", body: publication("lasting", "1"), key: BROADCAST_KEY },
        receives(delivery("lasting", "1")),
      ],
    },
  ],
};

const OURS = "the option is ours";

/** Limits that the reference does not have. */
const LIMITS: readonly Group[] = [
  {
    title: "--jwt_leeway",
    flags: ["--norpc", "--secret=qwerty", "--jwt_leeway=300"],
    onlyOurs: OURS,
    scenarios: [
      { what: "exp within it", token: token({ exp: inSeconds(-60) }), decision: "welcome" },
      { what: "exp past it", token: token({ exp: inSeconds(-400) }), decision: "token_expired" },
      { what: "nbf within it", token: token({ nbf: inSeconds(250) }), decision: "welcome" },
      { what: "nbf past it", token: token({ nbf: inSeconds(900) }), decision: "unauthorized" },
    ].map((row) => decisionScenario(row as Row)),
  },
  {
    title: "--jwt_require_exp",
    flags: ["--norpc", "--secret=qwerty", "--jwt_require_exp"],
    onlyOurs: OURS,
    scenarios: [
      { what: "exp", token: GOOD, decision: "welcome" },
      { what: "no exp", token: token({ exp: undefined }), decision: "unauthorized" },
      // Zero counts as none, so a fresh token of the same kind would be no better.
      { what: "exp 0", token: token({ exp: 0 }), decision: "unauthorized" },
    ].map((row) => decisionScenario(row as Row)),
  },
  {
    title: "--jwt_max_lifetime",
    flags: ["--norpc", "--secret=qwerty", "--jwt_max_lifetime=7200"],
    onlyOurs: OURS,
    scenarios: [
      { what: "an hour of life", token: token({ iat: inSeconds(0) }), decision: "welcome" },
      {
        what: "exactly the longest life",
        token: token({ iat: inSeconds(0), exp: inSeconds(0) + 7200 }),
        decision: "welcome",
      },
      {
        what: "a longer life",
        token: token({ iat: inSeconds(0), exp: inSeconds(0) + 7260 }),
        decision: "unauthorized",
      },
      { what: "no exp", token: token({ iat: inSeconds(0), exp: undefined }), decision: "unauthorized" },
      { what: "no iat, which lives from now on", token: GOOD, decision: "welcome" },
      {
        what: "no iat and a longer life from now on",
        token: token({ exp: inSeconds(9000) }),
        decision: "unauthorized",
      },
      {
        what: "an iat far ahead",
        token: token({ iat: inSeconds(8000), exp: inSeconds(8100) }),
        decision: "unauthorized",
      },
    ].map((row) => decisionScenario(row as Row)),
  },
  {
    title: "--jwt_max_token_bytes",
    flags: ["--norpc", "--secret=qwerty", "--jwt_max_token_bytes=300"],
    onlyOurs: OURS,
    scenarios: [
      { what: "less", token: GOOD, decision: "welcome" },
      { what: "more", token: token({ pad: "x".repeat(300) }), decision: "unauthorized" },
    ].map((row) => decisionScenario(row as Row)),
  },
];

export const TOKEN_GROUPS: readonly Group[] = [LASTING, TOKENS, CARRIER_GROUP, ...OTHER_SECRETS, ...LIMITS];
