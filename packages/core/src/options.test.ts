import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  bytes,
  choice,
  envName,
  fingerprint,
  flag,
  type Infer,
  integer,
  list,
  milliseconds,
  type Option,
  type Parsed,
  path,
  seconds,
  secret,
  section,
  tags,
  text,
} from "./options.ts";

const names = { flag: "some_option", toml: "a.some_option", help: "Does something." };

function value<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw new Error(`refused: ${parsed.why}`);
  return parsed.value;
}

function refusal(parsed: Parsed<unknown>): string {
  if (parsed.ok) throw new Error(`accepted ${JSON.stringify(parsed.value)}`);
  return parsed.why;
}

describe("an option's literal", () => {
  test("gives its environment variable from the flag", () => {
    expect(text({ ...names, flag: "max-conn" }).env).toEqual(["ANYCABLE_MAX_CONN"]);
    expect(envName("jwt_secret")).toBe("ANYCABLE_JWT_SECRET");
  });

  test("can name its variables, have none, or have no flag", () => {
    expect(text({ ...names, env: ["A", "B"] }).env).toEqual(["A", "B"]);
    expect(text({ ...names, env: [] }).env).toEqual([]);
    expect(text({ ...names, flag: null }).env).toEqual([]);
  });

  test("is checked after it is read, from text and from a file alike", () => {
    const even = integer({ ...names, default: 2, check: (n) => (n % 2 === 0 ? null : "must be even") });
    expect(value(even.fromText("4"))).toBe(4);
    expect(refusal(even.fromText("3"))).toBe("must be even");
    expect(refusal(even.fromToml(3))).toBe("must be even");
    expect(refusal(even.fromText("x"))).toBe("must be a whole number, 0 or more");
  });

  test("gives a section's type by property name", () => {
    const TABLE = section("Table", {
      waitMs: seconds({ ...names, default: 3 }),
      on: flag(names),
      hosts: list(names),
      unit: choice({ ...names, values: ["s", "ms"], default: "s" }),
    });
    const inferred: Infer<typeof TABLE> = { waitMs: 3000, on: false, hosts: ["a"], unit: "ms" };
    // @ts-expect-error: not one of the choices
    const wrong: Infer<typeof TABLE> = { ...inferred, unit: "h" };
    expect(Object.keys(TABLE.options)).toEqual(Object.keys(wrong));
  });
});

describe("numbers", () => {
  test("are whole, within their bounds, and nothing else", () => {
    const port = integer({ ...names, default: 8080, max: 65535 });
    expect(value(port.fromText("0"))).toBe(0);
    expect(value(port.fromText("65535"))).toBe(65535);
    for (const wrong of ["", " 1", "1 ", "1.5", "0x10", "1e3", "65536", "-1", "abc", "NaN", "1_000"]) {
      expect(refusal(port.fromText(wrong))).toBe("must be a whole number, 0 to 65535");
    }
    expect(refusal(port.fromToml("80"))).toBe("must be a whole number, 0 to 65535, without quotes");
    expect(refusal(port.fromToml(80.5))).toContain("whole number");
    expect(refusal(port.fromToml(Number.NaN))).toContain("whole number");
  });

  test("of seconds are milliseconds inside", () => {
    const wait = seconds({ ...names, default: 3 });
    expect(wait.default).toBe(3000);
    expect(value(wait.fromText("15"))).toBe(15_000);
    expect(value(wait.fromText("0.25"))).toBe(250);
    expect(value(wait.fromToml(0.25))).toBe(250);
    expect(wait.toToml(250)).toBe(0.25);
  });

  test("of seconds stop where the runtime's timers would overflow", () => {
    const wait = seconds({ ...names, default: 3 });
    expect(value(wait.fromText("2147483"))).toBe(2_147_483_000);
    expect(refusal(wait.fromText("2147484"))).toBe("must be a number of seconds, 0 to 2147483");
    expect(refusal(milliseconds({ ...names, default: 0 }).fromText("2147483648"))).toContain("2147483647");
  });

  test("of bytes are taken as they are, up to what a number can hold", () => {
    const size = bytes({ ...names, default: 1, min: 1 });
    expect(value(size.fromText("65536"))).toBe(65536);
    expect(refusal(size.fromText("0"))).toBe("must be a whole number of bytes, 1 or more");
    expect(refusal(size.fromText("9007199254740993"))).toContain("whole number");
  });

  test("have one zero", () => {
    const any = integer({ ...names, default: 0, min: -5 });
    expect(Object.is(value(any.fromText("-0")), 0)).toBe(true);
    expect(Object.is(value(any.fromToml(-0)), 0)).toBe(true);
  });
});

describe("flags", () => {
  test("read what Go reads, and nothing else", () => {
    const on = flag(names);
    for (const word of ["1", "t", "T", "TRUE", "true", "True"]) expect(value(on.fromText(word))).toBe(true);
    for (const word of ["0", "f", "F", "FALSE", "false", "False"])
      expect(value(on.fromText(word))).toBe(false);
    for (const word of ["", "yes", "on", "tRUE", "2"]) {
      expect(refusal(on.fromText(word))).toBe("must be true or false");
    }
    expect(refusal(on.fromToml("true"))).toBe("must be true or false, without quotes");
    expect(on.emptyEnv).toBe("off");
  });
});

