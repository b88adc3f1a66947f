import { fingerprint, section, text } from "@hawser/core/options";
import { hmacHex } from "../../drivers/crypto.ts";
import { type Command, misuse } from "../command.ts";

const OPTIONS = section("Options", {
  purpose: text({
    flag: "purpose",
    env: [],
    toml: null,
    help: "What the secret is for: secret, when not given; jwt_secret for --jwt_secret; broadcast_key for --broadcast_key.",
  }),
});

const USUAL_PURPOSE = "secret";
const OTHER_PURPOSE = "jwt_secret";

export const keysFingerprint: Command = {
  name: "keys fingerprint",
  summary: "Print the fingerprint of a secret that comes on standard input",
  argument: "",
  about: [
    "Two secrets with one fingerprint are the same. It is 8 hex digits that tell nothing of the secret itself, so it may " +
      'be read out or written to a ticket: printf %s "$ANYCABLE_SECRET" | hawser keys fingerprint',
    "One secret has another fingerprint for each option that it is given to. White space around it does not count.",
  ],
  options: OPTIONS,
  readsConfiguration: false,
  async run({ terminal, option }) {
    if (terminal.isTyped) terminal.note("Type the secret, then Enter and Ctrl-D.\n");
    const secret = (await terminal.input()).trim();
    if (secret === "") return misuse("there is no secret on standard input");
    const purpose = option(OPTIONS.options.purpose);
    terminal.out(`${fingerprint(hmacHex, secret, purpose === "" ? USUAL_PURPOSE : purpose)}\n`);
    if (purpose === "") {
      const other = fingerprint(hmacHex, secret, OTHER_PURPOSE);
      terminal.note(`as --${USUAL_PURPOSE}; a server that has it as --${OTHER_PURPOSE} says ${other}\n`);
    }
    return 0;
  },
};
