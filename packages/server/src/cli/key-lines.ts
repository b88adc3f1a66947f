import type { ListedKey } from "../admin/admin-client.ts";

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
  const rows = [HEADINGS, ...keys.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
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
