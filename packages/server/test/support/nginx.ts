import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "./hawser-process.ts";
import { untilListening } from "./redis-server.ts";

/** Where it is not, the tests that need it are skipped. */
export const HAS_NGINX = Bun.which("nginx") !== null;
if (!HAS_NGINX) console.log("skipping what needs nginx: there is no nginx on PATH");

/** An nginx of a test's own. */
export interface Nginx {
  readonly port: number;
  /** Everything it has logged so far. */
  logged(): string;
  stop(): Promise<void>;
}

/**
 * Starts nginx with this configuration of a site, in which nothing is changed but what has to be here: its port, the folder
 * of its logs, and the servers' names.
 *
 * @param folder for its files.
 * @param servers `host:port` of the configuration, and the port of 127.0.0.1 that stands for it.
 */
export async function startNginx(
  siteFile: string,
  folder: string,
  servers: Readonly<Record<string, number>>,
): Promise<Nginx> {
  const [port] = await freePorts(1);
  const replacements: Record<string, string> = {
    "listen 80;": `listen 127.0.0.1:${port};`,
    "/var/log/nginx/": `${folder}/`,
  };
  for (const [name, itsPort] of Object.entries(servers))
    replacements[`server ${name} `] = `server 127.0.0.1:${itsPort} `;
  let site = readFileSync(siteFile, "utf8");
  for (const [from, to] of Object.entries(replacements)) {
    if (!site.includes(from)) throw new Error(`${siteFile} does not say ${JSON.stringify(from)}`);
    site = site.replaceAll(from, to);
  }
  writeFileSync(join(folder, "site.conf"), site);
  const main = join(folder, "nginx.conf");
  writeFileSync(main, mainConfig(folder));
  const child = Bun.spawn(["nginx", "-e", "stderr", "-p", folder, "-c", main], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const said = new Response(child.stderr).text();
  try {
    await untilListening(port, child, "nginx");
  } catch (thrown) {
    child.kill("SIGKILL");
    throw new Error(`${String(thrown)}: ${await said}`);
  }
  return {
    port,
    logged: () =>
      ["access.log", "error.log"].map((name) => readFileSync(join(folder, name), "utf8")).join(""),
    async stop() {
      // The workers go with it.
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

function mainConfig(folder: string): string {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return [
    ...(process.getuid?.() === 0 ? ["user root root;"] : []),
    "daemon off;",
    "worker_processes 1;",
    `pid ${folder}/nginx.pid;`,
    "events { worker_connections 256; }",
    "http {",
    ...kinds.map((kind) => `  ${kind}_temp_path ${folder}/${kind};`),
    `  include ${folder}/site.conf;`,
    "}",
    "",
  ].join("\n");
}
