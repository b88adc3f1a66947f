import { path, section } from "@hawser/core/options";

/** A path of this length still fits into the operating system's address of a socket. */
const LONGEST_PATH = 100;

export const ADMIN = section("Administration", {
  socketPath: path({
    flag: "admin_socket",
    toml: "admin.socket",
    help: "Unix socket for hawser revoke, hawser keys reload and hawser keys list, for the server's own user alone. Empty for none.",
    check: (value) =>
      Buffer.byteLength(value) <= LONGEST_PATH ? null : `must have at most ${LONGEST_PATH} bytes`,
  }),
});
