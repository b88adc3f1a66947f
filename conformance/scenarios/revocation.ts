import { connect, receives, refused, WELCOME } from "../phrases.ts";
import type { Group, Step } from "../scenario.ts";
import { inSeconds, token } from "../tokens.ts";

/** Tokens that are taken back, and what they opened. */

const OURS = "the command revoke, and the options, are ours";

/** Of its own user and with its own names, so that scenarios side by side leave each other's alone. */
const tokenOf = (user: string, claims: object = {}) => token({ ext: user, iat: inSeconds(-100), ...claims });

/** One that has no name of its own. */
const PHONE = tokenOf("sid", { n: 1 });

const welcomed = (text: string, on?: string): Step[] => [
  connect(`/cable?jid=${text}`, on),
  receives(WELCOME, on),
];
const isRefused = (text: string): Step[] => refused("unauthorized", `/cable?jid=${text}`);

const revoke = (payload: object): Step => ({ do: "publish", body: { command: "revoke", payload } });

function closedAsRevoked(on?: string, reconnect = false): Step[] {
  const client = on === undefined ? {} : { on };
  return [
    { do: "receive", ...client, text: `{"type":"disconnect","reason":"revoked","reconnect":${reconnect}}` },
    { do: "closed", ...client, code: 1000, reason: "Revoked" },
  ];
}

const BASE = ["--norpc", "--noauth", "--jwt_secret=qwerty", "--metrics_http=/metrics"];

const REVOKING: Group = {
  title: "revoking",
  flags: BASE,
  onlyOurs: OURS,
  scenarios: [
    {
      name: "by jti ends the connections of that token and refuses it, and no other of its user",
      steps: [
        ...welcomed(tokenOf("jti", { jti: "j1" }), "phone"),
        ...welcomed(tokenOf("jti", { jti: "j2" }), "laptop"),
        revoke({ jti: "j1" }),
        ...closedAsRevoked("phone"),
        { do: "quiet", on: "laptop" },
        ...isRefused(tokenOf("jti", { jti: "j1" })),
        ...welcomed(tokenOf("jti", { jti: "j2" }), "again"),
      ],
    },
    {
      name: "tells clients to come back where it says so",
      steps: [
        ...welcomed(tokenOf("back", { jti: "j3" }), "a"),
        revoke({ jti: "j3", reconnect: true }),
        ...closedAsRevoked("a", true),
      ],
    },
    {
      name: "by the sid of the welcome ends that session and refuses its token, which has no name of its own",
      steps: [
        connect(`/cable?jid=${PHONE}`, "phone"),
        receives(WELCOME, "phone"),
        { do: "publish", body: '{"command":"revoke","payload":{"sid":"{{sid}}"}}' },
        ...closedAsRevoked("phone"),
        ...isRefused(PHONE),
        ...welcomed(tokenOf("sid", { n: 2 }), "laptop"),
      ],
    },
    {
      name: "by the claim sid ends a sign-in, with all of its tokens",
      steps: [
        ...welcomed(tokenOf("login", { sid: "l1", n: 1 }), "a"),
        ...welcomed(tokenOf("login", { sid: "l2" }), "b"),
        revoke({ sid: "l1" }),
        ...closedAsRevoked("a"),
        { do: "quiet", on: "b" },
        ...isRefused(tokenOf("login", { sid: "l1", n: 2 })),
      ],
    },
    {
      name: "by identifiers ends every connection of a user and refuses later tokens as well",
      steps: [
        ...welcomed(tokenOf("all", { n: 1 }), "a"),
        ...welcomed(tokenOf("all", { n: 2 }), "b"),
        revoke({ identifiers: "all" }),
        ...closedAsRevoked("a"),
        ...closedAsRevoked("b"),
        ...isRefused(tokenOf("all", { iat: inSeconds(3600) })),
      ],
    },
    {
      name: "by identifiers and time spares what was issued since; a token without iat counts as older",
      steps: [
        ...welcomed(tokenOf("time", { iat: inSeconds(-60) }), "old"),
        ...welcomed(tokenOf("time", { iat: undefined }), "unknown"),
        ...welcomed(tokenOf("time", { iat: inSeconds(-20) }), "new"),
        revoke({ identifiers: "time", issued_before: inSeconds(-40) }),
        ...closedAsRevoked("old"),
        ...closedAsRevoked("unknown"),
        { do: "quiet", on: "new" },
        ...isRefused(tokenOf("time", { iat: inSeconds(-60) })),
        ...isRefused(tokenOf("time", { iat: undefined })),
        ...welcomed(tokenOf("time", { iat: inSeconds(-20) }), "newer"),
      ],
    },
    {
      name: "by kid refuses every token of that key",
      steps: [
        ...welcomed(token({ ext: "kid" }, undefined, { alg: "HS256", kid: "leaked" }), "a"),
        ...welcomed(token({ ext: "kid" }, undefined, { alg: "HS256", kid: "kept" }), "b"),
        revoke({ kid: "leaked" }),
        ...closedAsRevoked("a"),
        { do: "quiet", on: "b" },
        ...isRefused(token({ ext: "other" }, undefined, { alg: "HS256", kid: "leaked" })),
      ],
    },
    {
      name: "a connection goes on with its own token when a revoked one is sent to it",
      steps: [
        ...welcomed(tokenOf("auth", { jti: "j5" }), "a"),
        revoke({ jti: "j4" }),
        { do: "send", on: "a", command: { command: "auth", token: tokenOf("auth", { jti: "j4" }) } },
        receives('{"type":"auth","error":"unauthorized"}', "a"),
        { do: "quiet", on: "a" },
      ],
    },
    {
      name: "by the token that a connection was given last",
      steps: [
        ...welcomed(tokenOf("renewed", { jti: "j6" }), "a"),
        { do: "send", on: "a", command: { command: "auth", token: tokenOf("renewed", { jti: "j7" }) } },
        receives(/"expires_in"/, "a"),
        revoke({ jti: "j6" }),
        { do: "quiet", on: "a" },
        revoke({ jti: "j7" }),
        ...closedAsRevoked("a"),
      ],
    },
    {
      name: "what cannot be read is answered 422, and nobody is disconnected",
      steps: [
        ...welcomed(tokenOf("unread", { jti: "j8" }), "a"),
        ...[
          {},
          { jti: "j8", sid: "s" },
          { jti: 8 },
          { identifiers: "unread", issued_befor: 1 },
          { identifiers: "unread", issued_before: 1_700_000_000_000 },
        ].map(
          (payload): Step => ({
            do: "publish",
            body: { command: "revoke", payload },
            status: 422,
            says: /"error":"\\"payload/,
          }),
        ),
        { do: "quiet", on: "a" },
      ],
    },
  ],
};

