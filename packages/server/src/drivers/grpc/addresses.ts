import { promises as dns } from "node:dns";
import { isIP } from "node:net";
import type { GrpcAddress, GrpcSource } from "./channel.ts";

/** What to connect to, for messages and to tell addresses apart: `host:port` or `unix:path`. */
export function addressText(address: GrpcAddress): string {
  if ("path" in address) return `unix:${address.path}`;
  return `${isIP(address.host) === 6 ? `[${address.host}]` : address.host}:${address.port}`;
}

/** The addresses that a target holds itself, or null for a name that has to be looked up. */
export function givenAddresses(source: GrpcSource): readonly GrpcAddress[] | null {
  if (source.kind === "addresses") return source.addresses;
  return isIP(source.host) === 0 ? null : [{ host: source.host, port: source.port }];
}

/** Asks the system, or the name server that the target names. Rejects with an `Error` when there is no address. */
export async function lookUp(source: GrpcSource & { readonly kind: "name" }): Promise<GrpcAddress[]> {
  const hosts = source.nameServer === null ? await askSystem(source.host) : await askServer(source);
  return hosts.map((host) => ({ host, port: source.port }));
}

async function askSystem(name: string): Promise<string[]> {
  const found = await dns.lookup(name, { all: true });
  return found.map(({ address }) => address);
}

async function askServer(source: { readonly host: string; readonly nameServer: string | null }) {
  const resolver = new dns.Resolver();
  resolver.setServers([source.nameServer ?? ""]);
  const answers = await Promise.allSettled([resolver.resolve4(source.host), resolver.resolve6(source.host)]);
  const hosts = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  if (hosts.length > 0) return hosts;
  const [first] = answers;
  throw first?.status === "rejected" ? first.reason : new Error("it has no address");
}
