import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { METRICS, type MetricName, metricNames } from "@hawser/core/metrics/catalog";
import { createScratch } from "../support/scratch.ts";

const DEPLOY = resolve(import.meta.dir, "../../../../deploy");
const ALERTS = join(DEPLOY, "prometheus/alerts.yml");
const ALERTS_TEST = join(DEPLOY, "prometheus/alerts-test.yml");
const DASHBOARD = join(DEPLOY, "grafana/hawser.json");

const scratch = createScratch();
afterAll(() => scratch.remove());

/** From Debian's package `prometheus`; `bin/test --full` installs it where it may. */
const PROMTOOL = Bun.which("promtool");

interface AlertRules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly annotations: Readonly<Record<string, string>>;
    }[];
  }[];
}

interface AlertTests {
  readonly tests: readonly {
    readonly alert_rule_test: readonly {
      readonly alertname: string;
      readonly exp_alerts: readonly unknown[];
    }[];
  }[];
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

const rules = (Bun.YAML.parse(readFileSync(ALERTS, "utf8")) as AlertRules).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(readFileSync(DASHBOARD, "utf8")) as { readonly panels: readonly Panel[] };
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

function promtool(...args: string[]): { readonly exitCode: number; readonly output: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([PROMTOOL ?? "promtool", ...args]);
  return { exitCode, output: `${stdout}${stderr}` };
}

/** Labels that Prometheus itself puts on samples. */
const SCRAPE_LABELS = ["job", "instance"];

/** What a query asks for that no metric of this server has. */
function strangersIn(query: string): string[] {
  const names = [...query.matchAll(/\banycable_go_(\w+)(\{[^}]*\})?/g)];
  if (names.length === 0) return ["no metric at all"];
  const known = new Set(SCRAPE_LABELS);
  const strangers: string[] = [];
  for (const [, exposed = "", selector = ""] of names) {
    const name = rowOf(exposed);
    if (name === null) {
      strangers.push(exposed);
      continue;
    }
    const labels = [...SCRAPE_LABELS, ...labelsOf(name), ...(exposed.endsWith("_bucket") ? ["le"] : [])];
    for (const label of labels) known.add(label);
    for (const [, label = ""] of selector.matchAll(/(\w+)\s*[=!]~?\s*"/g)) {
      if (!labels.includes(label)) strangers.push(`${exposed}{${label}}`);
    }
  }
  for (const [, list = ""] of query.matchAll(/\b(?:by|on|ignoring|without)\s*\(([^)]*)\)/g)) {
    for (const label of list.split(",").map((part) => part.trim())) {
      if (label !== "" && !known.has(label)) strangers.push(`by (${label})`);
    }
  }
  return strangers;
}

/** The row of the catalog behind a name of the exposition, which has three for a histogram. */
function rowOf(exposed: string): MetricName | null {
  const bare = exposed.replace(/_(?:bucket|sum|count)$/, "");
  const names = metricNames();
  return (
    names.find((name) => name === exposed) ??
    names.find((name) => name === bare && (METRICS[name].type as string) === "histogram") ??
    null
  );
}

function labelsOf(name: MetricName): readonly string[] {
  const row = METRICS[name];
  return "labels" in row ? row.labels : [];
}

describe("the alerts", () => {
  test("have each a name of its own, a summary and what to do", () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, annotations } of rules) {
      expect({ alert, ...annotations }).toMatchObject({
        summary: expect.any(String),
        description: expect.any(String),
      });
    }
  });

  test("are each shown to fire and to stay quiet", () => {
    const { tests } = Bun.YAML.parse(readFileSync(ALERTS_TEST, "utf8")) as AlertTests;
    const shown = tests.flatMap((one) => one.alert_rule_test);
    for (const { alert } of rules) {
      const of = shown.filter(({ alertname }) => alertname === alert);
      expect({ alert, fires: of.some(({ exp_alerts }) => exp_alerts.length > 0) }).toEqual({
        alert,
        fires: true,
      });
      expect({ alert, quiet: of.some(({ exp_alerts }) => exp_alerts.length === 0) }).toEqual({
        alert,
        quiet: true,
      });
    }
  });

  test.skipIf(PROMTOOL === null)("fire and stay quiet when they should, says promtool", () => {
    expect(promtool("check", "rules", ALERTS)).toMatchObject({ exitCode: 0 });
    expect(promtool("test", "rules", ALERTS_TEST)).toMatchObject({ exitCode: 0 });
  });

  test("ask for metrics and labels that there are", () => {
    for (const { alert, expr } of rules)
      expect({ alert, strangers: strangersIn(expr) }).toEqual({ alert, strangers: [] });
  });
});

describe("the dashboard", () => {
  test("asks for metrics and labels that there are", () => {
    expect(queries.length).toBeGreaterThan(20);
    for (const query of queries)
      expect({ query, strangers: strangersIn(query) }).toEqual({ query, strangers: [] });
  });

  test("shows no two panels in one place, and none without a query", () => {
    const taken = new Set<string>();
    for (const { title, type, gridPos, targets = [] } of dashboard.panels) {
      if (type !== "row") expect({ title, queries: targets.length }).not.toEqual({ title, queries: 0 });
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect({ title, x, y, taken: taken.has(`${x} ${y}`) }).toEqual({ title, x, y, taken: false });
          taken.add(`${x} ${y}`);
        }
      }
    }
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  test.skipIf(PROMTOOL === null)("asks in PromQL, says promtool", () => {
    const filled = (query: string) =>
      query.replaceAll("$__rate_interval", "5m").replace(/\$(?:job|instance)/g, ".*");
    const lines = queries.map(
      (query, index) => `      - { record: "panel:${index}", expr: ${JSON.stringify(filled(query))} }`,
    );
    const file = scratch.write(
      "queries.yml",
      `groups:\n  - name: dashboard\n    rules:\n${lines.join("\n")}\n`,
    );
    expect(promtool("check", "rules", file)).toMatchObject({ exitCode: 0 });
  });
});

test("a query for what there is not would be noticed", () => {
  expect(strangersIn("rate(anycable_go_no_such_total[5m])")).toEqual(["no_such_total"]);
  expect(strangersIn('anycable_go_jwt_verifications_total{reasn="x"}')).toEqual([
    "jwt_verifications_total{reasn}",
  ]);
  expect(strangersIn("sum by (flavour) (anycable_go_clients_num)")).toEqual(["by (flavour)"]);
  expect(strangersIn("up")).toEqual(["no metric at all"]);
});
