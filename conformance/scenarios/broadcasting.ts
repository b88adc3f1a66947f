import {
  confirmation,
  delivery,
  deliveryTo,
  publication,
  receives,
  stream,
  subscribed,
  welcomed,
} from "../phrases.ts";
import type { Group, Scenario, Step } from "../scenario.ts";

/** `data` of a publication and what stands as `message` in the client's frame; `reference` where it differs (D20). */
const PAYLOADS: readonly { readonly data: string; readonly message: string; readonly reference?: string }[] =
  [
    { data: '{"a":1,"b":"x"}', message: '{"a":1,"b":"x"}' },
    {
      data: '{"b":1,"a":{"d":1,"c":2}}',
      message: '{"b":1,"a":{"d":1,"c":2}}',
      reference: '{"a":{"c":2,"d":1},"b":1}',
    },
    { data: "12345678901234567890", message: "12345678901234567890", reference: "12345678901234567000" },
    { data: '{ "spaced" :  1 }', message: '{ "spaced" :  1 }', reference: '{"spaced":1}' },
    {
      data: '{"html":"<b>&</b>"}',
      message: '{"html":"<b>&</b>"}',
      reference: '{"html":"\\u003cb\\u003e\\u0026\\u003c/b\\u003e"}',
    },
    { data: "1.0", message: "1.0", reference: "1" },
    { data: "1e21", message: "1e21", reference: "1e+21" },
    { data: "0.0000001", message: "0.0000001", reference: "1e-7" },
    { data: '"a\u2028b"', message: '"a\u2028b"', reference: '"a\\u2028b"' },
    { data: "0", message: "0" },
    { data: "false", message: "false" },
    { data: '"text"', message: '"text"' },
    { data: '""', message: '""' },
    { data: "[1,2]", message: "[1,2]" },
    { data: "null", message: '"null"' },
    { data: "", message: '""' },
    { data: "plain text", message: '"plain text"' },
    { data: '{"a":1', message: '"{\\"a\\":1"' },
    { data: '{"emoji":"😀","line":"a\\nb"}', message: '{"emoji":"😀","line":"a\\nb"}' },
  ];

function payloadScenario(payload: (typeof PAYLOADS)[number], index: number): Scenario {
  const name = `payload${index}`;
  const { data, message, reference } = payload;
  const ours: Step[] = [receives(delivery(name, message))];
  return {
    name: `the data ${data === "" ? "(none)" : data} comes as ${message}`,
    steps: [
      ...welcomed(),
      ...subscribed(name),
      { do: "publish", body: publication(name, data) },
      ...(reference === undefined
        ? ours
        : [
            {
              do: "differ" as const,
              deviation: "D20" as const,
              ours,
              reference: [receives(delivery(name, reference))],
            },
          ]),
      { do: "quiet" },
    ],
  };
}

/** Bodies that are no publication: refused here (D12), lost in silence there. */
const UNREADABLE: readonly (readonly [what: string, body: string])[] = [
  ["that is not JSON", "garbage"],
  ["that is empty", ""],
  ["that is null", "null"],
  ["that is a number", "1"],
  ["that is an empty array", "[]"],
  ["that is an empty object", "{}"],
  ["whose data is an object", '{"stream":"unread","data":{"x":1}}'],
  ["whose data is a number", '{"stream":"unread","data":1}'],
  ["whose stream is a number", '{"stream":5,"data":"1"}'],
  ["whose stream is empty", '{"stream":"","data":"1"}'],
  ["with something after its JSON", '{"stream":"unread","data":"1"}x'],
  ["whose meta is a string", '{"stream":"unread","data":"1","meta":"x"}'],
  ["whose exclude_socket is a number", '{"stream":"unread","data":"1","meta":{"exclude_socket":1}}'],
  ["whose broadcast_type is a number", '{"stream":"unread","data":"1","meta":{"broadcast_type":1}}'],
  ["whose transient is a word", '{"stream":"unread","data":"1","meta":{"transient":"yes"}}'],
  ["that disconnects nobody in particular", '{"command":"disconnect"}'],
  ["that disconnects by a number", '{"command":"disconnect","payload":{"identifier":5}}'],
  ["whose payload is a word", '{"command":"disconnect","payload":"unread"}'],
  ["whose reconnect is a word", '{"command":"disconnect","payload":{"identifier":"u","reconnect":"yes"}}'],
  ["a batch with a bad element at its end", '[{"stream":"unread","data":"1"},{"stream":"unread","data":2}]'],
  ["a batch with a bad element at its start", '[5,{"stream":"unread","data":"1"}]'],
];

