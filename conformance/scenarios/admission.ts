import { connect, receives, toldNo, WELCOME, WELCOME_OF_APPLICATION } from "../phrases.ts";
import type { Group, Scenario, Step } from "../scenario.ts";
import { EXPIRED, FORGED, GOOD, token } from "../tokens.ts";

/**
 * How a client is met: by the server's own welcome, by the application (which was asked), or with a no. `reset` is what
 * the reference does where it fails without a word.
 */
type Meeting = "welcome" | "application" | "unauthorized" | "token_expired";

interface Row {
  readonly title: string;
  readonly flags: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly application?: true;
  readonly none: Meeting;
  readonly bad: Meeting;
  readonly expired: Meeting;
  readonly good: Meeting;
}

/** Every configuration of the first layer, by every kind of client. */
const ROWS: readonly Row[] = [
  {
    title: "an application, no secret",
    flags: [],
    application: true,
    none: "application",
    bad: "application",
    expired: "application",
    good: "application",
  },
  {
    title: "an application and a secret",
    flags: ["--secret=qwerty"],
    application: true,
    none: "application",
    bad: "unauthorized",
    expired: "token_expired",
    good: "welcome",
  },
  {
    title: "an application and a token's secret, enforced",
    flags: ["--jwt_secret=qwerty", "--enforce_jwt"],
    application: true,
    none: "unauthorized",
    bad: "unauthorized",
    expired: "token_expired",
    good: "welcome",
  },
  {
    title: "an application, a secret and --noauth",
    flags: ["--secret=qwerty", "--noauth"],
    application: true,
    none: "welcome",
    bad: "unauthorized",
    expired: "token_expired",
    good: "welcome",
  },
  {
    title: "a secret alone",
    flags: ["--secret=qwerty", "--norpc"],
    none: "unauthorized",
    bad: "unauthorized",
    expired: "token_expired",
    good: "welcome",
  },
  {
    title: "nothing at all",
    flags: ["--norpc"],
    none: "unauthorized",
    bad: "unauthorized",
    expired: "unauthorized",
    good: "unauthorized",
  },
  {
    title: "--noauth",
    flags: ["--norpc", "--noauth"],
    none: "welcome",
    bad: "welcome",
    expired: "welcome",
    good: "welcome",
  },
  {
    title: "--noauth with an application",
    flags: ["--noauth"],
    application: true,
    none: "welcome",
    bad: "welcome",
    expired: "welcome",
    good: "welcome",
  },
  {
    title: "--noauth and a secret",
    flags: ["--norpc", "--noauth", "--secret=qwerty"],
    none: "welcome",
    bad: "unauthorized",
    expired: "token_expired",
    good: "welcome",
  },
  {
    title: "--noauth, a secret and --enforce_jwt",
    flags: ["--norpc", "--noauth", "--secret=qwerty", "--enforce_jwt"],
    none: "unauthorized",
    bad: "unauthorized",
    expired: "token_expired",
    good: "welcome",
  },
  {
    title: "--public and a secret",
    flags: ["--norpc", "--public", "--secret=qwerty"],
    none: "welcome",
    bad: "unauthorized",
    expired: "token_expired",
    good: "welcome",
  },
  {
    title: "--public alone",
    flags: ["--norpc", "--public"],
    none: "welcome",
    bad: "welcome",
    expired: "welcome",
    good: "welcome",
  },
  {
    title: "a token's secret of its own",
    flags: ["--norpc", "--secret=another secret", "--jwt_secret=qwerty"],
    none: "unauthorized",
    // The forged token is signed with the application's secret.
    bad: "unauthorized",
    expired: "token_expired",
    good: "welcome",
  },
  {
    title: "tokens turned off",
    flags: ["--norpc", "--noauth", "--secret=qwerty", "--jwt_secret=none"],
    none: "welcome",
    bad: "welcome",
    expired: "welcome",
    good: "welcome",
  },
  {
    title: "the older names of the token's options",
    flags: ["--norpc", "--noauth", "--jwt_id_key=qwerty", "--jwt_id_enforce"],
    none: "unauthorized",
    bad: "unauthorized",
    expired: "token_expired",
    good: "welcome",
  },
  {
    title: "options from the environment",
    flags: [],
    env: {
      ANYCABLE_NORPC: "true",
      ANYCABLE_JWT_SECRET: "qwerty",
      ANYCABLE_ENFORCE_JWT: "true",
      ANYCABLE_NOAUTH: "true",
    },
    none: "unauthorized",
    bad: "unauthorized",
    expired: "token_expired",
    good: "welcome",
  },
];

