import { createCable, fetchTokenFromHTML } from "@anycable/web";

/** The script of a page whose token comes from its meta tags and is refreshed by `/token`; for a browser. */

const cable = createCable({ tokenRefresher: fetchTokenFromHTML({ url: "/token" }) });
const happened: string[] = [];
cable.on("connect", ({ reconnect }) => happened.push(reconnect ? "reconnect" : "connect"));
cable.on("close", (event) => happened.push(`close: ${event?.reason}`));
// The first attempt fails, which `close` says as well.
cable.connect().catch(() => {});
Object.assign(globalThis, { happened });
