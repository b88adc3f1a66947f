import { describe, expect, test } from "bun:test";
import { CableError } from "@hawser/core/errors";
import { isHistogram, isLabelled, isLabelledHistogram, METRICS } from "@hawser/core/metrics/catalog";
import { createMetrics } from "@hawser/core/metrics/registry";
import { createMetricsRenderer, metricsEndpoint } from "./prometheus.ts";

/** Sample lines of a metric. */
async function samples(render: () => Promise<string>, name: string): Promise<string[]> {
  const text = await render();
  return text.split("\n").filter((line) => line.startsWith(name));
}

describe("Prometheus", () => {
  test("gets every metric under the reference's prefix with its help and type", async () => {
    const metrics = createMetrics();
    const text = await createMetricsRenderer(metrics, {})();
    for (const name of metrics.names) {
      expect(text).toMatch(new RegExp(`^# HELP anycable_go_${name} \\S`, "m"));
      expect(text).toMatch(new RegExp(`^# TYPE anycable_go_${name} (counter|gauge|histogram)$`, "m"));
    }
    expect(text).toContain(
      "# HELP anycable_go_rpc_call_total The total number of RPC calls\n# TYPE anycable_go_rpc_call_total counter\nanycable_go_rpc_call_total 0\n",
    );
    expect(text).toContain("# TYPE anycable_go_clients_num gauge\nanycable_go_clients_num 0\n");
    expect(text).toEndWith("\n");
  });

  test("reads the numbers when it asks, again and again, and they are totals", async () => {
    const metrics = createMetrics();
    const render = createMetricsRenderer(metrics, {});
    metrics.counter("client_msg_total").value += 3;
    metrics.gauge("clients_num").set(9);
    expect(await samples(render, "anycable_go_client_msg_total")).toEqual(["anycable_go_client_msg_total 3"]);
    metrics.counter("client_msg_total").value += 4;
    metrics.gauge("clients_num").set(2);
    expect(await samples(render, "anycable_go_client_msg_total")).toEqual(["anycable_go_client_msg_total 7"]);
    expect(await samples(render, "anycable_go_clients_num")).toEqual(["anycable_go_clients_num 2"]);
    expect(await samples(render, "anycable_go_client_msg_total")).toEqual(["anycable_go_client_msg_total 7"]);
  });

  test("gets labels by name, each set once, and nothing for a labelled counter without any", async () => {
    const metrics = createMetrics();
    const render = createMetricsRenderer(metrics, {});
    expect(await samples(render, "anycable_go_jwt_verifications_total")).toEqual([]);
    metrics.labelled("jwt_verifications_total").add(["refused", "expired", "query", "secret"], 2);
    metrics.labelled("jwt_verifications_total").add(["accepted", "none", "header", "secret"]);
    await render();
    expect(await samples(render, "anycable_go_jwt_verifications_total")).toEqual([
      'anycable_go_jwt_verifications_total{result="refused",reason="expired",carrier="query",key="secret"} 2',
      'anycable_go_jwt_verifications_total{result="accepted",reason="none",carrier="header",key="secret"} 1',
    ]);
  });

  test("gets a histogram in cumulative buckets, with what is above all of them", async () => {
    const metrics = createMetrics();
    const life = metrics.histogram("jwt_token_remaining_seconds");
    for (const seconds of [5, 60, 61, 1e9, Number.POSITIVE_INFINITY]) life.observe(seconds);
    const text = await createMetricsRenderer(metrics, {})();
    const value = (suffix: string) =>
      text
        .split("\n")
        .find((line) => line.startsWith(`anycable_go_jwt_token_remaining_seconds${suffix} `))
        ?.split(" ")[1];
    expect(value('_bucket{le="10"}')).toBe("1");
    expect(value('_bucket{le="60"}')).toBe("2");
    expect(value('_bucket{le="300"}')).toBe("3");
    expect(value('_bucket{le="2592000"}')).toBe("3");
    expect(value('_bucket{le="+Inf"}')).toBe("5");
    expect(value("_sum")).toBe("1000000126");
    expect(value("_count")).toBe("5");
    expect(text).toContain("# TYPE anycable_go_jwt_token_remaining_seconds histogram");
  });

  test("gets the tags on every sample, with their values escaped", async () => {
    const metrics = createMetrics();
    metrics.labelled("disconnects_total").add(["remote"]);
    const text = await createMetricsRenderer(metrics, { env: "dev", rev: 'a"b\\c\nd' })();
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    const single = metrics.names.filter((name) => !isLabelled(name) && !isHistogram(name));
    const ofHistograms = metrics.names
      .filter((name) => isHistogram(name) && !isLabelledHistogram(name))
      .flatMap((name) => [...METRICS[name].buckets, 0, 0, 0]);
    expect(lines).toHaveLength(single.length + ofHistograms.length + 1);
    for (const line of lines) expect(line).toContain('env="dev",rev="a\\"b\\\\c\\nd"}');
    expect(text).toContain('anycable_go_disconnects_total{reason="remote",env="dev"');
  });

  test("gets no rpc metric from a server without a backend", async () => {
    expect(await createMetricsRenderer(createMetrics(["node"]), {})()).not.toContain("rpc");
  });

  test.each(["1env", "a-b", "", "__x", "a b", "é"])(
    "a tag named %j is refused when the server starts",
    (name) => {
      try {
        createMetricsRenderer(createMetrics(), { [name]: "x" });
        throw new Error("accepted");
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(CableError);
        expect((thrown as CableError).code).toBe("config_invalid");
        expect((thrown as CableError).message).toContain("--metrics_tags");
      }
    },
  );
});

test("the endpoint brings gauges up to date first and answers on its own path alone", async () => {
  const metrics = createMetrics();
  const route = metricsEndpoint("/metrics", metrics, { env: "dev" }, () =>
    metrics.gauge("clients_num").set(5),
  );
  expect(route).toMatchObject({ paths: ["/metrics"], pattern: null });
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const exchange = {
        request,
        pathname: "/metrics",
        query: "",
        peerAddress: () => "127.0.0.1",
        allowSilence: () => {},
        upgrade: () => false,
      };
      return (await route.handle(exchange)) ?? new Response(null, { status: 500 });
    },
  });
  try {
    const response = await fetch(new URL("/metrics", server.url));
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await response.text()).toContain('anycable_go_clients_num{env="dev"} 5\n');
  } finally {
    await server.stop(true);
  }
});

test("a histogram with labels is printed with its buckets, sum and count a label set", async () => {
  const metrics = createMetrics();
  const histogram = metrics.labelledHistogram("jwt_issued_ago_seconds");
  histogram.observe(["https://a"], -3);
  histogram.observe(["https://a"], 7.5);
  const text = await createMetricsRenderer(metrics, { env: "dev" })();
  const name = "anycable_go_jwt_issued_ago_seconds";
  const lines = text.split("\n").filter((line) => line.startsWith(name));
  const labels = (le: string) => `{issuer="https://a",le="${le}",env="dev"}`;
  expect(lines).toContain(`${name}_bucket${labels("-5")} 0`);
  expect(lines).toContain(`${name}_bucket${labels("-2")} 1`);
  expect(lines).toContain(`${name}_bucket${labels("10")} 2`);
  expect(lines).toContain(`${name}_bucket${labels("+Inf")} 2`);
  expect(lines).toContain(`${name}_sum{issuer="https://a",env="dev"} 4.5`);
  expect(lines).toContain(`${name}_count{issuer="https://a",env="dev"} 2`);
});
