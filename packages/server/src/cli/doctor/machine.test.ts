import { describe, expect, test } from "bun:test";
import { configOf } from "../../../test/support/load-config.ts";
import { checkHost, checkOpenFiles, type Machine } from "./machine.ts";

const BARE: Machine = {
  openFileLimit: 65_536,
  env: {},
  exists: () => false,
  readFile: () => {
    throw new Error("ENOENT");
  },
};

describe("the limit of open files", () => {
  const level = (openFileLimit: number | null, ...argv: string[]) =>
    checkOpenFiles(configOf(...argv), { ...BARE, openFileLimit }).level;

  test("has to leave room for --max-conn", () => {
    expect(level(1024, "--max-conn=900")).toBe("fail");
    expect(level(1024, "--max-conn=800")).toBe("ok");
    expect(checkOpenFiles(configOf("--max-conn=5000"), { ...BARE, openFileLimit: 1024 })).toEqual({
      check: "open files",
      level: "fail",
      text: "the limit is 1024, so there is room for 824 clients, and --max-conn is 5000",
      advice: "raise it: ulimit -n 5200, LimitNOFILE= of systemd, or nofile of the container",
    });
  });

  test("is worth a word when it is a desktop's", () => {
    expect(level(1024)).toBe("warn");
    expect(level(65_536)).toBe("ok");
    expect(level(null)).toBe("skip");
  });
});

describe("the host", () => {
  const level = (machine: Partial<Machine>, ...argv: string[]) =>
    checkHost(configOf(...argv), { ...BARE, ...machine }).level;

  test("may be this machine alone outside of containers", () => {
    expect(level({})).toBe("ok");
  });

  test("must not be in a container, however that is told", () => {
    const signs: Partial<Machine>[] = [
      { exists: (path) => path === "/.dockerenv" },
      { exists: (path) => path === "/run/.containerenv" },
      { env: { KUBERNETES_SERVICE_HOST: "10.0.0.1" } },
      { readFile: (path) => (path === "/proc/1/cgroup" ? "0::/kubepods/besteffort/pod1\n" : "") },
    ];
    for (const sign of signs) {
      expect(level(sign)).toBe("fail");
      expect(level(sign, "--host=127.0.0.5")).toBe("fail");
      expect(level(sign, "--host=0.0.0.0")).toBe("ok");
    }
    expect(level({ readFile: () => "0::/init.scope\n" })).toBe("ok");
  });
});
