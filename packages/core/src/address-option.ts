import { bad, build, good, isStringArray, type Option, type TextSpec } from "./options.ts";

export type AddressSpec = TextSpec & {
  /** What stands between the elements of an array of a file, when they are written as one text. */
  readonly between?: "," | ";";
};

/**
 * Where other servers are: URLs separated by commas, which may hold a password and then are a secret. Empty for none,
 * where that is the default.
 */
export function address(spec: AddressSpec): Option<string> {
  const read = (value: string) => good(value.trim());
  return build(spec, {
    kind: "address",
    default: spec.default ?? "",
    placeholder: "URL,...",
    emptyEnv: "ignored",
    fromText: read,
    fromToml: (value) => {
      if (typeof value === "string") return read(value);
      return isStringArray(value)
        ? read(value.join(spec.between ?? ","))
        : bad("must be a string, in quotes, or an array of them");
    },
    toToml: (value) => value,
  });
}

/** Whether something stands before a host that is not for everybody's eyes. */
export function hasCredentials(addresses: string): boolean {
  return addresses.includes("@");
}

/** The addresses as they may be shown: without what stands before a host. */
export function publicAddress(addresses: string): string {
  return addresses
    .split(",")
    .map((one) => one.trim().replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/i, "$1[redacted]@"))
    .join(",");
}
