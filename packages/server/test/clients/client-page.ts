import { join } from "node:path";
import { launchChromium } from "../support/chromium.ts";
import type { ClientRuntime } from "./client-runtime.ts";
import type { ClientPage, Told } from "./client-task.ts";
import { ToldLog } from "./told-log.ts";

const PROGRAM = join(import.meta.dir, "page-main.ts");

/** Clients in pages of headless Chromium, each task in a page of its own. */
export async function chromiumRuntime(): Promise<ClientRuntime> {
  const built = await Bun.build({ entrypoints: [PROGRAM], target: "browser" });
  const [output] = built.outputs;
  if (!built.success || output === undefined) throw new Error(`bundle for a page: ${built.logs.join("; ")}`);
  const script = await output.text();
  const pages = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    routes: {
      "/": new Response("<!doctype html><script src=/page-main.js></script>", {
        headers: { "Content-Type": "text/html" },
      }),
      "/page-main.js": new Response(script, { headers: { "Content-Type": "text/javascript" } }),
    },
  });
  const browser = await launchChromium();
  return {
    async run(task) {
      const page = await browser.newPage();
      const log = new ToldLog();
      page.on("pageerror", (error) => log.fail(`the page failed: ${error.stack}`));
      page.on("close", () => log.fail("the page was closed"));
      await page.exposeFunction("tell", (told: Told) => log.add(told));
      await page.goto(`http://127.0.0.1:${pages.port}/`);
      await page.evaluate((given) => (globalThis as unknown as ClientPage).start(given), task);
      return {
        log,
        order: (client, order) =>
          page.evaluate(([to, what]) => (globalThis as unknown as ClientPage).order(to, what), [
            client,
            order,
          ] as const),
        stop: () => page.close(),
      };
    },
    async stop() {
      await browser.close();
      await pages.stop(true);
    },
  };
}
