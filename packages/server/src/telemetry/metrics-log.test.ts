import { describe, expect, test } from "bun:test";
import { isLabelled, METRICS, type MetricName } from "@hawser/core/metrics/catalog";
import { createMetrics } from "@hawser/core/metrics/registry";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { RecordingLog } from "@hawser/core/testing/recording-log";
import { createLog } from "./log.ts";
import { startMetricsLog } from "./metrics-log.ts";

function setUp(filter: readonly string[] = []) {
  const clock = new ManualClock();
  const log = new RecordingLog();
  const metrics = createMetrics(["node"]);
  const start = () => startMetricsLog({ metrics, refresh() {}, clock, log, intervalMs: 15_000, filter });
  return { clock, log, metrics, start };
}

describe("metrics in the log", () => {
  test("come at every interval as a line without a message, keys in order of name", () => {
    const { clock, log, metrics, start } = setUp();
    start();
    clock.advance(14_999);
    expect(log.lines).toEqual([{ level: "info", message: "log metrics", fields: { interval: 15 } }]);
    clock.advance(1);
    const { level, message, fields } = log.lines[1] ?? {};
    expect([level, message]).toEqual(["info", ""]);
    const names = Object.keys(fields ?? {});
    expect(names).toEqual([...names].sort());
    const perKey = (name: MetricName) => METRICS[name].type === "gauge" && isLabelled(name);
    expect(new Set<string>(names)).toEqual(new Set(metrics.names.filter((name) => !perKey(name))));
    clock.advance(30_000);
    expect(log.lines).toHaveLength(4);
  });

  test("counters are what was added since the last line, gauges what they are now", () => {
    const { clock, log, metrics, start } = setUp(["client_msg_total", "clients_num", "disconnects_total"]);
    metrics.counter("client_msg_total").add(2);
    start();
    metrics.counter("client_msg_total").add(5);
    metrics.gauge("clients_num").set(40);
    metrics.labelled("disconnects_total").add(["remote"], 2);
    metrics.labelled("disconnects_total").add(["no_pong"], 1);
    clock.advance(15_000);
    metrics.counter("client_msg_total").add(1);
    metrics.labelled("disconnects_total").add(["no_pong"], 4);
    metrics.gauge("clients_num").set(39);
    clock.advance(30_000);
    expect(log.lines.slice(1).map((line) => line.fields)).toEqual([
      { client_msg_total: 7, clients_num: 40, disconnects_total: 3 },
      { client_msg_total: 1, clients_num: 39, disconnects_total: 4 },
      { client_msg_total: 0, clients_num: 39, disconnects_total: 0 },
    ]);
  });

  test("a filter keeps only what it names; a name that does not exist is pointed out once", () => {
    const { clock, log, start } = setUp(["clients_num", "nope", "client_msg_total"]);
    start();
    clock.advance(30_000);
    expect(log.lines).toEqual([
      {
        level: "info",
        message: "log metrics",
        fields: { interval: 15, fields: "clients_num,nope,client_msg_total" },
      },
      {
        level: "warn",
        message: "metrics_log_filter names metrics that this server does not have: nope",
        fields: {},
      },
      { level: "info", message: "", fields: { client_msg_total: 0, clients_num: 0 } },
      { level: "info", message: "", fields: { client_msg_total: 0, clients_num: 0 } },
    ]);
  });

  test("end when stopped", () => {
    const { clock, log, start } = setUp();
    const stop = start();
    stop();
    clock.advance(60_000);
    expect(log.lines).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test("look in text as the reference's do", () => {
    const clock = new ManualClock();
    const lines: string[] = [];
    const log = createLog({
      level: "info",
      format: "text",
      nodeId: "hrALSp",
      write: (line) => lines.push(line),
      nowMs: () => clock.nowMs(),
    });
    const metrics = createMetrics();
    const filter = ["clients_num", "client_msg_total"];
    startMetricsLog({ metrics, refresh() {}, clock, log, intervalMs: 1_000, filter });
    clock.advance(1_000);
    expect(lines[1]).toBe("2026-11-23 09:58:40.564 INF  nodeid=hrALSp client_msg_total=0 clients_num=0\n");
  });
});