export const OPEN_BROADCASTS: Group = {
  title: "broadcasting",
  flags: ["--norpc", "--noauth", "--public_streams"],
  scenarios: [
    ...PAYLOADS.map(payloadScenario),
    ...UNREADABLE.map(
      ([what, body]): Scenario => ({
        name: `a publication ${what} is answered 422 with the reason, and nothing of it is sent`,
        steps: [
          ...welcomed(),
          ...subscribed("unread"),
          {
            do: "differ",
            deviation: "D12",
            ours: [{ do: "publish", body, status: 422, says: /^\{"error":".+"\}$/ }],
            reference: [{ do: "publish", body, status: 201, says: "" }],
          },
          { do: "quiet" },
        ],
      }),
    ),
    {
      name: "a batch with null in it is answered 422, and the server lives on",
      onlyOurs: "the reference's process ends",
      steps: [
        ...welcomed(),
        ...subscribed("unread"),
        { do: "publish", body: '[{"stream":"unread","data":"1"},null]', status: 422, says: /error/ },
        { do: "publish", body: "[null]", status: 422, says: /error/ },
        { do: "quiet" },
      ],
    },
    {
      name: "a publication is answered 201 and nothing, whether anybody follows the stream or not",
      steps: [{ do: "publish", body: publication("nobody", "1"), status: 201, says: "" }],
    },
    {
      name: "a command that nobody knows is answered 201",
      steps: [{ do: "publish", body: { command: "foo" }, status: 201, says: "" }],
    },
    ...["GET", "PUT", "DELETE", "OPTIONS"].map(
      (method): Scenario => ({
        name: `${method} is answered 422`,
        steps: [{ do: "http", place: "broadcast", method, path: "/_broadcast", status: 422, says: "" }],
      }),
    ),
    {
      name: "the port for publications serves nothing else",
      steps: [
        { do: "http", place: "broadcast", method: "POST", path: "/", body: "{}", status: 404 },
        { do: "http", place: "broadcast", method: "POST", path: "/_broadcast/", body: "{}", status: 404 },
        { do: "http", place: "broadcast", path: "/cable", status: 404 },
        { do: "http", place: "broadcast", path: "/health", status: 404 },
        { do: "http", method: "POST", path: "/_broadcast", body: "{}", status: 404 },
      ],
    },
    {
      name: "a batch is delivered in its order",
      steps: [
        ...welcomed(),
        ...subscribed("batch"),
        {
          do: "publish",
          body: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((number) => publication("batch", String(number))),
        },
        ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((number) => receives(delivery("batch", String(number)))),
      ],
    },
    {
      name: "a publication reaches every follower and nobody else",
      steps: [
        ...welcomed(undefined, "a"),
        ...welcomed(undefined, "b"),
        ...welcomed(undefined, "c"),
        ...subscribed("shared", "a"),
        ...subscribed("shared", "b"),
        ...subscribed("shared-not", "c"),
        { do: "publish", body: publication("shared", '"hi"') },
        receives(delivery("shared", '"hi"'), "a"),
        receives(delivery("shared", '"hi"'), "b"),
        { do: "quiet", on: "c" },
      ],
    },
    {
      name: "exclude_socket leaves out the session of that id, for that publication alone",
      steps: [
        ...welcomed(undefined, "b"),
        ...subscribed("excluding", "b"),
        ...welcomed(undefined, "a"),
        ...subscribed("excluding", "a"),
        { do: "publish", body: '{"stream":"excluding","data":"1","meta":{"exclude_socket":"{{sid}}"}}' },
        { do: "publish", body: publication("excluding", "2") },
        receives(delivery("excluding", "1"), "b"),
        receives(delivery("excluding", "2"), "b"),
        receives(delivery("excluding", "2"), "a"),
      ],
    },
    {
      name: "exclude_socket with an id that nobody has leaves out nobody",
      steps: [
        ...welcomed(),
        ...subscribed("excluding-none"),
        { do: "publish", body: publication("excluding-none", "1", { exclude_socket: "nobody" }) },
        receives(delivery("excluding-none", "1")),
      ],
    },
    {
      name: "broadcast_type becomes the type of the frame, and transient changes nothing here",
      steps: [
        ...welcomed(),
        ...subscribed("typed"),
        {
          do: "publish",
          body: publication("typed", '{"a":1}', { broadcast_type: "notice", transient: true }),
        },
        receives(`{"type":"notice",${delivery("typed", '{"a":1}').slice(1)}`),
      ],
    },
    {
      name: "a message of 300 kB arrives whole",
      steps: [
        ...welcomed(),
        ...subscribed("large"),
        { do: "publish", body: publication("large", JSON.stringify("x".repeat(300_000))) },
        receives(delivery("large", JSON.stringify("x".repeat(300_000)))),
      ],
    },
    {
      name: "names of members count in any case, and unknown members not at all",
      steps: [
        ...welcomed(),
        ...subscribed("cased"),
        { do: "publish", body: '{"Stream":"cased","DATA":"1","more":{"a":[]}}' },
        receives(delivery("cased", "1")),
        { do: "publish", body: '[{"STREAM":"cased","Data":"2"}]' },
        receives(delivery("cased", "2")),
      ],
    },
    ...['{"stream":"bare","data":null,"meta":null}', '{"stream":"bare"}'].map(
      (body): Scenario => ({
        name: `${body} is an empty message`,
        steps: [
          ...welcomed(),
          ...subscribed("bare"),
          { do: "publish", body },
          receives(delivery("bare", '""')),
        ],
      }),
    ),
    {
      name: "a stream wins over a command beside it",
      steps: [
        ...welcomed(),
        ...subscribed("beside"),
        { do: "publish", body: { ...publication("beside", "1"), command: "disconnect" } },
        receives(delivery("beside", "1")),
        { do: "quiet" },
      ],
    },
    {
      name: "exclude_socket counts under every identifier, and for each message of a batch by itself",
      steps: [
        ...welcomed(undefined, "b"),
        ...subscribed("apart", "b"),
        ...welcomed(undefined, "a"),
        ...subscribed("apart", "a"),
        { do: "send", on: "a", command: { command: "subscribe", identifier: `${stream("apart")} ` } },
        receives(confirmation(`${stream("apart")} `), "a"),
        {
          do: "publish",
          body:
            '[{"stream":"apart","data":"1","meta":{"exclude_socket":"{{sid}}"}},' +
            '{"stream":"apart","data":"2","meta":{"broadcast_type":"note"}}]',
        },
        receives(delivery("apart", "1"), "b"),
        receives(`{"type":"note",${delivery("apart", "2").slice(1)}`, "b"),
        {
          do: "receive",
          on: "a",
          anyOrder: [delivery("apart", "2"), deliveryTo(`${stream("apart")} `, "2")].map(
            (frame) => `{"type":"note",${frame.slice(1)}`,
          ),
        },
      ],
    },
    {
      name: "the type of the body is not looked at",
      steps: [
        {
          do: "http",
          place: "broadcast",
          method: "POST",
          path: "/_broadcast",
          headers: { "Content-Type": "text/plain" },
          body: '{"stream":"a","data":"1"}',
          status: 201,
        },
      ],
    },
  ],
};
