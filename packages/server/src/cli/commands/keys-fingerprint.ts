import { fingerprint, section, text } from "@hawser/core/options";
import { hmacHex } from "../../drivers/crypto.ts";
import { type Command, misuse } from "../command.ts";

const OPTIONS = section("Options", {
  purpose: text({
    flag: "purpose",
    env: [],
    toml: null,
    default: "secret",
    help: "What the secret is for: secret for --secret (ANYCABLE_SECRET), jwt_secret for --jwt_secret.",
  }),
});

export const keysFingerprint: Command = {
  name: "keys fingerprint",
  summary: "Print the fingerprint of a secret that comes on standard input",
  argument: "",
  about: [
    "Two secrets with one fingerprint are the same. It is 8 hex digits that tell nothing of the secret itself, so it may " +
      'be read out or written to a ticket: printf %s "$ANYCABLE_SECRET" | hawser keys fingerprint',
    "White space around the secret does not count.",
  ],
  options: OPTIONS,
  readsConfiguration: false,
  async run({ terminal, option }) {
    if (terminal.isTyped) terminal.note("Type the secret, then Enter and Ctrl-D.\n");
    const secret = (await terminal.input()).trim();
    if (secret === "") return misuse("there is no secret on standard input");
    terminal.out(`${fingerprint(hmacHex, secret, option(OPTIONS.options.purpose))}\n`);
    return 0;
  },
};