const CLIENTS = [
  { who: "a client without a token", column: "none", target: "/cable" },
  { who: "a forged token", column: "bad", target: `/cable?jid=${FORGED}` },
  { who: "an expired token", column: "expired", target: `/cable?jid=${EXPIRED}` },
  { who: "a good token", column: "good", target: `/cable?jid=${GOOD}` },
] as const;

const OUTCOME = {
  welcome: "is welcomed",
  application: "is the application's to judge",
  unauthorized: "is told unauthorized",
  token_expired: "is told token_expired",
} as const;

function met(meeting: Meeting): Step[] {
  if (meeting === "welcome") return [receives(WELCOME), { do: "quiet" }];
  if (meeting === "application") return [receives(WELCOME_OF_APPLICATION), { do: "quiet" }];
  return toldNo(meeting);
}

function matrixGroup(row: Row): Group {
  const { title, flags, env, application } = row;
  return {
    title: `who is let in with ${title}`,
    flags,
    ...(env === undefined ? {} : { env }),
    ...(application === undefined ? {} : { application: {} }),
    scenarios: CLIENTS.map(
      ({ who, column, target }): Scenario => ({
        name: `${who} ${OUTCOME[row[column]]}`,
        steps: [connect(target), ...met(row[column])],
      }),
    ),
  };
}

/** A good token by every carrier, with the parameter under another name. */
const OTHER_PARAMETER: Group = {
  title: "another name for the parameter",
  flags: ["--norpc", "--jwt_secret=qwerty", "--jwt_param=Token"],
  scenarios: [
    {
      name: "the query's name counts as written",
      steps: [connect(`/cable?Token=${GOOD}`), ...met("welcome")],
    },
    {
      name: "in small letters it is another one",
      steps: [connect(`/cable?token=${GOOD}`), ...met("unauthorized")],
    },
    { name: "the usual name is another one", steps: [connect(`/cable?jid=${GOOD}`), ...met("unauthorized")] },
    {
      name: "the header's name counts in any case",
      steps: [connect("/cable", undefined, { headers: { "x-tOKEN": GOOD } }), ...met("welcome")],
    },
    {
      name: "the usual header is another one",
      steps: [connect("/cable", undefined, { headers: { "X-JID": GOOD } }), ...met("unauthorized")],
    },
    {
      name: "the sub-protocol's name does not follow it",
      steps: [connect("/cable", undefined, { protocols: `anycable-token.${GOOD}` }), ...met("welcome")],
    },
  ],
};

/** `X-Request-ID` and the session id (D1). */
const REQUEST_IDS: readonly Group[] = [
  {
    title: "request ids",
    flags: ["--norpc", "--noauth"],
    scenarios: [
      {
        name: "the session id is the server's own, whatever X-Request-ID says",
        steps: [
          connect("/cable", undefined, { headers: { "X-Request-ID": "chosen-by-the-client" } }),
          {
            do: "differ",
            deviation: "D1",
            ours: [receives(WELCOME)],
            reference: [receives('{"type":"welcome","sid":"chosen-by-the-client"}')],
          },
        ],
      },
    ],
  },
  {
    title: "trusted request ids",
    oneThread: "a thread does not know the ids of the others: the server refuses the two together",
    flags: ["--norpc", "--noauth", "--trust_request_id"],
    onlyOurs: "the option is ours",
    scenarios: [
      {
        name: "X-Request-ID becomes the session id",
        steps: [
          connect("/cable", "a", { headers: { "X-Request-ID": "set-by-the-proxy" } }),
          receives('{"type":"welcome","sid":"set-by-the-proxy"}', "a"),
        ],
      },
      {
        name: "a second session does not get an id that is taken",
        steps: [
          connect("/cable", "a", { headers: { "X-Request-ID": "taken" } }),
          receives('{"type":"welcome","sid":"taken"}', "a"),
          connect("/cable", "b", { headers: { "X-Request-ID": "taken" } }),
          receives(WELCOME, "b"),
        ],
      },
      {
        name: "an id with signs that do not belong in one is not taken",
        steps: [connect("/cable", undefined, { headers: { "X-Request-ID": 'a"b\\c' } }), receives(WELCOME)],
      },
    ],
  },
];

