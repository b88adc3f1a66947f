import { type CommandCall, type Misuse, misuse } from "./command.ts";
import { configurationOf } from "./configuration.ts";

/** Where the running server is asked. */
export function socketPathOf(call: CommandCall): string | Misuse {
  const { socketPath } = configurationOf(call).admin;
  return (
    socketPath ?? misuse("give the --admin_socket (ANYCABLE_ADMIN_SOCKET) that the server was started with")
  );
}