describe("lists", () => {
  test("drop blanks and empty elements", () => {
    expect(value(list(names).fromText(" a, b ,,c,"))).toEqual(["a", "b", "c"]);
    expect(value(list(names).fromText(""))).toEqual([]);
    expect(value(list({ ...names, lowerCase: true }).fromText("Cookie,X-A"))).toEqual(["cookie", "x-a"]);
  });

  test("come from a file as an array or as one string", () => {
    expect(value(list(names).fromToml(["a", " b "]))).toEqual(["a", "b"]);
    expect(value(list(names).fromToml("a,b"))).toEqual(["a", "b"]);
    expect(refusal(list(names).fromToml([1]))).toBe("must be an array of strings");
  });

  test("may need an element", () => {
    const paths = list({ ...names, nonEmpty: true, default: ["/cable"] });
    expect(refusal(paths.fromText(" , "))).toBe("must name at least one");
    expect(paths.emptyEnv).toBe("ignored");
  });
});

describe("choices", () => {
  const impl = choice({ ...names, values: ["", "grpc"], default: "", refused: { http: "is not served" } });

  test("are one of the words, and tell them", () => {
    expect(value(impl.fromText("grpc"))).toBe("grpc");
    expect(refusal(impl.fromText("GRPC"))).toBe("must be one of grpc");
    expect(refusal(impl.fromText("__proto__"))).toBe("must be one of grpc");
    expect(impl.placeholder).toBe("grpc");
  });

  test("answer a word that people have reason to try", () => {
    expect(refusal(impl.fromText("http"))).toBe("is not served");
  });
});

describe("tags", () => {
  test("are pairs, and a value may hold a colon", () => {
    expect(value(tags(names).fromText("env:dev, url:http://x ,"))).toEqual({ env: "dev", url: "http://x" });
    expect(value(tags(names).fromToml({ env: "a,b" }))).toEqual({ env: "a,b" });
    expect(value(tags(names).fromText(""))).toEqual({});
  });

  test("need a colon and a name that a metric can have", () => {
    expect(refusal(tags(names).fromText("env"))).toBe("must look like name:value,name:value");
    expect(refusal(tags(names).fromText("my-env:dev"))).toContain('"my-env"');
    expect(refusal(tags(names).fromText("__proto__:x"))).toContain('"__proto__"');
    expect(refusal(tags(names).fromToml({ env: 1 }))).toBe("must hold strings, and env is not one");
    expect(refusal(tags(names).fromToml(["env"]))).toBe("must be a table of strings");
  });
});

describe("every kind", () => {
  const cases: readonly (readonly [Option<unknown>, fc.Arbitrary<string>])[] = [
    [text(names), fc.string({ unit: "grapheme" })],
    [path(names), fc.string({ unit: "grapheme" })],
    [secret(names), fc.string({ unit: "grapheme" })],
    [integer({ ...names, default: 0, min: -(2 ** 53 - 1) }), fc.maxSafeInteger().map(String)],
    [bytes({ ...names, default: 0 }), fc.nat().map(String)],
    [seconds({ ...names, default: 0 }), fc.nat({ max: 2_147_483_000 }).map((ms) => String(ms / 1000))],
    [milliseconds({ ...names, default: 0 }), fc.nat().map(String)],
    [flag(names), fc.constantFrom("1", "false")],
    [list(names), fc.string({ unit: "grapheme" })],
    [list({ ...names, joined: true, lowerCase: true }), fc.string({ unit: "grapheme" })],
    [choice({ ...names, values: ["s", "ms"], default: "s" }), fc.constantFrom("s", "ms")],
    [tags(names), fc.stringMatching(/^[a-z]{1,4}:[^,]*,[A-Z]{1,4}:[^,]*$/)],
  ];
  for (const [index, [option, texts]] of cases.entries()) {
    test(`comes back from a file as it went in: ${option.kind} (${index})`, () => {
      fc.assert(
        fc.property(texts, (written) => {
          const read = value(option.fromText(written));
          expect(value(option.fromToml(option.toToml(read)))).toEqual(read);
        }),
      );
    });
  }

  test("survives whatever a file or a command line holds", () => {
    fc.assert(
      fc.property(fc.anything(), fc.string({ unit: "binary" }), (fromFile, written) => {
        for (const [option] of cases) {
          option.fromToml(fromFile);
          option.fromText(written);
        }
      }),
    );
  });
});

test("a fingerprint depends on the secret and on its purpose, and is 8 digits of the hash", () => {
  const calls: string[][] = [];
  const hash = (key: string, message: string) => {
    calls.push([key, message]);
    return "0123456789abcdef";
  };
  expect(fingerprint(hash, "s3cr3t", "jwt_secret")).toBe("01234567");
  expect(calls).toEqual([["s3cr3t", "hawser-fingerprint:jwt_secret"]]);
});
