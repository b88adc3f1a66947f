import { connect, receives, stream, subscribed, welcomed } from "../phrases.ts";
import type { Group, Step } from "../scenario.ts";
import {
  alone,
  asks,
  came,
  EXTENDED,
  hears,
  joins,
  leaves,
  NOBODY,
  OPEN,
  quiet,
  room,
  send,
  told,
  went,
} from "./presence-steps.ts";

const LOST: Group = {
  title: "presence after a lost connection",
  flags: [...OPEN, "--presence_ttl=2", "--sse"],
  scenarios: [
    {
      name: "lasts for its time, and then everybody hears that the client has gone",
      steps: [
        ...room("lost", "a", "b"),
        joins("a", stream("lost"), { id: "u" }),
        hears("b", stream("lost"), came("u")),
        { do: "drop", on: "a" },
        { do: "silence", on: "b", forMs: 1000 },
        asks("b", stream("lost")),
        hears("b", stream("lost"), alone("u")),
        { do: "receive", on: "b", text: told(stream("lost"), went("u")), withinMs: 5000 },
        asks("b", stream("lost")),
        hears("b", stream("lost"), NOBODY),
      ],
    },
    {
      name: "lasts for its time as well after a close that the application asked for",
      steps: [
        ...room("told to go", "b"),
        ...welcomed(undefined, "a"),
        ...subscribed("told to go", "a"),
        joins("a", stream("told to go"), { id: "u" }),
        hears("b", stream("told to go"), came("u")),
        { do: "publish", body: { command: "disconnect", payload: { identifier: '{"sid":"{{sid}}"}' } } },
        { do: "pass over", on: "a", until: /"reason":"remote"/ },
        { do: "closed", on: "a", code: 1000, reason: "Closed remotely" },
        { do: "silence", on: "b", forMs: 1000 },
        { do: "receive", on: "b", text: told(stream("told to go"), went("u")), withinMs: 5000 },
      ],
    },
    {
      name: "goes on without a word when the client is back in time",
      steps: [
        ...room("back", "a", "b"),
        joins("a", stream("back"), { id: "u" }),
        hears("b", stream("back"), came("u")),
        { do: "drop", on: "a" },
        ...room("back", "again"),
        joins("again", stream("back"), { id: "u" }),
        quiet("again"),
        quiet("b"),
        // A client of the base protocol would be taken for gone by the reference (D14), so it joins again.
        { do: "wait", ms: 1500 },
        leaves("again", stream("back")),
        joins("again", stream("back"), { id: "u" }),
        { do: "wait", ms: 1500 },
        asks("b", stream("back")),
        hears("b", stream("back"), alone("u")),
        quiet("b"),
      ],
    },
    {
      name: "goes on with the session that resumes another",
      steps: [
        ...room("resumed", "other"),
        ...welcomed(undefined, "a", { protocols: EXTENDED }),
        ...subscribed("resumed", "a"),
        joins("a", stream("resumed"), { id: "u", info: 1 }),
        hears("other", stream("resumed"), came("u", "1")),
        { do: "drop", on: "a" },
        connect("/cable?sid={{sid}}", "again", { protocols: EXTENDED }),
        receives(/^\{"type":"welcome","sid":"[\w-]+","restored":true,"restored_ids":\[.*\]\}$/, "again"),
        send("again", { command: "history", identifier: stream("resumed"), history: { since: 1 } }),
        receives(`{"type":"confirm_history","identifier":${JSON.stringify(stream("resumed"))}}`, "again"),
        joins("again", stream("resumed"), { id: "u", info: 2 }),
        quiet("again"),
        // Past the time of the session that was lost.
        { do: "silence", on: "other", forMs: 4000 },
        asks("other", stream("resumed")),
        hears("other", stream("resumed"), alone("u", "2")),
        leaves("again", stream("resumed")),
        hears("again", stream("resumed"), went("u")),
        hears("other", stream("resumed"), went("u")),
      ],
    },
    {
      name: "goes on with it also when it does not join again",
      steps: [
        ...room("carried", "other"),
        ...welcomed(undefined, "a", { protocols: EXTENDED }),
        ...subscribed("carried", "a"),
        joins("a", stream("carried"), { id: "u", info: 1 }),
        hears("other", stream("carried"), came("u", "1")),
        { do: "drop", on: "a" },
        connect("/cable?sid={{sid}}", "again", { protocols: EXTENDED }),
        receives(/"restored":true/, "again"),
        {
          do: "differ",
          deviation: "D14",
          ours: [
            { do: "silence", on: "other", forMs: 4000 },
            asks("other", stream("carried")),
            hears("other", stream("carried"), alone("u", "1")),
            leaves("again", stream("carried")),
            hears("other", stream("carried"), went("u")),
          ],
          reference: [
            { do: "receive", on: "other", text: told(stream("carried"), went("u")), withinMs: 5000 },
            leaves("again", stream("carried")),
            quiet("other"),
          ],
        },
      ],
    },
    {
      name: "of a client that is connected does not end",
      steps: [
        ...room("connected", "a"),
        joins("a", stream("connected"), { id: "u" }),
        hears("a", stream("connected"), came("u")),
        {
          do: "differ",
          deviation: "D14",
          ours: [
            { do: "silence", on: "a", forMs: 4000 },
            asks("a", stream("connected")),
            hears("a", stream("connected"), alone("u")),
          ],
          reference: [
            { do: "receive", on: "a", text: told(stream("connected"), went("u")), withinMs: 5000 },
            asks("a", stream("connected")),
            hears("a", stream("connected"), NOBODY),
          ],
        },
      ],
    },
    {
      name: "of a client that reads an event stream does not end while it reads",
      steps: [
        ...room("events", "a"),
        {
          do: "stream",
          on: "reader",
          method: "POST",
          path: "/events",
          body: JSON.stringify({ command: "subscribe", identifier: stream("events"), presence: { id: "u" } }),
        },
        { do: "event", on: "reader", lines: /^event: welcome\n/ },
        { do: "event", on: "reader", lines: /^event: confirm_subscription\n/ },
        { do: "event", on: "reader", lines: `event: presence\ndata: ${told(stream("events"), came("u"))}` },
        hears("a", stream("events"), came("u")),
        {
          do: "differ",
          deviation: "D14",
          ours: [
            { do: "silence", on: "a", forMs: 4000 },
            { do: "drop stream", on: "reader" },
            { do: "receive", on: "a", text: told(stream("events"), went("u")), withinMs: 5000 },
          ],
          reference: [{ do: "receive", on: "a", text: told(stream("events"), went("u")), withinMs: 5000 }],
        },
      ],
    },
    {
      name: "of a client of the extended protocol that is connected does not end either",
      steps: [
        ...welcomed(undefined, "a", { protocols: EXTENDED }),
        ...subscribed("extended", "a"),
        joins("a", stream("extended"), { id: "u" }),
        hears("a", stream("extended"), came("u")),
        { do: "silence", on: "a", forMs: 4000 },
        asks("a", stream("extended")),
        hears("a", stream("extended"), alone("u")),
      ],
    },
  ],
};

