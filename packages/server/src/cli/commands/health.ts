import { flag, section } from "@hawser/core/options";
import { probeHttp } from "../../drivers/http-probe.ts";
import { type Command, misuse } from "../command.ts";
import { configurationOf } from "../configuration.ts";
import { reachableBase } from "../reachable-base.ts";

const OPTIONS = section("Options", {
  ready: flag({
    flag: "ready",
    env: [],
    toml: null,
    help: "Ask whether it takes clients, too: not while it starts, ends, or waits for its application.",
  }),
});

/** A server that is alive answers this soon. */
const TIMEOUT_MS = 3000;

export const health: Command = {
  name: "health",
  summary: "Ask the server of this machine whether it is well",
  argument: "",
  about: [
    "For container health checks, where there is no shell and no curl: it asks the health endpoint at the address that the " +
      "configuration names, and ends with 0 or 1.",
  ],
  options: OPTIONS,
  readsConfiguration: true,
  async run(call) {
    const { server } = configurationOf(call);
    const path = call.option(OPTIONS.options.ready) ? server.readyPath : server.healthPath;
    if (path === null) return misuse("the configuration has no ready-path to ask");
    if (server.port === 0) return misuse("port 0 is any free port: name the one that the server has");
    const url = `${reachableBase(server)}${path}`;
    const probed = await probeHttp(url, TIMEOUT_MS);
    if ("unreachable" in probed) {
      call.terminal.note(`hawser: ask ${url}: ${probed.unreachable}; check that the server runs there\n`);
      return 1;
    }
    const answer = `${url}: ${probed.status} ${probed.line}`.trimEnd();
    if (probed.status === 200) call.terminal.out(`${answer}\n`);
    else call.terminal.note(`hawser: ${answer}\n`);
    return probed.status === 200 ? 0 : 1;
  },
};
