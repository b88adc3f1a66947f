import { serveGrpc, WELCOME } from "./grpc-servers.ts";

/** A process to kill: serves the port it is given, answers every call but those of the session `slow`, says `ready`. */
await serveGrpc((call) => (call.metadata.get("sid")[0] === "slow" ? null : WELCOME), {
  address: `127.0.0.1:${process.argv[2]}`,
});
console.log("ready");
