import { describe, expect, test } from "bun:test";
import { CableError } from "@hawser/core/errors";
import fc from "fast-check";
import { createAddressBook } from "./addresses.ts";

const PROXIES = ["10.0.0.0/8", "192.168.1.5", "fd00::/8"];

describe("client address", () => {
  const { clientAddress } = createAddressBook(PROXIES);

  test.each([
    ["no header", "10.1.1.1", null, "10.1.1.1"],
    ["one hop", "10.1.1.1", "203.0.113.9", "203.0.113.9"],
    ["two trusted hops", "10.1.1.1", "203.0.113.9, 192.168.1.5", "203.0.113.9"],
    ["what the client made up stays behind", "10.1.1.1", "1.1.1.1, 203.0.113.9, 10.2.2.2", "203.0.113.9"],
    ["all hops trusted: the first of them", "10.1.1.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"],
    ["a peer that is not trusted is not believed", "198.51.100.7", "203.0.113.9", "198.51.100.7"],
    ["a neighbour of the trusted address", "192.168.1.6", "203.0.113.9", "192.168.1.6"],
    ["an IPv6 proxy", "fd12::1", "2001:db8::7", "2001:db8::7"],
    ["a port", "10.1.1.1", "203.0.113.9:4711", "203.0.113.9"],
    ["brackets and a port", "10.1.1.1", "[2001:DB8:0::7]:4711", "2001:db8::7"],
    ["brackets", "10.1.1.1", "[2001:db8::7]", "2001:db8::7"],
    ["no spaces", "10.1.1.1", "203.0.113.9,10.2.2.2", "203.0.113.9"],
    ["empty elements", "10.1.1.1", " , 203.0.113.9, ,", "203.0.113.9"],
    ["an empty header", "10.1.1.1", "", "10.1.1.1"],
    ["garbage", "10.1.1.1", "unknown", "10.1.1.1"],
    [
      "garbage after a trusted hop hides what is before it",
      "10.1.1.1",
      "203.0.113.9, unknown, 10.2.2.2",
      "10.2.2.2",
    ],
    ["not quite an address", "10.1.1.1", "203.0.113.999", "10.1.1.1"],
    ["a leading zero", "10.1.1.1", "010.0.0.1", "10.1.1.1"],
    ["a mapped peer", "::ffff:10.1.1.1", "203.0.113.9", "203.0.113.9"],
    ["a mapped peer in hex", "::ffff:a01:101", "203.0.113.9", "203.0.113.9"],
    ["a mapped client", "10.1.1.1", "::FFFF:203.0.113.9", "203.0.113.9"],
    ["a mapped client in long form", "10.1.1.1", "0:0:0:0:0:ffff:cb00:7109", "203.0.113.9"],
    ["a dotted end behind many groups", "10.1.1.1", "1:2:3:4::1.2.3.4", "1:2:3:4::102:304"],
    ["a zone", "fd00::1%eth0", "203.0.113.9", "203.0.113.9"],
    ["a peer without an address", "", "203.0.113.9", ""],
  ])("%s", (_what, peer, header, client) => {
    expect(clientAddress(peer, header)).toBe(client);
  });

  test("without trusted proxies the header is never read, and the peer is still written plainly", () => {
    const book = createAddressBook([]);
    expect(book.clientAddress("198.51.100.7", "203.0.113.9")).toBe("198.51.100.7");
    expect(book.clientAddress("::ffff:198.51.100.7", null)).toBe("198.51.100.7");
    expect(book.clientAddress("", null)).toBe("");
  });

  test("no header makes it throw, or answer with anything but an address", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string())).map((all) => all.join(",")),
        ),
        (header) => {
          expect(clientAddress("10.1.1.1", header)).toMatch(/^[0-9a-f.:]+$/);
        },
      ),
    );
  });

  test("a list that a trusted proxy ended with the client's address always gives that address", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (madeUp) => {
        expect(clientAddress("10.1.1.1", `${madeUp}, 203.0.113.9`)).toBe("203.0.113.9");
      }),
    );
  });
});

describe("trusted proxies", () => {
  test.each([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.9.9.9/8", "10.255.0.1", true],
    ["0.0.0.0/0", "203.0.113.1", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["::/0", "2001:db8::1", true],
    ["::1", "::1", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["::ffff:10.0.0.0/104", "10.1.2.3", true],
    ["::ffff:10.0.0.0/104", "11.1.2.3", false],
    [" 10.0.0.1 ", "10.0.0.1", true],
  ])("%s against %s: %p", (cidr, peer, trusted) => {
    const { clientAddress } = createAddressBook([cidr]);
    expect(clientAddress(peer, "198.51.100.1")).toBe(trusted ? "198.51.100.1" : peer);
  });

  test.each([
    "",
    "10.0.0.0/33",
    "fd00::/129",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0/8",
    "proxy.local",
    "10.0.0.0/-1",
    "10.0.0.0/1e1",
    "::ffff:10.0.0.0/95",
    "[fd00::]/8",
    "10.0.0.1:80",
  ])("refuses %j, naming the option", (cidr) => {
    try {
      createAddressBook(["10.0.0.0/8", cidr]);
      throw new Error("accepted");
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(CableError);
      expect((thrown as CableError).code).toBe("config_invalid");
      expect((thrown as CableError).message).toContain("--trusted_proxies");
    }
  });
});

test("any text as a trusted network makes an address book or a fault that names the option", () => {
  const piece = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.integer().map(String),
    fc.constantFrom("/", ":", ".", "%", " ", "::ffff:"),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(piece, { maxLength: 4 }).map((all) => all.join("")),
      ),
      (cidr) => {
        try {
          expect(createAddressBook([cidr]).clientAddress("10.0.0.1", "203.0.113.9")).toMatch(
            /^(10\.0\.0\.1|203\.0\.113\.9)$/,
          );
        } catch (thrown) {
          if (!(thrown instanceof CableError)) throw thrown;
          expect(thrown.message).toContain("--trusted_proxies");
        }
      },
    ),
    { numRuns: 2000 },
  );
});
