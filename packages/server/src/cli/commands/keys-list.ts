import { flag, section } from "@hawser/core/options";
import { fetchKeys, type KeysAnswer } from "../../admin/admin-client.ts";
import { systemClock } from "../../drivers/clock.ts";
import { nodeCrypto } from "../../drivers/crypto.ts";
import { keyList } from "../../keys/key-list.ts";
import type { Command, CommandCall } from "../command.ts";
import { configurationOf } from "../configuration.ts";
import { keyLines, serverLines } from "../key-lines.ts";
import { ringOf } from "../key-ring.ts";

const OPTIONS = section("Options", {
  json: flag({ flag: "json", env: [], toml: null, help: "Print JSON instead." }),
  offline: flag({
    flag: "offline",
    env: [],
    toml: null,
    help: "List what the configuration gives, also where a running server could be asked.",
  }),
});

export const keysList: Command = {
  name: "keys list",
  summary: "List the keys for tokens, with their states and fingerprints",
  argument: "",
  about: [
    "With --admin_socket the running server is asked, which also knows when a token of each key was last taken. Else the " +
      "keys are those that a server with this configuration would start with.",
    "Where the server shares a broker with others, their keys follow, by their fingerprints, and how they differ from its own.",
    "A secret is told by its fingerprint, which hawser keys fingerprint prints of the application's own.",
  ],
  options: OPTIONS,
  readsConfiguration: true,
  async run(call) {
    const listed = await listedKeys(call);
    call.terminal.out(
      call.option(OPTIONS.options.json)
        ? `${JSON.stringify(listed, null, 2)}\n`
        : keyLines(listed.keys) + serverLines(listed.servers ?? []),
    );
    return 0;
  },
};

async function listedKeys(call: CommandCall): Promise<KeysAnswer> {
  const config = configurationOf(call);
  const { socketPath } = config.admin;
  if (socketPath !== null && !call.option(OPTIONS.options.offline)) return fetchKeys(socketPath);
  const ring = await ringOf(config, call.terminal);
  const listed = keyList(ring, config.jwt.secretOption, nodeCrypto, systemClock.nowMs());
  return { keys: listed.map((key) => ({ ...key, lastUsed: null })), servers: null };
}
