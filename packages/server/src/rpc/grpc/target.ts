import { CableError } from "@hawser/core/errors";
import type { GrpcTarget } from "../../drivers/grpc/channel.ts";

/** What a target without a port means, as in every gRPC library. */
const DEFAULT_PORT = 443;

/**
 * Reads `--rpc_host`: `host:port`, `grpc://host:port`, `dns:///host:port`, `dns://server/host:port`,
 * `passthrough:///host:port`, `ipv4:` and `ipv6:` with addresses, `unix:path`, `grpc-list://host:port,host:port`
 * (anycable rpc/config.go, rpc/grpc_resolvers.go @1.6.16). Throws `CableError` `config_invalid` for anything else.
 */
export function parseGrpcTarget(host: string): GrpcTarget {
  const text = host.trim();
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+-]*):\/\/(.*)$/i.exec(text) ?? ["", "", text];
  switch (scheme.toLowerCase()) {
    case "":
      return shortTarget(host, rest);
    // Not a scheme of gRPC's own; the reference takes it for one and then cannot dial it.
    case "grpc":
      return nameTarget(host, rest.replace(/\/$/, ""));
    case "dns":
      return dnsTarget(host, rest);
    case "passthrough":
      return listTarget(host, [rest.replace(/^[^/]*\//, "")]);
    case "grpc-list":
      return listTarget(host, rest.split(/[,/]/));
    case "unix":
      return socketTarget(host, rest);
    case "http":
    case "https":
      throw invalid(host, "it is the URL of an endpoint for calls over HTTP, not of a gRPC service");
    default:
      throw invalid(
        host,
        `"${scheme}" is not a scheme of gRPC targets; give host:port, or the URL of an endpoint over HTTP`,
      );
  }
}

/** The forms with one colon, of which `host:port` is the common one. */
function shortTarget(host: string, text: string): GrpcTarget {
  const [, scheme = "", rest = ""] = /^(dns|passthrough|unix|ipv4|ipv6):(.*)$/.exec(text) ?? [];
  switch (scheme) {
    case "dns":
      return nameTarget(host, rest);
    case "passthrough":
      return listTarget(host, [rest]);
    case "unix":
      return socketTarget(host, rest);
    case "ipv4":
    case "ipv6":
      return listTarget(host, rest.split(","));
    default:
      return nameTarget(host, text);
  }
}

function nameTarget(host: string, text: string, nameServer: string | null = null): GrpcTarget {
  const address = parseAddress(host, text);
  const source = { kind: "name", host: address.host, port: address.port, nameServer } as const;
  return { source, authority: address.text, serverName: address.host };
}

/** After `dns://`: the name server, which may be empty, a slash, and the name. */
function dnsTarget(host: string, rest: string): GrpcTarget {
  const slash = rest.indexOf("/");
  if (slash < 0) throw invalid(host, "a DNS target has three slashes: dns:///host:port");
  return nameTarget(host, rest.slice(slash + 1), slash === 0 ? null : rest.slice(0, slash));
}

/** Each address proves its own name. */
function listTarget(host: string, texts: readonly string[]): GrpcTarget {
  const parsed = texts.filter((text) => text.trim() !== "").map((text) => parseAddress(host, text.trim()));
  const [first] = parsed;
  if (first === undefined) throw invalid(host, "there is no address in it");
  const addresses = parsed.map((address) => ({ host: address.host, port: address.port }));
  return { source: { kind: "addresses", addresses }, authority: first.text, serverName: null };
}

function socketTarget(host: string, path: string): GrpcTarget {
  if (path === "") throw invalid(host, "there is no path in it");
  const source = { kind: "addresses", addresses: [{ path }] } as const;
  return { source, authority: "localhost", serverName: "localhost" };
}

interface Address {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** `host:port`, with brackets around IPv6. */
  readonly text: string;
}

function parseAddress(target: string, text: string): Address {
  const [, bracketed, plain, port] =
    /^(?:\[([0-9a-f:.%]+)\]|([^\s:/@?#[\]]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw invalid(target, `"${text}" is not host:port`);
  const number = port === undefined ? DEFAULT_PORT : Number(port);
  if (number < 1 || number > 65_535) throw invalid(target, `there is no port ${number}`);
  return { host, port: number, text: `${bracketed === undefined ? host : `[${host}]`}:${number}` };
}

function invalid(host: string, why: string): CableError {
  return new CableError("config_invalid", `cannot use rpc_host "${host}": ${why}`);
}
