import { expect, test } from "bun:test";
import { type AnyOption, OPTIONS } from "../../src/config/option-table.ts";
import { canary, expectClean } from "../support/canary.ts";
import { spawnHawser } from "../support/hawser-process.ts";
import { createScratch } from "../support/scratch.ts";

/** D19 for addresses: a password that stands in one comes out of the process nowhere. */

const ADDRESSES = OPTIONS.filter(({ kind }) => kind === "address");
const urls = ({ flag }: AnyOption) => {
  const password = canary(flag ?? "");
  return [
    `nats://me:${password}@h:1`,
    `redis://me:${password}@h:1`,
    `redis://me:${password}@h/x`,
    `x://${password}@`,
  ];
};

test("the addresses are those that there are", () => {
  expect(ADDRESSES.map(({ flag }) => flag)).toEqual(
    expect.arrayContaining(["redis_url", "redis_sentinels", "nats_servers", "enats_cluster_routes"]),
  );
});

test.each(ADDRESSES.map((option) => [option.flag ?? "", option] as const))(
  "a password in %s is not printed with the configuration, nor with what is wrong with it",
  async (flag, option) => {
    const scratch = createScratch();
    const [table, key] = (option.toml ?? "").split(".");
    for (const [index, url] of urls(option).entries()) {
      const file = scratch.write(`${index}.toml`, `[${table}]\n${key} = "${url}"\n`);
      for (const [flags, env] of [
        [[`--${flag}=${url}`], {}],
        [[`--${flag}x=${url}`], {}],
        [[`--${flag}=${url}`, "--port=none"], {}],
        [[`--config-path=${file}`], {}],
        [[], { [option.env[0] ?? ""]: url }],
      ] as const) {
        const process = spawnHawser([...flags, "--print-config"], env);
        await process.exited;
        expectClean(`--${flag}`, process.output());
      }
    }
    scratch.remove();
  },
  60_000,
);
