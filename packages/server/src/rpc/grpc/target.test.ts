import { describe, expect, test } from "bun:test";
import { CableError } from "@hawser/core/errors";
import fc from "fast-check";
import { addressText } from "../../drivers/grpc/addresses.ts";
import type { GrpcSource } from "../../drivers/grpc/channel.ts";
import { parseGrpcTarget } from "./target.ts";

/** `name HOST PORT[ at SERVER]`, or the addresses. */
function spelled(source: GrpcSource): string {
  if (source.kind === "addresses") return source.addresses.map(addressText).join(", ");
  const server = source.nameServer === null ? "" : ` at ${source.nameServer}`;
  return `name ${source.host} ${source.port}${server}`;
}

describe("rpc_host", () => {
  test.each([
    ["localhost:50051", "name localhost 50051", "localhost:50051", "localhost"],
    ["anycable-rpc:50051", "name anycable-rpc 50051", "anycable-rpc:50051", "anycable-rpc"],
    ["rpc.example", "name rpc.example 443", "rpc.example:443", "rpc.example"],
    ["10.0.0.1:1", "name 10.0.0.1 1", "10.0.0.1:1", "10.0.0.1"],
    ["[::1]:50051", "name ::1 50051", "[::1]:50051", "::1"],
    ["grpc://rpc:50051", "name rpc 50051", "rpc:50051", "rpc"],
    ["grpc://rpc:50051/", "name rpc 50051", "rpc:50051", "rpc"],
    ["dns:rpc:50051", "name rpc 50051", "rpc:50051", "rpc"],
    ["dns:///rpc:50051", "name rpc 50051", "rpc:50051", "rpc"],
    ["dns://10.0.0.2/rpc:50051", "name rpc 50051 at 10.0.0.2", "rpc:50051", "rpc"],
    ["passthrough:///rpc:50051", "rpc:50051", "rpc:50051", null],
    ["grpc-list://a:1,b:2", "a:1, b:2", "a:1", null],
    ["grpc-list://a:1/b:2", "a:1, b:2", "a:1", null],
    ["grpc-list://a:1, [::1]:2,", "a:1, [::1]:2", "a:1", null],
    ["ipv4:10.0.0.1:1,10.0.0.2:2", "10.0.0.1:1, 10.0.0.2:2", "10.0.0.1:1", null],
    ["ipv6:[::1]:1", "[::1]:1", "[::1]:1", null],
    ["unix:/run/rpc.sock", "unix:/run/rpc.sock", "localhost", "localhost"],
    ["unix:///run/rpc.sock", "unix:/run/rpc.sock", "localhost", "localhost"],
    ["unix:rpc.sock", "unix:rpc.sock", "localhost", "localhost"],
  ])("%s", (host, source, authority, serverName) => {
    const target = parseGrpcTarget(host);
    expect({ ...target, source: spelled(target.source) }).toEqual({ source, authority, serverName });
  });

  test.each([
    ["", '"" is not host:port'],
    ["a b:1", '"a b:1" is not host:port'],
    ["rpc:99999", "there is no port 99999"],
    ["rpc:0", "there is no port 0"],
    ["rpc:port", '"rpc:port" is not host:port'],
    ["::1:50051", '"::1:50051" is not host:port'],
    ["grpc-list://", "there is no address in it"],
    ["grpc-list://a:1,b:x", '"b:x" is not host:port'],
    ["dns://rpc:50051", "a DNS target has three slashes: dns:///host:port"],
    ["unix:", "there is no path in it"],
    ["http://rpc:3000/_anycable", "it is the URL of an endpoint for calls over HTTP, not of a gRPC service"],
    [
      "xds:///rpc",
      '"xds" is not a scheme of gRPC targets; give host:port, or the URL of an endpoint over HTTP',
    ],
  ])("%j is refused", (host, why) => {
    expect(() => parseGrpcTarget(host)).toThrow(
      expect.objectContaining({ code: "config_invalid", message: `cannot use rpc_host "${host}": ${why}` }),
    );
  });

  test("whatever is given, the answer is a target or a fault of the configuration", () => {
    const pieces = fc.constantFrom(
      "dns:",
      "grpc://",
      "grpc-list://",
      "unix:",
      "ipv4:",
      "[",
      "]",
      ":",
      "/",
      ",",
      "a",
      "1",
      "::1",
    );
    fc.assert(
      fc.property(
        fc.array(pieces).map((all) => all.join("")),
        (host) => {
          try {
            expect(parseGrpcTarget(host).authority).not.toBe("");
          } catch (fault) {
            expect(fault).toBeInstanceOf(CableError);
          }
        },
      ),
    );
  });
});
