import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "@hawser/core/limits";
import {
  PRESENCE_ERROR,
  presenceInfo,
  presenceJoin,
  presenceLeave,
  presenceRecord,
} from "@hawser/core/protocol/presence-texts";
import {
  AUTH_REFUSED,
  authAccepted,
  authExpiring,
  broadcastFrame,
  broadcastHead,
  broadcastTail,
  confirmHistory,
  confirmSubscription,
  disconnect,
  PONG,
  ping,
  presenceReply,
  rejectHistory,
  rejectSubscription,
  restoredWelcome,
  welcome,
} from "@hawser/core/protocol/replies";
import { SUBPROTOCOLS, TOKEN_SUBPROTOCOL_PREFIX } from "@hawser/core/protocol/subprotocols";
import { AUTH_REASONS, DROP_REASONS, type Farewell } from "@hawser/core/reasons";
import type { Step } from "../conformance/scenario.ts";
import { GROUPS } from "../conformance/scenarios/all-groups.ts";

/** PROTOCOL.md and the README say what the code's tables say. */

const ROOT = join(import.meta.dir, "..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const page = read("PROTOCOL.md");

/** The rows under a table's head, cell by cell. */
function rowsUnder(head: string, text = page): string[][] {
  const start = text.indexOf(`\n${head}\n`);
  if (start < 0) throw new Error(`no table ${head}`);
  const [, , ...lines] = text.slice(start + 1).split("\n");
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines.slice(0, end < 0 ? lines.length : end).map((line) =>
    line
      .slice(1, -1)
      .split(" | ")
      .map((cell) => cell.trim()),
  );
}

const codesIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? "");

describe("the page on the wire", () => {
  test("has every command, and no other", () => {
    const source = read("packages/core/src/engine/commands/execute.ts");
    const served = [...source.matchAll(/case "(\w+)":/g)].map(([, name = ""]) => name);
    const told = rowsUnder("| command | answer |").flatMap(([names = ""]) => codesIn(names));
    expect(told.sort()).toEqual(served.sort());
  });

  test("has every message as it is written", () => {
    const told = rowsUnder("| message | when |").map(([message = ""]) => codesIn(message)[0]);
    const head = broadcastHead("I");
    expect(told).toEqual([
      welcome("S"),
      restoredWelcome("S", ["I"]),
      ping("1795428260"),
      PONG,
      confirmSubscription("I"),
      rejectSubscription("I"),
      broadcastFrame(head, "{}", null, "}"),
      broadcastFrame(head, "{}", null, broadcastTail("S", { epoch: "E", offset: 1 })),
      broadcastFrame(head, "{}", "T", "}"),
      confirmHistory("I"),
      rejectHistory("I"),
      broadcastFrame(head, presenceJoin("1", "{}"), "presence", "}"),
      broadcastFrame(head, presenceLeave("1"), "presence", "}"),
      presenceReply("I", presenceInfo(1, presenceRecord("1", "{}"))),
      presenceReply("I", PRESENCE_ERROR),
      authAccepted(3540),
      AUTH_REFUSED,
      authExpiring(60),
      disconnect("R", false),
    ]);
  });

  test("has every way in which a connection is ended", () => {
    const rows = rowsUnder("| reason | reconnect | close | when |");
    const told = rows.map(([reason = "", reconnect = "", close = ""]) => {
      const [wire = null] = codesIn(reason);
      const again = wire === null ? "-" : (/^(true|false)/.exec(reconnect)?.[0] ?? "");
      return `${wire} ${again} ${close.replaceAll("`", "")}`;
    });
    const served = [...Object.values(AUTH_REASONS), ...Object.values(DROP_REASONS)].map(endOf);
    expect([...new Set(told)].sort()).toEqual([...new Set(served)].sort());
    expect(told).toHaveLength(new Set(told).size);
  });

  test("has the sub-protocols in their order, and where a token stands among them", () => {
    const told = rowsUnder("| sub-protocol | |").map(([name = ""]) => codesIn(name)[0]);
    expect(told).toEqual(SUBPROTOCOLS.map(({ name }) => name));
    expect(page).toContain(`\`${TOKEN_SUBPROTOCOL_PREFIX}<token>\``);
  });

  test("has the bounds that are no options", () => {
    expect(page).toContain(`${LIMITS.maxBadFramesPerMinute} malformed frames a minute`);
    expect(page).toContain(`${LIMITS.maxTokensPerMinute} \`auth\` commands a minute`);
    const { maxPresenceRecord: record, maxPresenceOfSession: session, maxPresenceOfStream: stream } = LIMITS;
    expect(page).toContain(
      `${record} characters of a \`presence\`, ${session} of all those of a session, ${stream} of all`,
    );
    expect(page).toContain(`more than ${LIMITS.maxQueryPairs} parameters`);
    expect(page).toContain(`${LIMITS.maxEarlyCommandBytes / 1024} KiB before the welcome`);
  });

  test("has a row for each difference that a scenario shows, and a scenario for each row", () => {
    const told = rowsUnder("| | AnyCable | here |").map(([id = ""]) => id);
    const shown = new Set(GROUPS.flatMap(differencesOf));
    expect([...shown].filter((id) => !told.includes(id))).toEqual([]);
    expect(told.filter((id) => !shown.has(id))).toEqual([]);
  });
});

test("the README has every reason, and what the client hears of it", () => {
  const rows = rowsUnder("| reason | the client hears | what it means | what to do |", read("README.md"));
  const told = rows.flatMap(([reasons = "", hears = ""]) =>
    codesIn(reasons).map((reason) => [reason, codesIn(hears)[0]]),
  );
  const served = Object.entries(AUTH_REASONS).map(([reason, { wire }]) => [reason, wire]);
  expect(told.sort()).toEqual(served.sort());
});

/** As the page tells it. 1006 is never sent (RFC 6455 7.4.1): such a connection ends without a close frame. */
function endOf({ wire, reconnect, closeCode, closeText }: Farewell): string {
  const close = closeCode === 1006 ? "no close frame" : `${closeCode} ${closeText}`.trim();
  return `${wire} ${wire === null ? "-" : reconnect} ${close}`;
}

/** Rows of the table of differences that a group's scenarios name. */
function differencesOf({ onlyOurs = "", scenarios }: (typeof GROUPS)[number]): string[] {
  const reasons = [onlyOurs, ...scenarios.map((scenario) => scenario.onlyOurs ?? "")];
  const steps = scenarios.flatMap((scenario) => scenario.steps as readonly Step[]);
  const named = steps.map((step) => (step.do === "differ" ? step.deviation : ""));
  return [...reasons, ...named].flatMap((text) => /^D\d+/.exec(text)?.[0] ?? []);
}
