import { BlockList, isIP } from "node:net";
import { CableError } from "@hawser/core/errors";

export interface AddressBook {
  /**
   * The address of the client behind a request.
   *
   * @param peer the address at the other end of the socket.
   * @param xForwardedFor the header's value, its lines joined by commas, or null.
   * @returns the peer, unless it is a trusted proxy that names the one before it.
   */
  clientAddress(peer: string, xForwardedFor: string | null): string;
}

/**
 * Reads client addresses behind the proxies of `--trusted_proxies`.
 *
 * @param trustedCidrs addresses or CIDRs, IPv4 or IPv6.
 * @throws CableError `config_invalid` for one that is neither.
 */
export function createAddressBook(trustedCidrs: readonly string[]): AddressBook {
  if (trustedCidrs.length === 0) return { clientAddress: (peer) => plainAddress(peer) ?? peer };
  const trusted = new BlockList();
  for (const cidr of trustedCidrs) trust(trusted, cidr);
  const isTrusted = (address: string) => trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");

  return {
    clientAddress: (peer, xForwardedFor) => {
      let address = plainAddress(peer);
      if (address === null) return peer;
      if (xForwardedFor === null) return address;
      // Each hop appends whom it heard from, so the list is true from the right for as long as its writers are trusted.
      const hops = xForwardedFor.split(",");
      for (let i = hops.length - 1; i >= 0 && isTrusted(address); i--) {
        const entry = hops[i]?.trim() ?? "";
        // RFC 9110 5.6.1: empty elements of a list do not count.
        if (entry === "") continue;
        const before = plainAddress(entry);
        // Whoever wrote "unknown" or worse is the last that can be vouched for.
        if (before === null) break;
        address = before;
      }
      return address;
    },
  };
}

function trust(list: BlockList, cidr: string): void {
  const [network = "", prefix, ...rest] = cidr.trim().split("/");
  if (isIP(network) === 0 || rest.length > 0) throw badCidr(cidr);
  const address = plainAddress(network) ?? network;
  const family = isIP(address);
  if (prefix === undefined) {
    list.addAddress(address, family === 6 ? "ipv6" : "ipv4");
    return;
  }
  // An IPv4-mapped network is kept as the IPv4 network that it maps.
  const bits = Number(prefix) - (family === 4 && isIP(network) === 6 ? 96 : 0);
  if (!/^\d{1,3}$/.test(prefix) || bits < 0 || bits > (family === 6 ? 128 : 32)) throw badCidr(cidr);
  list.addSubnet(address, bits, family === 6 ? "ipv6" : "ipv4");
}

function badCidr(cidr: string): CableError {
  return new CableError(
    "config_invalid",
    `cannot trust the proxies of --trusted_proxies: ${JSON.stringify(cidr)} is neither an address nor a network; ` +
      "write them like 10.0.0.0/8,192.168.1.5,fd00::/8",
  );
}

/** The address without port, brackets and zone, IPv4-mapped ones as IPv4; null when it is not an address. */
function plainAddress(text: string): string | null {
  switch (isIP(text)) {
    case 4:
      return text;
    case 6:
      return plainV6(text);
  }
  // RFC 7239 6: proxies may add a port, and then an IPv6 address stands in brackets.
  const [, bracketed, dotted] = /^(?:\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(text) ?? [];
  if (dotted !== undefined) return isIP(dotted) === 4 ? dotted : null;
  return bracketed !== undefined && isIP(bracketed) === 6 ? plainV6(bracketed) : null;
}

/** @param text an IPv6 address, as `isIP` knows them. */
function plainV6(text: string): string {
  const [bare = text] = text.split("%");
  const colon = bare.lastIndexOf(":");
  const tail = bare.slice(colon + 1);
  const dotted = isIP(tail) === 4;
  if (dotted && bare.slice(0, colon).toLowerCase() === "::ffff") return tail;
  // The URL parser writes every IPv6 address in its one canonical form (RFC 5952). The runtime's takes some addresses
  // that end in dotted form for invalid, so that end is put in hex first.
  const hex = dotted ? bare.slice(0, colon + 1) + hexPair(tail) : bare;
  const canonical = new URL(`http://[${hex}]/`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return canonical;
  const [h, l] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return `${h >> 8}.${h & 255}.${l >> 8}.${l & 255}`;
}

function hexPair(v4: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = v4.split(".").map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
