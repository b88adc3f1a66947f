import { afterEach, describe, expect, test } from "bun:test";
import { COMMANDS } from "../../src/cli/command-table.ts";
import { runHawser } from "../support/hawser-command.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";

const running: HawserProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

/** The one line that a misuse is answered with. */
async function complaintOf(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runHawser(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.endsWith("\n")).toBe(true);
  expect(stderr.trimEnd()).not.toContain("\n");
  return stderr.trimEnd();
}

describe("the first word", () => {
  test("that is an option starts the server, as with the reference", async () => {
    running.push(await startHawser(["--norpc"]));
  });

  test("that is no command is an error with the command that was meant", async () => {
    expect(await complaintOf("tokn", "mint")).toBe(
      "hawser: there is no such command; did you mean hawser token?",
    );
    expect(await complaintOf("keys", "fingerprnt")).toBe(
      "hawser: there is no such command; did you mean hawser keys fingerprint?",
    );
  });

  test("that is like no command is not quoted, for it may be a secret", async () => {
    const line = await complaintOf("b7Yq-s3cret-of-someone");
    expect(line).not.toContain("s3cret");
    expect(line).toContain("token, keys");
  });

  test("that only begins a command says what may stand behind it", async () => {
    expect(await complaintOf("keys")).toContain("generate");
    expect(await complaintOf("token", "--ttl=5")).toContain("mint");
  });
});

describe("a command line that is wrong is answered in one line", () => {
  test("with the option that was meant", async () => {
    expect(await complaintOf("token", "mint", "--tll=5", "{}")).toBe(
      "hawser: token mint: --tll is not an option; did you mean --ttl?",
    );
  });

  test("without an option of the server alone that is spelt like it", async () => {
    expect(await complaintOf("revoke", "--user=7")).toBe(
      "hawser: revoke: --user is not an option; hawser help revoke lists them",
    );
  });

  test("with what the value must be", async () => {
    expect(await complaintOf("keys", "generate", "--alg=none")).toContain("must be one of HS256");
  });

  test("without what was given too much", async () => {
    const line = await complaintOf("keys", "fingerprint", "s3cret");
    expect(line).toContain("takes no argument");
    expect(line).not.toContain("s3cret");
  });
});

describe("help", () => {
  test("of the server names every command", async () => {
    const { stdout } = await runHawser(["help"]);
    expect(stdout).toBe((await runHawser(["--help"])).stdout);
    for (const { name, summary } of COMMANDS) {
      expect(stdout).toContain(name);
      expect(stdout).toContain(summary);
    }
  });

  test("of a command tells its usage and its options, however it is asked for", async () => {
    const { code, stdout } = await runHawser(["help", "token", "mint"]);
    expect(code).toBe(0);
    expect(stdout).toStartWith("Usage: hawser token mint [options] [IDENTIFIERS]\n");
    expect(stdout).toContain("--ttl SECONDS");
    expect((await runHawser(["token", "mint", "--help"])).stdout).toBe(stdout);
    expect((await runHawser(["token", "mint", "x", "-h"])).stdout).toBe(stdout);
  });

  test("of a first word lists the commands that begin with it", async () => {
    const { stdout } = await runHawser(["help", "keys"]);
    expect(stdout).toContain("keys fingerprint");
    expect(stdout).not.toContain("token mint");
    expect((await runHawser(["keys", "--help"])).stdout).toBe(stdout);
  });

  test("of what is no command says so", async () => {
    expect(await complaintOf("help", "kees")).toContain("did you mean hawser keys?");
  });
});
