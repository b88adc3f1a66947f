import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createScratch } from "../support/scratch.ts";

const ROOT = resolve(import.meta.dir, "../../../..");
const EXECUTABLE = "/usr/local/bin/hawser";
const dockerfile = readFileSync(join(ROOT, "deploy/Dockerfile"), "utf8");
const unit = readFileSync(join(ROOT, "deploy/hawser.service"), "utf8");

const scratch = createScratch();
afterAll(() => scratch.remove());

describe("the Dockerfile", () => {
  test("copies the manifest of every workspace, without which npm ci fails", async () => {
    const { packages } = await Bun.file(join(ROOT, "package-lock.json")).json();
    const workspaces = Object.keys(packages).filter((path) => path !== "" && !path.includes("node_modules/"));
    const copied = [...dockerfile.matchAll(/^COPY (\S+)\/package\.json \1\/$/gm)].map(([, path]) => path);
    expect(copied.sort()).toEqual(workspaces.sort() as never);
  });

  test("copies files that are there, or that the build makes", () => {
    expect(dockerfile).toContain(`COPY --from=build /src/dist/hawser ${EXECUTABLE}`);
    const sources = [...dockerfile.matchAll(/^COPY ((?:\S+ )+)\.\/$/gm)].flatMap(([, list]) =>
      list!.trim().split(" "),
    );
    expect(sources).not.toEqual([]);
    for (const source of sources) expect(readFileSync(join(ROOT, source)).length).toBeGreaterThan(0);
  });

  test("ends as a user without rights, with commands that need no shell", () => {
    const last = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
    expect(last).toMatch(/^USER nonroot$/m);
    expect(last).toContain(`CMD ["${EXECUTABLE}", "health"]`);
    expect(last).toContain(`ENTRYPOINT ["${EXECUTABLE}"]`);
    expect(last).not.toMatch(/^RUN /m);
  });
});

const ANALYZE = Bun.which("systemd-analyze");

describe("the unit of systemd", () => {
  test.skipIf(ANALYZE === null)("is one that systemd-analyze has no word about", () => {
    // It also looks whether the executable is there.
    const file = scratch.write("hawser.service", unit.replaceAll(EXECUTABLE, "/bin/true"));
    const { exitCode, stdout, stderr } = Bun.spawnSync([ANALYZE ?? "", "verify", file]);
    expect({ exitCode, said: `${stdout}${stderr}` }).toEqual({ exitCode: 0, said: "" });
  });

  test("has a reload read the keys again, as SIGHUP does", () => {
    expect(unit).toMatch(/^ExecReload=\S+ -HUP \$MAINPID$/m);
  });

  test("gives the server longer to end than it takes", () => {
    const longest = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
    expect(longest).toBeGreaterThan(30);
  });

  if (ANALYZE === null)
    console.log("skipped: systemd-analyze is not installed, so nothing verifies hawser.service");
});

interface ComposeService {
  readonly environment?: Readonly<Record<string, string>>;
  readonly networks: object;
  readonly depends_on?: readonly string[];
  readonly secrets?: readonly string[];
  readonly ports?: readonly string[];
  readonly stop_grace_period?: string;
}

describe("the compose file", () => {
  const compose = Bun.YAML.parse(readFileSync(join(ROOT, "deploy/compose.yaml"), "utf8")) as {
    services: Record<string, ComposeService>;
    networks: object;
    secrets: Record<string, { file: string }>;
  };
  const nodes = Object.entries(compose.services).filter(([name]) => name.startsWith("hawser-"));
  const options = readFileSync(join(ROOT, "docs/reference/options.md"), "utf8");

  test("has the servers that nginx' configuration names, and no way to them but that", () => {
    const site = readFileSync(join(ROOT, "deploy/nginx/hawser.conf"), "utf8");
    const upstream = [...site.matchAll(/^ {4}server (\S+):8080 /gm)].map(([, name]) => name);
    expect(nodes.map(([name]) => name)).toEqual(upstream as never);
    const open = Object.entries(compose.services).filter(([, { ports }]) => ports !== undefined);
    expect(open.map(([name]) => name)).toEqual(["nginx"]);
    const { front } = compose.services.nginx!.networks as { front: { ipv4_address: string } };
    for (const [, { environment }] of nodes)
      expect(environment?.ANYCABLE_TRUSTED_PROXIES).toBe(front.ipv4_address);
  });

  test("names networks, services and secrets that it has", () => {
    for (const { networks, depends_on = [], secrets = [] } of Object.values(compose.services)) {
      const named = Array.isArray(networks) ? networks : Object.keys(networks);
      expect(Object.keys(compose.networks)).toEqual(expect.arrayContaining(named));
      expect(Object.keys(compose.services)).toEqual(expect.arrayContaining([...depends_on]));
      expect(Object.keys(compose.secrets)).toEqual(expect.arrayContaining([...secrets]));
    }
    // It is made on the machine and stays there.
    for (const ignores of [".gitignore", "deploy/Dockerfile.dockerignore"])
      expect(readFileSync(join(ROOT, ignores), "utf8")).toMatch(/^\/?deploy\/secret$/m);
    expect(compose.secrets.hawser?.file).toBe("./secret");
  });

  test("gives the servers variables that they read, no secret among them, and time to end", () => {
    for (const [, { environment = {}, secrets, stop_grace_period }] of nodes) {
      for (const name of Object.keys(environment)) expect(options).toContain(`\`${name}\``);
      expect(environment.ANYCABLE_SECRET_FILE).toBe(`/run/secrets/${secrets?.[0]}`);
      expect(environment).not.toHaveProperty("ANYCABLE_SECRET");
      expect(Number.parseInt(stop_grace_period ?? "", 10)).toBeGreaterThan(30);
    }
  });
});
