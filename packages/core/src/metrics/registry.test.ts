import { describe, expect, test } from "bun:test";
import { isLabelled, isLabelledHistogram, METRICS, type MetricName } from "./catalog.ts";
import { createMetrics, LabelledCells } from "./registry.ts";

function shown(groups?: Parameters<typeof createMetrics>[0]): readonly MetricName[] {
  return createMetrics(groups).names;
}

describe("metrics", () => {
  test("a counter is one object a name, so that it can be fetched once and added to directly", () => {
    const metrics = createMetrics();
    const received = metrics.counter("client_msg_total");
    received.value += 3;
    received.add();
    metrics.counter("client_msg_total").add(2);
    expect(metrics.counter("client_msg_total").value).toBe(6);
    expect(metrics.counter("server_msg_total").value).toBe(0);
  });

  test("a gauge says the last value set", () => {
    const metrics = createMetrics();
    metrics.gauge("clients_num").set(7);
    metrics.gauge("clients_num").set(4);
    expect(metrics.gauge("clients_num").value).toBe(4);
  });

  test("two sets of metrics share nothing", () => {
    const one = createMetrics();
    one.counter("failed_auths_total").add();
    one.labelled("disconnects_total").add(["remote"]);
    const other = createMetrics();
    expect(other.counter("failed_auths_total").value).toBe(0);
    expect([...other.labelled("disconnects_total").samples()]).toEqual([]);
  });

  test("samples go through every number, labelled ones a label set each", () => {
    const metrics = createMetrics();
    metrics.gauge("clients_num").set(2);
    metrics.labelled("disconnects_total").add(["remote"]);
    metrics.labelled("disconnects_total").add(["no_pong"], 4);
    const samples = [...metrics.samples()];
    expect(samples).toContainEqual({ name: "clients_num", labelValues: [], value: 2 });
    expect(samples.filter((sample) => sample.name === "disconnects_total")).toEqual([
      { name: "disconnects_total", labelValues: ["remote"], value: 1 },
      { name: "disconnects_total", labelValues: ["no_pong"], value: 4 },
    ]);
    const plain = Object.keys(METRICS).filter(
      (name) => !isLabelled(name as MetricName) && !isLabelledHistogram(name as MetricName),
    );
    expect(new Set(samples.map((sample) => sample.name))).toEqual(
      new Set([...plain, "disconnects_total"] as MetricName[]),
    );
  });

  test("a server without a backend shows no rpc metric, but may still write them", () => {
    const metrics = createMetrics(["node"]);
    metrics.counter("rpc_call_total").add();
    expect(metrics.names.filter((name) => /rpc/.test(name))).toEqual([]);
    expect(metrics.names).toContain("failed_auths_total");
    expect([...metrics.samples()].some((sample) => sample.name === "rpc_call_total")).toBe(false);
    expect(shown(["node", "rpc"])).not.toContain("grpc_active_conn_num");
    expect(shown()).toContain("grpc_active_conn_num");
  });
});

describe("labelled counter", () => {
  test("adds to the set with the same values only", () => {
    const verified = createMetrics().labelled("jwt_verifications_total");
    verified.add(["accepted", "none", "query", "secret"]);
    verified.add(["accepted", "none", "query", "secret"]);
    verified.add(["refused", "expired", "query", "secret"], 5);
    expect([...verified.samples()].map(({ labelValues, value }) => [...labelValues, value])).toEqual([
      ["accepted", "none", "query", "secret", 2],
      ["refused", "expired", "query", "secret", 5],
    ]);
  });

  test("a cell stays the same object and counts into its set", () => {
    const verified = createMetrics().labelled("jwt_verifications_total");
    const accepted = verified.cell(["accepted", "none", "header", "k1"]);
    accepted.value += 10;
    expect(verified.cell(["accepted", "none", "header", "k1"])).toBe(accepted);
    expect([...verified.samples()][0]?.value).toBe(10);
  });

  test("past its bound it counts everything new as other, and what it knows stays exact", () => {
    const bounded = new LabelledCells("disconnects_total", 4);
    for (let i = 0; i < 100; i++) bounded.add([`r${i}`]);
    bounded.add(["r1"]);
    const samples = [...bounded.samples()];
    expect(samples.map(({ labelValues, value }) => [labelValues[0], value])).toEqual([
      ["r0", 1],
      ["r1", 2],
      ["r2", 1],
      ["other", 97],
    ]);
  });

  test("keeps its own copy of the values it is given", () => {
    const bounded = new LabelledCells("disconnects_total");
    const values: [string] = ["remote"];
    bounded.add(values);
    values[0] = "changed";
    expect([...bounded.samples()][0]?.labelValues).toEqual(["remote"]);
  });
});

test("names that dashboards of the reference draw are all here, counters ending in _total", () => {
  const names = Object.keys(METRICS);
  expect(names).toEqual(
    expect.arrayContaining([
      "goroutines_num",
      "mem_sys_bytes",
      "clients_num",
      "clients_uniq_num",
      "broadcast_streams_num",
      "disconnect_queue_size",
      "failed_auths_total",
      "client_msg_total",
      "disconnected_slow_clients_total",
      "failed_client_msg_total",
      "publications_total",
      "broadcast_msg_total",
      "remote_commands_total",
      "failed_broadcast_msg_total",
      "server_msg_total",
      "failed_server_msg_total",
      "timeout_server_msg_total",
      "data_sent_total",
      "data_rcvd_total",
      "rpc_call_total",
      "rpc_retries_total",
      "rpc_error_total",
      "rpc_timeout_total",
      "rpc_canceled_total",
      "rpc_pending_num",
      "grpc_active_conn_num",
    ]),
  );
  for (const [name, row] of Object.entries(METRICS))
    expect(name.endsWith("_total")).toBe(row.type === "counter");
});
