import { serveHttp, WELCOME_REPLY } from "./http-application.ts";

/** A process to kill: serves the port it is given, answers every call but those of the session `slow`, says `ready`. */
await serveHttp((call) => (call.headers["x-anycable-meta-sid"] === "slow" ? null : { body: WELCOME_REPLY }), {
  port: Number(process.argv[2]),
});
console.log("ready");
