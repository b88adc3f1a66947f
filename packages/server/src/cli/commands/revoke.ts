import { flag, section, text } from "@hawser/core/options";
import { askToRevoke } from "../../admin/admin-client.ts";
import { systemClock } from "../../drivers/clock.ts";
import { socketPathOf } from "../admin-socket.ts";
import { type Command, type CommandCall, type Misuse, misuse } from "../command.ts";

const own = { env: [], toml: null };

const OPTIONS = section("Options", {
  jti: text({ ...own, flag: "jti", help: "The tokens with this jti." }),
  sid: text({
    ...own,
    flag: "sid",
    help: "The session with this id and the token that it was opened with, or the tokens with this sid.",
  }),
  kid: text({ ...own, flag: "kid", help: "Every token of the key with this kid." }),
  identifiers: text({
    ...own,
    flag: "identifiers",
    help: "Every token of these identifiers: exactly the text of its claim ext. Later ones too, without --issued_before.",
  }),
  issuedBefore: text({
    ...own,
    flag: "issued_before",
    placeholder: "TIME",
    help: "With --identifiers, only those issued before: now, a date such as 2026-11-25T12:00:00Z, or seconds since the epoch.",
  }),
  exp: text({
    ...own,
    flag: "exp",
    placeholder: "TIME",
    help: "When the last of the tokens expires, where that is known; the revocation is forgotten then.",
  }),
  reconnect: flag({ ...own, flag: "reconnect", help: "Tell the clients to come again." }),
});

export const revoke: Command = {
  name: "revoke",
  summary: "Let the running server refuse tokens, and end the connections that they opened",
  argument: "",
  about: [
    "Asks the server at --admin_socket, as its own user. Exactly one of --jti, --sid, --kid and --identifiers says what is " +
      "revoked; it is compared exactly.",
    "The server remembers it as long as the tokens are good, at most --revocation_max_ttl, and over a restart with " +
      "--revocations_file. With no room left (--revocations_limit) nothing is done, and the exit status is 1. So it is when --exp has passed, " +
      "and nothing is in force; connections are closed all the same.",
  ],
  options: OPTIONS,
  readsConfiguration: true,
  async run(call) {
    const payload = payloadOf(call);
    if ("misuse" in payload) return payload;
    const socket = socketPathOf(call);
    if (typeof socket !== "string") return socket;
    const { closed, until } = await askToRevoke(socket, payload);
    if (Date.parse(until) > systemClock.nowMs()) {
      call.terminal.out(`revoked until ${until}; connections closed: ${closed}\n`);
      return 0;
    }
    call.terminal.out(`nothing is revoked: ${until} has passed; connections closed: ${closed}\n`);
    return 1;
  },
};

function payloadOf({ option }: CommandCall): object | Misuse {
  const { jti, sid, kid, identifiers } = OPTIONS.options;
  const ways = Object.entries({ jti, sid, kid, identifiers }).flatMap(([name, wanted]) => {
    const value = option(wanted);
    return value === "" ? [] : [[name, value] as const];
  });
  if (ways.length !== 1) return misuse("give exactly one of --jti, --sid, --kid and --identifiers");
  const issuedBefore = timeOf(option(OPTIONS.options.issuedBefore));
  const exp = timeOf(option(OPTIONS.options.exp));
  if (Number.isNaN(issuedBefore) || Number.isNaN(exp)) {
    return misuse("a time is now, a date such as 2026-11-25T12:00:00Z, or seconds since the epoch");
  }
  if (issuedBefore !== null && option(identifiers) === "")
    return misuse("--issued_before needs --identifiers");
  const reconnect = option(OPTIONS.options.reconnect);
  return { ...Object.fromEntries(ways), issued_before: issuedBefore, exp, reconnect };
}

/** In seconds since the epoch; null where there is none, NaN for what is no time. */
function timeOf(typed: string): number | null {
  if (typed === "") return null;
  if (typed === "now") return systemClock.nowMs() / 1000;
  return /^\d+(\.\d+)?$/.test(typed) ? Number(typed) : Date.parse(typed) / 1000;
}
