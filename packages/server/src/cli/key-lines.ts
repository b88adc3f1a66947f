import type { ListedKey, OtherServer } from "../admin/admin-client.ts";

const HEADINGS = [
  "NAME",
  "KID",
  "ALGORITHMS",
  "STATE",
  "FINGERPRINT",
  "USE FROM",
  "USE UNTIL",
  "LAST USED",
  "SOURCE",
];

/** The keys as a table, for people. */
export function keyLines(keys: readonly ListedKey[]): string {
  return tableOf(HEADINGS, keys.map(cellsOf));
}

const SERVER_HEADINGS = ["OTHER SERVER", "KEYS SINCE", "KEYS", "FORMER KEYS", "COMPARED WITH THIS ONE"];

/** The keys of the servers that share the broker, below the others; empty for none. */
export function serverLines(servers: readonly OtherServer[]): string {
  if (servers.length === 0) return "";
  const rows = servers.map(({ name, keysSince, keys, passing, missingHere, missingThere }) => {
    const lacks = missingThere.length === 0 ? [] : [`lacks ${missingThere.join(", ")}`];
    const has = missingHere.length === 0 ? [] : [`has ${missingHere.join(", ")} besides`];
    return [name, keysSince, textOf(keys), textOf(passing), [...lacks, ...has].join("; ") || "the same"];
  });
  return `\n${tableOf(SERVER_HEADINGS, rows)}`;
}

function textOf(marks: readonly string[]): string {
  return marks.join(", ") || "-";
}

function tableOf(headings: readonly string[], cells: readonly (readonly string[])[]): string {
  const rows = [headings, ...cells];
  const widths = headings.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

function cellsOf(key: ListedKey): string[] {
  return [
    key.name,
    key.kid ?? "-",
    key.algorithms.join(","),
    key.state,
    key.fingerprint ?? "-",
    key.notBefore ?? "-",
    key.notAfter ?? "-",
    key.lastUsed ?? "-",
    key.source,
  ];
}