const sample = (name: string, is: number): Step => ({ do: "metric", name, is });

const COUNTED: Group = {
  title: "presence on the metrics",
  flags: [...OPEN, "--metrics_http=/metrics", "--ping_interval=60"],
  server: "each",
  scenarios: [
    {
      name: "counts as a broadcast when there is something to tell, and what cannot be done as a failed message",
      steps: [
        ...room("counted", "a", "b"),
        joins("a", stream("counted"), { id: "u" }),
        hears("a", stream("counted"), came("u")),
        joins("b", stream("counted"), { id: "u" }),
        joins("b", stream("counted"), { id: "v" }),
        hears("b", stream("counted"), came("u")),
        quiet("b"),
        leaves("a", stream("counted")),
        leaves("a", stream("counted")),
        joins("a", stream("elsewhere"), { id: "u" }),
        quiet("a"),
        // Two subscribes, two pings, three joins of "counted", two leaves, one join of what is not there.
        sample("client_msg_total", 10),
        sample("failed_client_msg_total", 3),
        sample("publications_total", 0),
        sample("broadcast_msg_total", 1),
        // Two welcomes, two confirmations, two events, two pongs.
        sample("server_msg_total", 8),
      ],
    },
  ],
};

const GAUGES: Group = {
  title: "the gauges of presence",
  flags: [...OPEN, "--metrics_http=/metrics", "--presence_ttl=1"],
  server: "each",
  onlyOurs: "the reference has no such metrics",
  scenarios: [
    {
      name: "say on how many streams how many sessions are present, those just lost among them",
      steps: [
        ...room("gauged", "a", "b"),
        ...subscribed("other", "a"),
        joins("a", stream("gauged"), { id: "u" }),
        hears("b", stream("gauged"), came("u")),
        joins("b", stream("gauged"), { id: "u" }),
        joins("a", stream("other"), { id: "u" }),
        hears("a", stream("gauged"), came("u")),
        hears("a", stream("other"), came("u")),
        quiet("b"),
        sample("presence_streams_num", 2),
        sample("presence_sessions_num", 2),
        { do: "drop", on: "a" },
        sample("presence_sessions_num", 1),
        sample("presence_streams_num", 1),
      ],
    },
  ],
};

/** Who has gone without a word, and what the metrics say of who is there. */
export const PRESENCE_LOST_GROUPS: readonly Group[] = [LOST, COUNTED, GAUGES];
