/** Samples of a Prometheus endpoint: `name` or `name{labels}` to value, as they stand in the text. */
export type Samples = ReadonlyMap<string, number>;

/** Reads the text format strictly: every sample's name has a HELP and a TYPE before it; a histogram's three share them. */
export function parseSamples(text: string): Samples {
  const samples = new Map<string, number>();
  const described = new Set<string>();
  const histograms = new Set<string>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, kind, name = "", about] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line) ?? [];
    if (kind !== undefined) {
      described.add(`${kind} ${name}`);
      if (kind === "TYPE" && about === "histogram") histograms.add(name);
      continue;
    }
    const [, key, bare, value] = /^(([a-zA-Z_:][\w:]*)(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) throw new Error(`not a sample: ${JSON.stringify(line)}`);
    const owner = /^(.*)_(?:bucket|sum|count)$/.exec(bare ?? "")?.[1] ?? "";
    const owned = histograms.has(owner) ? owner : bare;
    if (!described.has(`HELP ${owned}`) || !described.has(`TYPE ${owned}`)) {
      throw new Error(`${bare} has no HELP or no TYPE before it`);
    }
    samples.set(key, Number(value));
  }
  return samples;
}

export async function scrape(port: number, path = "/metrics"): Promise<Samples> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
  return parseSamples(await response.text());
}

/** The sum over every sample of this name whose labels hold all of `labels` (`reason="expired"`). */
export function sumOf(samples: Samples, name: string, ...labels: readonly string[]): number {
  let sum = 0;
  for (const [key, value] of samples) {
    if (key !== name && !key.startsWith(`${name}{`)) continue;
    if (labels.every((label) => key.includes(label))) sum += value;
  }
  return sum;
}
