import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { CableClient } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { HAS_REDIS, startRedis } from "../support/redis-server.ts";
import { createScratch } from "../support/scratch.ts";
import { goodToken } from "../support/tokens.ts";
import { until } from "../support/until.ts";

const ROOT = resolve(import.meta.dir, "../../../..");
const FOLDER = join(ROOT, "deploy/kubernetes");
const FILES = readdirSync(FOLDER).map((name) => join(FOLDER, name));

const VALIDATE = Bun.which("kubernetes-validate");
if (VALIDATE === null)
  console.log(
    "skipped: kubernetes-validate (of PyPI) is not on PATH, so nothing checks the manifests' schemas",
  );

/** Of a manifest, what is looked at here. */
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly selector: object & { readonly matchLabels: object };
    readonly ports: readonly { readonly targetPort: string }[];
    readonly template: { readonly metadata: { readonly labels: object }; readonly spec: PodSpec };
  };
}

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
}

interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly [
    {
      readonly ports: readonly { readonly name: string }[];
      readonly env: readonly Variable[];
      readonly volumeMounts: readonly [{ readonly name: string; readonly mountPath: string }];
      readonly livenessProbe: { readonly httpGet: { readonly path: string } };
      readonly readinessProbe: { readonly httpGet: { readonly path: string } };
    },
  ];
  readonly volumes: readonly [{ readonly name: string; readonly secret: { readonly secretName: string } }];
}

const manifests = FILES.flatMap((file) => Bun.YAML.parse(readFileSync(file, "utf8")) as Manifest[]);
const named = (kind: string) => manifests.filter((manifest) => manifest.kind === kind);
const [deployment, service, budget] = ["Deployment", "Service", "PodDisruptionBudget"].map(
  (kind) => named(kind)[0]?.spec,
) as [Manifest["spec"], Manifest["spec"], Manifest["spec"]];
const pod = deployment.template.spec;
const [container] = pod.containers;

describe("the manifests for Kubernetes", () => {
  test.skipIf(VALIDATE === null)("are valid, without a word that Kubernetes does not know", () => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([VALIDATE ?? "", "--strict", "--quiet", ...FILES]);
    expect({ exitCode, said: `${stdout}${stderr}` }).toEqual({ exitCode: 0, said: "" });
  });

  test("name the pods, the port and the secrets that there are", () => {
    const { labels } = deployment.template.metadata;
    expect(deployment.selector.matchLabels).toEqual(labels);
    expect(service.selector).toEqual(labels as never);
    expect(budget.selector.matchLabels).toEqual(labels);
    expect(service.ports.map(({ targetPort }) => targetPort)).toEqual(
      container.ports.map(({ name }) => name),
    );
    const keys = named("Secret").flatMap(({ metadata, stringData = {} }) =>
      Object.keys(stringData).map((key) => `${metadata.name}/${key}`),
    );
    const file = container.env.find(({ name }) => name === "ANYCABLE_SECRET_FILE")?.value ?? "";
    const [mount] = container.volumeMounts;
    const [volume] = pod.volumes;
    expect(mount.name).toBe(volume.name);
    const refs = container.env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []);
    const asked = [
      file.replace(mount.mountPath, volume.secret.secretName),
      ...refs.map(({ name, key }) => `${name}/${key}`),
    ];
    expect(asked.sort()).toEqual(keys.sort());
  });

  test("hold no secret, keep it out of the environment, and do not freeze its file", () => {
    for (const { stringData = {} } of named("Secret")) expect(Object.values(stringData).join("")).toBe("");
    expect(container.env.map(({ name }) => name)).not.toContain("ANYCABLE_SECRET");
    expect(container.volumeMounts[0]).not.toHaveProperty("subPath");
  });

  test("give a pod longer to end than the server takes", () => {
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(30);
  });
});

const OLD = "the secret that the pods have had for a long time";
const NEW = "the secret that the pods are given while they run";

describe.skipIf(!HAS_REDIS)("a server with the environment and the mount of the pod", () => {
  const scratch = createScratch();
  const running: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const part of running.splice(0).reverse()) await part.stop();
  });
  afterAll(() => scratch.remove());

  /** Fills the mount as the kubelet does: a folder a version, and a link to the one that holds, replaced at once. */
  function fill(mount: string, version: string, secret: string): void {
    scratch.write(join(mount, version, "secret"), `${secret}\n`);
    symlinkSync(version, join(scratch.path, mount, "..data.new"));
    renameSync(join(scratch.path, mount, "..data.new"), join(scratch.path, mount, "..data"));
  }

  async function start(): Promise<HawserProcess> {
    const redis = await startRedis({ folder: scratch.path });
    running.push({ stop: () => redis.kill() });
    mkdirSync(join(scratch.path, "keys"));
    fill("keys", "..1", OLD);
    symlinkSync("..data/secret", join(scratch.path, "keys/secret"));
    const { mountPath } = container.volumeMounts[0];
    const env: Record<string, string> = { ANYCABLE_REDIS_URL: redis.url };
    for (const { name, value } of container.env)
      if (value !== undefined) env[name] = value.replace(mountPath, join(scratch.path, "keys"));
    const server = await startHawser([], env);
    running.push(server);
    return server;
  }

  async function answerTo(token: string, { port }: HawserProcess): Promise<unknown> {
    const client = new CableClient(`ws://127.0.0.1:${port}/cable?jid=${token}`);
    const { type, reason } = JSON.parse(await client.message(0));
    client.close();
    return reason ?? type;
  }

  test("answers the probes, sees a new secret, and says that it ends before it does", async () => {
    const server = await start();
    const status = async ({ httpGet: { path } }: { httpGet: { path: string } }) =>
      (await fetch(`http://127.0.0.1:${server.port}${path}`)).status;
    await until(async () => expect(await status(container.readinessProbe)).toBe(200));
    expect(await status(container.livenessProbe)).toBe(200);

    expect(await answerTo(goodToken(OLD), server)).toBe("welcome");
    expect(await answerTo(goodToken(NEW), server)).toBe("unauthorized");
    fill("keys", "..2", NEW);
    await server.waitFor(/keys were reloaded/);
    for (const secret of [NEW, OLD]) expect(await answerTo(goodToken(secret), server)).toBe("welcome");

    server.signal("SIGTERM");
    await until(async () => expect(await status(container.readinessProbe)).toBe(503));
    // Balancers that do not know yet still send clients.
    expect(await answerTo(goodToken(NEW), server)).toBe("welcome");
    expect(await status(container.livenessProbe)).toBe(200);
    expect(await server.exited).toBe(0);
  }, 60_000);
});
