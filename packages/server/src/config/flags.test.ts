import { describe, expect, test } from "bun:test";
import { configOf, errorsOf, loaded } from "../../test/support/load-config.ts";

describe("a command line", () => {
  test("takes one dash or two, a value after = or as the next argument, and the last of several", () => {
    expect(configOf("--port=1").server.port).toBe(1);
    expect(configOf("-port", "2").server.port).toBe(2);
    expect(configOf("--port", "3", "-port=4").server.port).toBe(4);
    expect(configOf("--jwt_secret=a=b").jwt.secret).toBe("a=b");
    expect(configOf("--jwt_secret=", "--secret=s").jwt.secret).toBe("s");
  });

  test("takes switches without a value, and with one only after =", () => {
    expect(configOf("--noauth").auth.noAuth).toBe(true);
    expect(configOf("--noauth=false").auth.noAuth).toBe(false);
    expect(configOf("--noauth=T").auth.noAuth).toBe(true);
    expect(errorsOf({ argv: ["--noauth=yes"] })).toEqual(['--noauth: the value "yes" must be true or false']);
    expect(errorsOf({ argv: ["--noauth="] })).toEqual(['--noauth: the value "" must be true or false']);
  });

  test("ends at the first argument that is no option, and says so", () => {
    const { config, warnings } = loaded({ argv: ["--noauth", "false", "extra"] });
    expect(config.auth.noAuth).toBe(true);
    expect(warnings).toEqual([
      "ignored the command line from argument 2 on, which is no option: write values as --name=value, " +
        "and booleans as --name=true",
    ]);
    expect(loaded({ argv: ["--", "x"] }).warnings[0]).toContain("from argument 2 on");
    expect(loaded({ argv: ["--"] }).warnings).toEqual([]);
    expect(loaded({ argv: ["help"] }).warnings).toHaveLength(1);
    expect(loaded({ argv: ["-"] }).warnings).toHaveLength(1);
  });

  test("with an option behind one that is none ends the start, without a word of the value", () => {
    expect(errorsOf({ argv: ["--public_streams", "canary", "--port=1", "--enforce_jwt"] })).toEqual([
      "--port stands behind argument 2, which is no option and ends them: write values as --name=value, " +
        "and booleans as --name=true",
    ]);
  });

  test("takes a value that looks like a flag unless it is one", () => {
    expect(configOf("--jwt_secret", "-x-").jwt.secret).toBe("-x-");
    expect(errorsOf({ argv: ["--jwt_secret", "--noauth"] })).toEqual([
      "--jwt_secret: the value is missing; write --jwt_secret=SECRET",
    ]);
    expect(errorsOf({ argv: ["--port"] })).toEqual(["--port: the value is missing; write --port=N"]);
  });

  test("with a misspelt flag names the one that was meant", () => {
    expect(errorsOf({ argv: ["--jwt-secret=x"] })).toEqual([
      "--jwt-secret is not an option; did you mean --jwt_secret?",
    ]);
    expect(errorsOf({ argv: ["--max_conn=1"] })).toEqual([
      "--max_conn is not an option; did you mean --max-conn?",
    ]);
    expect(errorsOf({ argv: ["--prot", "80", "--hots=x"] })).toEqual([
      "--prot is not an option; did you mean --port?",
      "--hots is not an option; did you mean --host?",
    ]);
    expect(errorsOf({ argv: ["--quite_another_thing"] })).toEqual([
      "--quite_another_thing is not an option; --help lists them",
    ]);
  });

  test("with an option of AnyCable that is not served says that", () => {
    for (const name of ["ds", "api_port", "statsd_host"]) {
      expect(errorsOf({ argv: [`--${name}=x`] })).toEqual([
        `--${name} is an option of AnyCable that this version does not serve; leave it out`,
      ]);
    }
  });
});
