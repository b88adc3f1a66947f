import { connect, delivery, receives, stream, WELCOME_OF_APPLICATION, welcomed } from "../phrases.ts";
import type { Group } from "../scenario.ts";
import { GOOD } from "../tokens.ts";
import {
  APPLICATION,
  admitted,
  confirmed,
  deliveryTo,
  id,
  perform,
  publish,
  QUIET,
  subscribe,
} from "./scripted-application.ts";

/** An application that is slow, asked for much, or not there. */

const BUSY: Group = {
  title: "--max_pending_commands",
  flags: ["--max_pending_commands=4"],
  onlyOurs: "the option is ours",
  application: APPLICATION,
  scenarios: [
    {
      name: "as many commands may wait for a slow one",
      steps: [
        ...admitted(),
        subscribe(id("Any")),
        confirmed(id("Any")),
        perform(id("Any"), "slow 300"),
        { do: "send", command: { command: "ping" }, times: 4 },
        deliveryTo(id("Any"), '"after 300"'),
        ...Array.from({ length: 4 }, () => receives('{"type":"pong"}')),
      ],
    },
    {
      name: "one more is closed with 1008",
      steps: [
        ...admitted(),
        subscribe(id("Any")),
        confirmed(id("Any")),
        perform(id("Any"), "slow 1000"),
        { do: "send", command: { command: "ping" }, times: 5 },
        { do: "closed", code: 1008, reason: "Too many pending commands", withinMs: 900 },
      ],
    },
  ],
};

const EACH_HAS_ONE = "of a limit of one each thread has one";

const ONE_CALL: Group = {
  title: "--rpc_concurrency=1",
  oneThread: EACH_HAS_ONE,
  flags: ["--rpc_concurrency=1", "--rpc_command_timeout=2200"],
  server: "each",
  application: { connect: () => ({ afterMs: 1500 }) },
  scenarios: [
    {
      name: "the wait for a free call is a part of a client's time",
      steps: [
        connect("/cable", "a"),
        { do: "wait", ms: 100 },
        connect("/cable", "b"),
        receives(WELCOME_OF_APPLICATION, "a"),
        {
          do: "differ",
          deviation: "D22",
          ours: [{ do: "closed", on: "b", code: 1011, reason: "Auth Error", withinMs: 1400 }],
          reference: [receives(WELCOME_OF_APPLICATION, "b")],
        },
      ],
    },
  ],
};

/** Whoever can reach the port may send this much before anybody has decided about them. */
const EARLY: Group = {
  title: "commands before the welcome",
  flags: [],
  onlyOurs: "the reference leaves them in the network's buffers",
  application: { connect: () => ({ afterMs: 2500 }) },
  scenarios: [
    {
      name: "64 kB of them are kept for a client that is not let in yet",
      steps: [
        connect(),
        { do: "send", command: { command: "ping", pad: "x".repeat(20_000) }, times: 3 },
        receives(WELCOME_OF_APPLICATION),
        ...Array.from({ length: 3 }, () => receives('{"type":"pong"}')),
      ],
    },
    {
      name: "more are closed with 1008",
      steps: [
        connect(),
        { do: "send", command: { command: "ping", pad: "x".repeat(20_000) }, times: 4 },
        { do: "closed", code: 1008, reason: "Too many pending commands", withinMs: 2000 },
      ],
    },
  ],
};

/** Nobody listens at the port that the application should have. */
const DEAD: Group = {
  title: "a dead application",
  flags: ["--rpc_host=127.0.0.1:1", "--rpc_command_timeout=500", "--jwt_secret=qwerty", "--public_streams"],
  scenarios: [
    {
      name: "who needs it is closed with 1011",
      steps: [connect(), { do: "closed", code: 1011, reason: "Auth Error" }],
    },
    {
      name: "who has a token is welcomed, and the built-in channel works",
      steps: [
        ...welcomed(`/cable?jid=${GOOD}`),
        subscribe(id("Any")),
        QUIET,
        subscribe(stream("alive")),
        receives(/confirm_subscription/),
        publish("alive", "1"),
        receives(delivery("alive", "1")),
      ],
    },
  ],
};

export const APPLICATION_LIMIT_GROUPS: readonly Group[] = [BUSY, ONE_CALL, EARLY, DEAD];
