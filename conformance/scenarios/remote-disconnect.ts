import { connect, receives, WELCOME, welcomed } from "../phrases.ts";
import type { Group, Step } from "../scenario.ts";
import { GOOD, IDENTITY, token } from "../tokens.ts";

const disconnect = (identifier: string, reconnect?: boolean): Step => ({
  do: "publish",
  body: {
    command: "disconnect",
    payload: { identifier, ...(reconnect === undefined ? {} : { reconnect }) },
  },
});

function closedRemotely(reconnect: boolean, on?: string): Step[] {
  const client = on === undefined ? {} : { on };
  return [
    { do: "receive", ...client, text: `{"type":"disconnect","reason":"remote","reconnect":${reconnect}}` },
    { do: "closed", ...client, code: 1000, reason: "Closed remotely" },
  ];
}

/** A session of its own user, so that scenarios side by side do not end each other's. */
function sessionOf(identity: string, on?: string): Step[] {
  return [
    connect(`/cable?jid=${token({ ext: identity })}`, on),
    { do: "receive", ...(on === undefined ? {} : { on }), text: WELCOME },
  ];
}

export const REMOTE_DISCONNECT: Group = {
  title: "remote disconnect",
  flags: ["--norpc", "--noauth", "--jwt_secret=qwerty"],
  scenarios: [
    {
      name: "ends the session of these identifiers",
      steps: [...sessionOf('{"u":1}'), disconnect('{"u":1}', false), ...closedRemotely(false)],
    },
    {
      name: "tells the client to come back where it says so",
      steps: [...sessionOf('{"u":2}'), disconnect('{"u":2}', true), ...closedRemotely(true)],
    },
    {
      name: "says no to coming back where it says nothing",
      steps: [...sessionOf('{"u":3}'), disconnect('{"u":3}'), ...closedRemotely(false)],
    },
    {
      name: "compares the identifiers as text",
      steps: [
        ...sessionOf('{"u": 4}'),
        disconnect('{"u":4}'),
        { do: "quiet" },
        disconnect('{"u": 4}'),
        ...closedRemotely(false),
      ],
    },
    {
      name: "finds a session that came without a token by its id",
      steps: [
        ...welcomed(),
        {
          do: "publish",
          body: '{"command":"disconnect","payload":{"identifier":"{\\"sid\\":\\"{{sid}}\\"}","reconnect":false}}',
        },
        ...closedRemotely(false),
      ],
    },
    {
      name: "ends every session of these identifiers",
      steps: [
        ...sessionOf('{"u":5}', "a"),
        ...sessionOf('{"u":5}', "b"),
        ...sessionOf('{"u":6}', "c"),
        disconnect('{"u":5}', false),
        {
          do: "differ",
          deviation: "D10",
          ours: [...closedRemotely(false, "a"), ...closedRemotely(false, "b")],
          reference: [],
        },
        { do: "quiet", on: "c" },
      ],
    },
    {
      name: "ends nobody where nobody has these identifiers",
      steps: [...sessionOf('{"u":7}'), disconnect('{"u":70}'), { do: "quiet" }],
    },
    {
      name: "knows a session by its token, not by its public identity",
      steps: [
        connect(`/cable?jid=${GOOD}`),
        receives(WELCOME),
        {
          do: "publish",
          body: '{"command":"disconnect","payload":{"identifier":"{\\"sid\\":\\"{{sid}}\\"}","reconnect":false}}',
        },
        { do: "quiet" },
        disconnect(IDENTITY),
        ...closedRemotely(false),
      ],
    },
  ],
};
