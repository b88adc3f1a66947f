import { section } from "@hawser/core/options";
import { askForReload } from "../../admin/admin-client.ts";
import { socketPathOf } from "../admin-socket.ts";
import type { Command } from "../command.ts";
import { keyLines } from "../key-lines.ts";

export const keysReload: Command = {
  name: "keys reload",
  summary: "Let the running server read its keys again",
  argument: "",
  about: [
    "Asks the server at --admin_socket, as its own user. Connections stay. Keys that cannot be read leave the old ones in " +
      "force, and the exit status is 1. The same as SIGHUP, with an answer.",
  ],
  options: section("Options", {}),
  readsConfiguration: true,
  async run(call) {
    const socket = socketPathOf(call);
    if (typeof socket !== "string") return socket;
    const { result, keys } = await askForReload(socket);
    call.terminal.out(`${result}\n${keyLines(keys)}`);
    return 0;
  },
};