/** `--rpc_after_jwt=enforce`: the application is asked although the token is good. */
const AFTER_JWT: Group = {
  title: "the application after the token",
  flags: ["--jwt_secret=qwerty", "--rpc_after_jwt=enforce"],
  onlyOurs: "the option is ours",
  application: {
    connect: (url) =>
      url.includes("banned")
        ? { status: 2, transmissions: ['{"type":"disconnect","reason":"banned","reconnect":false}'] }
        : {},
  },
  scenarios: [
    {
      name: "a good token is the application's to judge, and its transmissions are the welcome",
      steps: [connect(`/cable?jid=${GOOD}`), ...met("application")],
    },
    {
      name: "its no is final",
      steps: [
        connect(`/cable?banned=1&jid=${GOOD}`),
        receives('{"type":"disconnect","reason":"banned","reconnect":false}'),
        { do: "closed", code: 1000, reason: "Auth Failed" },
      ],
    },
    {
      name: "a forged token does not reach it",
      steps: [connect(`/cable?jid=${FORGED}`), ...met("unauthorized")],
    },
    { name: "nor does an expired one", steps: [connect(`/cable?jid=${EXPIRED}`), ...met("token_expired")] },
    { name: "a client without a token does", steps: [connect("/cable"), ...met("application")] },
  ],
};

/** `--rpc_after_jwt=shadow`: the application is asked, and nothing of what it says is done. */
const SHADOW: Group = {
  title: "the application in the token's shadow",
  flags: ["--jwt_secret=qwerty", "--rpc_after_jwt=shadow"],
  onlyOurs: "the option is ours",
  server: "serial",
  application: {
    connect: () => ({
      status: 2,
      transmissions: ['{"type":"disconnect","reason":"banned","reconnect":false}'],
    }),
  },
  scenarios: [
    {
      name: "a forged token does not reach it",
      steps: [
        connect(`/cable?jid=${FORGED}`),
        ...met("unauthorized"),
        { do: "calls", method: "Connect", count: 0 },
      ],
    },
    {
      name: "a good token is enough, and the application's no is not heard",
      steps: [connect(`/cable?jid=${GOOD}`), ...met("welcome"), { do: "calls", method: "Connect", count: 1 }],
    },
  ],
};

/** A token that is too strange for the first layer is refused before the second hears of it. */
const NO_FALLBACK: Group = {
  title: "no second chance",
  flags: ["--jwt_secret=qwerty"],
  server: "serial",
  application: {},
  scenarios: [
    {
      name: "the application never hears of a token that was refused or accepted",
      steps: [
        connect(`/cable?jid=${FORGED}`, "forged"),
        { do: "receive", on: "forged", text: /unauthorized/ },
        connect(`/cable?jid=${EXPIRED}`, "expired"),
        { do: "receive", on: "expired", text: /token_expired/ },
        connect(`/cable?jid=${token({ ext: 5 })}`, "strange"),
        { do: "closed", on: "forged", code: 1000 },
        connect(`/cable?jid=${GOOD}`, "good"),
        receives(WELCOME, "good"),
        { do: "quiet", on: "good" },
        { do: "calls", method: "Connect", count: 0 },
        connect("/cable", "none"),
        receives(WELCOME_OF_APPLICATION, "none"),
        { do: "calls", method: "Connect", count: 1 },
      ],
    },
  ],
};

/** Nothing keeps sessions yet, so the id of one is worth nothing. */
const SESSION_IDS: Group = {
  title: "session ids",
  flags: ["--norpc", "--jwt_secret=qwerty"],
  scenarios: [
    {
      name: "the id of a session that is let in lets in nobody else",
      steps: [
        connect(`/cable?jid=${GOOD}`, "a", { protocols: "actioncable-v1-ext-json" }),
        receives(WELCOME, "a"),
        connect("/cable?sid={{sid}}", undefined, { protocols: "actioncable-v1-ext-json" }),
        ...toldNo("unauthorized"),
        connect("/cable", undefined, {
          protocols: "actioncable-v1-ext-json",
          headers: { "X-ANYCABLE-RESTORE-SID": "{{sid}}" },
        }),
        ...toldNo("unauthorized"),
        { do: "quiet", on: "a" },
      ],
    },
    {
      name: "the id of a session that was refused lets in nobody",
      steps: [
        connect(`/cable?jid=${FORGED}`, "a", {
          protocols: "actioncable-v1-ext-json",
          headers: { "X-Request-ID": "chosen" },
        }),
        { do: "receive", on: "a", text: /unauthorized/ },
        connect("/cable?sid=chosen", undefined, { protocols: "actioncable-v1-ext-json" }),
        ...toldNo("unauthorized"),
      ],
    },
  ],
};

export const ADMISSION_GROUPS: readonly Group[] = [
  SESSION_IDS,
  ...ROWS.map(matrixGroup),
  OTHER_PARAMETER,
  ...REQUEST_IDS,
  AFTER_JWT,
  SHADOW,
  NO_FALLBACK,
];