const SEEN: Group = {
  title: "revoking is seen",
  flags: [...BASE, "--revocations_limit=1"],
  onlyOurs: OURS,
  server: "each",
  scenarios: [
    {
      name: "is counted and logged, with the reason of the refusal",
      steps: [
        ...welcomed(tokenOf("seen", { jti: "j1" }), "a"),
        revoke({ jti: "j1" }),
        ...closedAsRevoked("a"),
        ...isRefused(tokenOf("seen", { jti: "j1" })),
        { do: "output", has: /revoked.* by=jti closed=1 until=\d{4}/ },
        { do: "output", has: /client refused.* reason=revoked/ },
        { do: "metric", name: "revocations_num", is: 1 },
        { do: "metric", name: "revocations_total", labels: ['by="jti"', 'result="taken"'], is: 1 },
        { do: "metric", name: "disconnects_total", labels: ['reason="revoked"'], is: 1 },
        { do: "metric", name: "jwt_verifications_total", labels: ['reason="revoked"'], is: 1 },
      ],
    },
    {
      name: "one more than there is room for is answered 507 and does nothing; the same again is taken",
      steps: [
        ...welcomed(tokenOf("full", { jti: "j2" }), "a"),
        revoke({ jti: "j1" }),
        {
          do: "publish",
          body: { command: "revoke", payload: { jti: "j2" } },
          status: 507,
          says: /--revocations_limit/,
        },
        { do: "quiet", on: "a" },
        revoke({ jti: "j1" }),
      ],
    },
  ],
};

const RESUMING: Group = {
  title: "revoking and resuming",
  flags: [...BASE, "--broker=memory"],
  onlyOurs: OURS,
  scenarios: [
    {
      name: "a session that was revoked is not given back, to a fresh token either",
      steps: [
        connect(`/cable?jid=${tokenOf("resume", { jti: "j1" })}`, "a", {
          protocols: "actioncable-v1-ext-json",
        }),
        receives(WELCOME, "a"),
        { do: "drop", on: "a" },
        revoke({ jti: "j1" }),
        connect(`/cable?jid=${tokenOf("resume", { jti: "j2" })}&sid={{sid}}`, "b", {
          protocols: "actioncable-v1-ext-json",
        }),
        receives(/^\{"type":"welcome","sid":"[\w-]{21}"\}$/, "b"),
      ],
    },
  ],
};

export const REVOCATION_GROUPS: readonly Group[] = [REVOKING, SEEN, RESUMING];
