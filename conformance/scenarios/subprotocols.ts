import { connect, receives, toldNo, WELCOME } from "../phrases.ts";
import type { Group, Scenario } from "../scenario.ts";
import { EXPIRED, FORGED, GOOD } from "../tokens.ts";

const BASE = "actioncable-v1-json";
const EXTENDED = "actioncable-v1-ext-json";

/** What clients offer, and what the server picks. */
const OFFERS: readonly (readonly [offer: string, chosen: string | null])[] = [
  [BASE, BASE],
  [EXTENDED, EXTENDED],
  [`${BASE}, ${EXTENDED}`, BASE],
  [`${EXTENDED}, ${BASE}`, BASE],
  [`${EXTENDED},actioncable-unsupported`, EXTENDED],
  [`${BASE}, actioncable-unsupported`, BASE],
  ["actioncable-unsupported", null],
  ["graphql-ws", null],
  [`graphql-ws, ${EXTENDED}`, EXTENDED],
  ["ACTIONCABLE-V1-JSON", null],
  [`  ${BASE}  ,  x`, BASE],
  ["actioncable-v1-msgpack", null],
  [`${BASE}, ${BASE}`, BASE],
  [`a/b c;=, ${EXTENDED}`, EXTENDED],
  [",,", null],
];

function offerScenario([offer, chosen]: (typeof OFFERS)[number]): Scenario {
  const outcome = chosen === null ? "goes on with none chosen" : `chooses ${chosen}`;
  return {
    name: `the offer "${offer}" ${outcome}`,
    steps: [
      connect(`/cable?jid=${GOOD}`, undefined, {
        protocols: offer,
        answer: { "Sec-WebSocket-Protocol": chosen },
      }),
      receives(WELCOME),
      { do: "quiet" },
    ],
  };
}

/** A token among the offers: whether it counts, and that no answer repeats it. */
const TOKEN_OFFERS: readonly {
  readonly when: string;
  readonly protocols: string;
  readonly chosen: string | null;
  readonly decision: "welcome" | "unauthorized" | "token_expired";
}[] = [
  { when: "alone", protocols: `anycable-token.${GOOD}`, chosen: null, decision: "welcome" },
  {
    when: "after the protocol",
    protocols: `${BASE}, anycable-token.${GOOD}`,
    chosen: BASE,
    decision: "welcome",
  },
  {
    when: "before it",
    protocols: `anycable-token.${GOOD}, ${EXTENDED}`,
    chosen: EXTENDED,
    decision: "welcome",
  },
  {
    when: "first of two",
    protocols: `anycable-token.${GOOD}, anycable-token.${FORGED}`,
    chosen: null,
    decision: "welcome",
  },
  {
    when: "second of two",
    protocols: `anycable-token.${FORGED}, anycable-token.${GOOD}`,
    chosen: null,
    decision: "unauthorized",
  },
  { when: "forged", protocols: `${BASE}, anycable-token.${FORGED}`, chosen: BASE, decision: "unauthorized" },
  {
    when: "expired",
    protocols: `${BASE}, anycable-token.${EXPIRED}`,
    chosen: BASE,
    decision: "token_expired",
  },
  { when: "empty", protocols: `${BASE}, anycable-token.`, chosen: BASE, decision: "unauthorized" },
  {
    when: "with another prefix",
    protocols: `${BASE}, AnyCable-Token.${GOOD}`,
    chosen: BASE,
    decision: "unauthorized",
  },
];

/** All of the pages that browsers show offer in one line; two lines come from scripts, or from a proxy. */
const TWO_LINES: Scenario = {
  name: "of an offer in two lines both are read",
  steps: [
    connect(`/cable?jid=${GOOD}`, undefined, {
      protocols: `graphql-ws\r\nSec-WebSocket-Protocol: ${EXTENDED}`,
    }),
    receives(WELCOME),
    {
      do: "differ",
      deviation: "unlisted: the runtime joins the lines of a header, where the reference takes the first",
      ours: [{ do: "answered", headers: { "Sec-WebSocket-Protocol": EXTENDED } }],
      reference: [{ do: "answered", headers: { "Sec-WebSocket-Protocol": null } }],
    },
  ],
};

export const SUBPROTOCOLS: Group = {
  title: "sub-protocols",
  flags: ["--norpc", "--jwt_secret=qwerty"],
  scenarios: [
    ...OFFERS.map(offerScenario),
    TWO_LINES,
    ...TOKEN_OFFERS.map(
      ({ when, protocols, chosen, decision }): Scenario => ({
        name: `a token as a sub-protocol, ${when}: ${decision}, and never repeated in the answer`,
        steps: [
          connect(undefined, undefined, {
            protocols,
            answer: { "Sec-WebSocket-Protocol": chosen },
            head: /^(?![\s\S]*(token|eyJ))/i,
          }),
          ...(decision === "welcome" ? [receives(WELCOME)] : toldNo(decision)),
        ],
      }),
    ),
  ],
};
