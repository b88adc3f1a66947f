import { createServer, type Server } from "node:net";

/**
 * Prints a free port of 127.0.0.1 for each argument, in one line: the port itself (`NAME=8080`), else one of the twenty
 * after it, else any; which, it says on standard error. 0 asks for any.
 */

const TRIES = 20;
const held: Server[] = [];
const ports: number[] = [];
// All are held until all are chosen, so that none is given twice.
for (const argument of process.argv.slice(2)) ports.push(await choose(argument));
for (const server of held) server.close();
console.log(ports.join(" "));

async function choose(argument: string): Promise<number> {
  const [name = "", text = ""] = argument.split("=");
  const wanted = Number(text);
  if (!/^\d+$/.test(text) || wanted > 65535) {
    console.error(`${name} is ${JSON.stringify(text)}: give a port number from 0 to 65535`);
    process.exit(1);
  }
  for (let port = wanted; port !== 0 && port < wanted + TRIES && port <= 65535; port++) {
    if ((await hold(port)) === null) continue;
    if (port !== wanted) console.error(`port ${wanted} is in use; taking ${port} (${name} sets another)`);
    return port;
  }
  const any = await hold(0);
  if (any === null) throw new Error("no port of 127.0.0.1 is free");
  if (wanted !== 0) console.error(`port ${wanted} is in use; taking ${any} (${name} sets another)`);
  return any;
}

/** The port once it is ours, or null. */
function hold(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      held.push(server);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : null);
    });
  });
}
