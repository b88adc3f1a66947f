import { describe, expect, test } from "bun:test";
import { configOf, errorsOf, loaded, type TestInput } from "../../test/support/load-config.ts";

/** Of a kind that no warning is about. */
const STRONG = "correct horse battery staple, at least";
const OTHER = "another horse; another battery; another staple";

const jwtOf = (input: TestInput) => loaded(input).config.jwt;
const file = (text: string): TestInput => ({ files: { "./anycable.toml": text } });

describe("a secret in a file", () => {
  test("is the option's value, without the white space around it", () => {
    const { config } = loaded({
      argv: ["--secret_file=/run/a", "--jwt_secret_file=/run/j"],
      files: { "/run/a": `${STRONG}\n`, "/run/j": `\t${OTHER}\r\n` },
    });
    expect(config.jwt).toMatchObject({ secret: OTHER, secretOption: "jwt_secret", enabled: true });
    expect(config.streams.secret).toBe(STRONG);
    expect(config.broadcast.keyDerived).toBe(true);
    expect(config.secretFiles).toEqual(["/run/a", "/run/j"]);
  });

  test("is printed as a fingerprint with the file it came from, and read again from there", () => {
    const input = { argv: ["--secret_file=/run/a"], files: { "/run/a": "canary-secret" } };
    const first = loaded(input);
    expect(first.printed()).not.toContain("canary");
    expect(first.printed()).toMatch(/^# secret is set, fingerprint [0-9a-f]{8}, from --secret_file$/m);
    const files = { ...input.files, "./anycable.toml": first.printed() };
    expect(loaded({ files }).config).toEqual(first.config);
  });

  test("that cannot be read, or is none, ends the start", () => {
    const argv = ["--jwt_secret_file=/run/j"];
    expect(errorsOf({ argv })).toEqual([
      "cannot read the secret of --jwt_secret_file: ENOENT: no such file or directory, open '/run/j'; " +
        "check the path and its permissions",
    ]);
    expect(errorsOf({ argv, files: { "/run/j": "\n" } })).toEqual([
      "Cannot use /run/j as a secret: it is empty; write the secret into it.",
    ]);
  });

  test("of an issuer that cannot be read says whose option it is", () => {
    const [error] = errorsOf(
      file('[[jwt.issuers]]\nissuer = "https://a"\naudience = ["b"]\nsecret_file = "/run/s"'),
    );
    expect(error).toBe(
      "cannot read the secret of jwt.issuers.secret_file: ENOENT: no such file or directory, open '/run/s'; " +
        "check the path and its permissions",
    );
  });

  test("beside the secret itself is one too many", () => {
    expect(
      errorsOf({ argv: ["--secret_file=/run/a"], env: { ANYCABLE_SECRET: "x" }, files: { "/run/a": "y" } }),
    ).toEqual(["--secret_file and ANYCABLE_SECRET both give secret: keep one of them"]);
  });
});

describe("former secrets", () => {
  test("are a list, printed as fingerprints", () => {
    const { config, printed } = loaded({
      argv: [`--secret=${STRONG}`],
      env: { ANYCABLE_JWT_PREVIOUS_SECRETS: `${OTHER}, canary-secret ,` },
    });
    expect(config.jwt.previousSecrets).toEqual([OTHER, "canary-secret"]);
    expect(printed()).not.toContain("canary");
    expect(printed()).toMatch(/^# previous_secrets is set, fingerprint [0-9a-f]{8}, [0-9a-f]{8}, from /m);
  });

  test("may hold a comma in a file", () => {
    const { jwt } = loaded(file(`secret = "${STRONG}"\njwt.previous_secrets = ["a,b", ""]`)).config;
    expect(jwt.previousSecrets).toEqual(["a,b"]);
  });

  test("do nothing without a secret", () => {
    expect(loaded({ argv: [`--jwt_previous_secrets=${OTHER}`] }).warnings).toEqual([
      "--jwt_previous_secrets has no effect without jwt_secret or secret",
    ]);
  });
});

describe("tokens are looked at", () => {
  test("where there is a secret, a file of keys, or an issuer with its own", () => {
    expect(configOf().jwt.enabled).toBe(false);
    expect(configOf("--secret=none", "--jwt_keys_file=/k").jwt).toMatchObject({
      enabled: true,
      secret: null,
    });
    expect(configOf("--jwt_keys_file=/k", "--enforce_jwt").jwt.enforce).toBe(true);
    const table = file("[[jwt.issuers]]\nissuer = 'https://a'\nkeys_file = '/k'\n");
    expect(jwtOf(table)).toMatchObject({ enabled: true, secret: null });
  });
});

describe("what tokens have to be like", () => {
  test("is what the options say", () => {
    const { main } = configOf(
      `--secret=${STRONG}`,
      "--jwt_issuer=https://a",
      "--jwt_audience=cable,chat",
      "--jwt_algorithms=HS256,ES256",
      "--jwt_type=application/AT+JWT",
      '--jwt_identifiers={"id":"$.sub"}',
      "--jwt_keys_file=/k",
    ).jwt;
    expect(main).toEqual({
      issuer: "https://a",
      audience: ["cable", "chat"],
      algorithms: ["HS256", "ES256"],
      type: "at+jwt",
      use: null,
      identifiers: '{"id":"$.sub"}',
      leewayS: 0,
      requireExp: false,
      maxLifetimeS: null,
      keysFile: "/k",
      jwksUrl: null,
      discovery: false,
    });
  });

  test("has any audience where a star is among its names", () => {
    expect(configOf(`--secret=${STRONG}`, "--jwt_audience=a,*").jwt.main.audience).toBeNull();
  });

  test.each([
    ["--jwt_algorithms=HS256,none", "may hold HS256, HS384"],
    ["--jwt_algorithms=hs256", "may hold HS256, HS384"],
    ["--jwt_identifiers=ext", "is no template"],
    ['--jwt_identifiers={"a":"b"}', "uses no claim"],
    ["--jwt_preset=okta", "must be one of keycloak, auth0, firebase"],
    ["--jwt_retired_as=nothing", "must be one of token_expired, unauthorized"],
  ])("is refused as %s", (argument, why) => {
    expect(errorsOf({ argv: [argument] })[0]).toContain(why);
  });
});

describe("a preset", () => {
  const argv = [
    `--secret=${STRONG}`,
    "--jwt_preset=keycloak",
    "--jwt_issuer=https://a",
    "--jwt_audience=cable",
  ];

  test("fills in what the options leave open", () => {
    expect(configOf(...argv).jwt.main).toMatchObject({
      algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
      identifiers: '{"user_id":"$.sub"}',
      requireExp: true,
      leewayS: 10,
      use: { claim: "typ", value: "Bearer" },
    });
    const own = configOf(
      ...argv,
      '--jwt_identifiers={"x":"$.email"}',
      "--jwt_leeway=30",
      "--jwt_algorithms=RS512",
    );
    expect(own.jwt.main).toMatchObject({
      identifiers: '{"x":"$.email"}',
      leewayS: 30,
      algorithms: ["RS512"],
    });
  });

  test("needs the issuer and the audience, because its keys are for many", () => {
    expect(errorsOf({ argv: ["--jwt_preset=firebase"] })).toEqual([
      "--jwt_preset has the preset firebase and no issuer: set jwt_issuer to what iss says",
      "--jwt_preset has the preset firebase and no audience: set jwt_audience to what aud says, or * for any",
    ]);
    const table = "[[jwt.issuers]]\nissuer = 'https://a'\nkeys_file = '/k'\npreset = 'auth0'\n";
    expect(errorsOf(file(table))).toEqual([
      "table 1 of jwt.issuers in ./anycable.toml has the preset auth0 and no audience: set jwt_audience to what aud says, or * for any",
    ]);
  });
});

describe("several issuers", () => {
  const TABLES = `
[[jwt.issuers]]
issuer = "https://a"
keys_file = "/k"
audience = "cable"
leeway = 5

[[jwt.issuers]]
issuer = "https://b"
secret_file = "/run/b"
identifiers = '{"id":"$.sub"}'
`;

  test("are tables, each with rules of its own", () => {
    const { config } = loaded({ files: { "./anycable.toml": TABLES, "/run/b": `${OTHER}\n` } });
    expect(config.jwt.issuers).toMatchObject([
      {
        issuer: "https://a",
        keysFile: "/k",
        audience: ["cable"],
        leewayS: 5,
        secret: null,
        identifiers: null,
      },
      {
        issuer: "https://b",
        keysFile: null,
        audience: null,
        leewayS: 0,
        secret: OTHER,
        identifiers: '{"id":"$.sub"}',
      },
    ]);
    expect(config.secretFiles).toEqual(["/run/b"]);
  });

  test("come back from a printed configuration, which has nothing of their secrets", () => {
    const files = { "./anycable.toml": TABLES, "/run/b": "canary-secret" };
    const first = loaded({ files });
    expect(first.printed()).not.toContain("canary");
    expect(loaded({ files: { ...files, "./anycable.toml": first.printed() } }).config).toEqual(first.config);
  });

  test.each([
    ["[[jwt.issuers]]\nkeys_file = '/k'", "table 1 of jwt.issuers in ./anycable.toml has no issuer"],
    ["[[jwt.issuers]]\nissuer = 'a'", "table 1 of jwt.issuers in ./anycable.toml has no keys"],
    [
      "[[jwt.issuers]]\nissuer = 'a'\nkeys_file = '/k'\n[[jwt.issuers]]\nissuer = 'a'\nkeys_file = '/l'",
      "table 2 of jwt.issuers in ./anycable.toml is for an issuer that has its rules already",
    ],
    [
      "[jwt]\nissuer = 'a'\n[[jwt.issuers]]\nissuer = 'a'\nkeys_file = '/k'",
      "table 1 of jwt.issuers in ./anycable.toml is for an issuer that has its rules already",
    ],
    ["[[jwt.issuers]]\nissuer = 'a'\nkey_file = '/k'", 'has "key_file" in table 1, and takes issuer, preset'],
    ["[[jwt.issuers]]\nissuer = 7", "has a value for issuer in table 1 that must be a string"],
    ["[[jwt.issuers]]\nsecret = 'canary-secret'", 'has "secret" in table 1'],
    ["jwt.issuers = 'a'", "must be an array of tables"],
    ["jwt.issuers = ['canary-secret']", "must be an array of tables"],
    ["[jwt.issuers]\nissuer = 'a'", "must be an array of tables"],
  ])("are refused as %p", (text, why) => {
    const errors = errorsOf(file(text));
    expect(errors[0]).toContain(why);
    expect(errors.join()).not.toContain("canary");
  });
});

describe("a weak secret", () => {
  const TODO = "make one with hawser keys generate";

  test("is warned about, once, by the option that gave it", () => {
    expect(loaded({ argv: ["--secret=qwerty"] }).warnings).toEqual([
      `--secret is one that everybody knows: ${TODO}`,
    ]);
    expect(loaded({ argv: [`--secret=${STRONG}`], env: { ANYCABLE_JWT_SECRET: "x7" } }).warnings).toEqual([
      `ANYCABLE_JWT_SECRET has 2 bytes, and fewer than 32 can be guessed: ${TODO}`,
    ]);
    expect(loaded({ argv: [`--secret=${STRONG}`, "--jwt_previous_secrets=x7y"] }).warnings).toEqual([
      `a secret of --jwt_previous_secrets has 3 bytes, and fewer than 32 can be guessed: ${TODO}`,
    ]);
    expect(loaded({ argv: [`--secret=${STRONG}`] }).warnings).toEqual([]);
    expect(loaded({ argv: ["--secret=none", "--broadcast_key=none"] }).warnings).toEqual([]);
  });

  test("ends the start under jwt_strict", () => {
    expect(errorsOf({ argv: ["--secret=qwerty", "--jwt_strict"] })).toEqual([
      `--secret is one that everybody knows: ${TODO}; jwt_strict takes no such secret`,
    ]);
  });
});

describe("jwt_strict", () => {
  test("requires exp, and limits lifetimes to a day unless another limit is set, of every issuer", () => {
    const text = `secret = '${STRONG}'\n[[jwt.issuers]]\nissuer = 'a'\nkeys_file = '/k'\nmax_lifetime = 60\n`;
    const { jwt } = loaded({ ...file(text), argv: ["--jwt_strict"] }).config;
    expect(jwt.main).toMatchObject({ requireExp: true, maxLifetimeS: 86_400 });
    expect(jwt.issuers).toMatchObject([{ requireExp: true, maxLifetimeS: 60 }]);
    expect(configOf(`--secret=${STRONG}`, "--jwt_strict", "--jwt_max_lifetime=7").jwt.main.maxLifetimeS).toBe(
      7,
    );
  });

  test("is what the preset strict sets, and comes back from print", () => {
    const { config, printed } = loaded({ argv: [`--secret=${STRONG}`, "--presets=strict"] });
    expect(config.jwt.strict).toBe(true);
    expect(printed()).toContain("strict = true # from --presets");
    expect(configOf(`--secret=${STRONG}`, "--presets=none").jwt.strict).toBe(false);
  });
});

describe("connections whose tokens end", () => {
  const closes = (...argv: readonly string[]) => configOf(`--secret=${STRONG}`, ...argv).jwt.expiry.closes;

  test("live on by default, and are closed by session_expiry and by the preset strict", () => {
    expect([closes(), closes("--session_expiry=close"), closes("--presets=strict")]).toEqual([
      false,
      true,
      true,
    ]);
    expect(closes("--presets=strict", "--session_expiry=ignore")).toBe(false);
    const { printed } = loaded({ argv: [`--secret=${STRONG}`, "--presets=strict"] });
    expect(printed()).toContain('session_expiry = "close" # from --presets');
  });

  test("are looked after in the units of the code", () => {
    const { jwt } = configOf(
      `--secret=${STRONG}`,
      ...["--session_expiry_jitter=25", "--session_expiry_rate=7", "--session_expiry_notice=30"],
      ...["--jwt_first_message", "--jwt_first_message_timeout=2", "--jwt_expire_claim=until"],
    );
    expect(jwt).toMatchObject({ firstMessage: true, expireClaim: "until" });
    expect(jwt.expiry).toEqual({
      ...{ closes: false, jitterPercent: 25, closesPerS: 7, noticeMs: 30_000, firstMessageTimeoutMs: 2000 },
    });
  });

  test("are missed where there are no keys for tokens, the preset once", () => {
    const warnings = (...argv: readonly string[]) => loaded({ argv }).warnings;
    const line = "no effect without keys for tokens (jwt_secret, secret, jwt_keys_file or jwt_jwks_url): ";
    expect(warnings("--session_expiry=close", "--jwt_first_message")).toEqual([
      `${line}--session_expiry, --jwt_first_message`,
    ]);
    expect(warnings("--presets=strict")).toEqual([`${line}--presets`]);
  });

  test("are spread over no more than all of their tokens' lives", () => {
    expect(errorsOf({ argv: ["--session_expiry_jitter=101"] })).toHaveLength(1);
    expect(errorsOf({ argv: ["--session_expiry=later"] })).toHaveLength(1);
  });
});

test("presets of AnyCable that are not served are a warning, and words that are none an error", () => {
  expect(loaded({ env: { ANYCABLE_PRESETS: "fly,strict" }, argv: [`--secret=${STRONG}`] }).warnings).toEqual([
    "ANYCABLE_PRESETS has presets that this version does not serve: fly",
  ]);
  expect(errorsOf({ argv: ["--presets=stricter"] })).toEqual([
    '--presets: the value "stricter" may hold strict, broker, none',
  ]);
});

describe("published keys", () => {
  const URL_OPTION = "--jwt_jwks_url=https://id.example.com/keys";

  test("turn tokens on, and are whose the options say", () => {
    const { jwt } = configOf(URL_OPTION, "--jwt_issuer=https://id.example.com", "--jwt_audience=cable");
    expect(jwt.enabled).toBe(true);
    expect(jwt.main).toMatchObject({ jwksUrl: "https://id.example.com/keys", discovery: false });
  });

  test("are found by discovery, whose issuer is the tokens'", () => {
    const { main } = configOf("--jwt_oidc_issuer=https://id.example.com", "--jwt_audience=*").jwt;
    expect(main).toMatchObject({ issuer: "https://id.example.com", jwksUrl: null, discovery: true });
    expect(main.audience).toBeNull();
  });

  test.each([
    [[URL_OPTION, "--jwt_audience=a"], "no issuer: set jwt_issuer"],
    [[URL_OPTION, "--jwt_issuer=https://id.example.com"], "no audience: set jwt_audience"],
    [["--jwt_oidc_issuer=https://id.example.com"], "no audience: set jwt_audience"],
    [
      ["--jwt_oidc_issuer=https://a.example", "--jwt_issuer=https://b.example", "--jwt_audience=a"],
      "another issuer than jwt_issuer",
    ],
    [["--jwt_jwks_url=http://id.example.com/keys"], "must be an https URL"],
    [["--jwt_jwks_url=https://user:pass@id.example.com/keys"], "without a user in it"],
  ])("with %p: %s", (flags, problem) => {
    expect(errorsOf({ argv: flags }).join("\n")).toContain(problem);
  });

  test("may come by http from this machine", () => {
    for (const host of ["127.0.0.1:1", "localhost:1", "[::1]:1"]) {
      const flags = [`--jwt_jwks_url=http://${host}/k`, "--jwt_issuer=i", "--jwt_audience=a"];
      expect(configOf(...flags).jwt.main.jwksUrl).toBe(`http://${host}/k`);
    }
  });
});
