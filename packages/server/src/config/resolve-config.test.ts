import { describe, expect, test } from "bun:test";
import { configOf, errorsOf, loaded, type TestInput } from "../../test/support/load-config.ts";

/** Of a kind that no warning is about. */
const STRONG = "correct horse battery staple, at least";

const warningsOf = (...argv: readonly string[]) => loaded({ argv }).warnings;

describe("the secret for tokens", () => {
  test("is jwt_secret, else the application's as it is", () => {
    expect(configOf("--jwt_secret=j", "--secret=s").jwt.secret).toBe("j");
    expect(configOf("--secret=s").jwt.secret).toBe("s");
    expect(configOf().jwt.secret).toBeNull();
  });

  test("none turns tokens off, also beside an application secret", () => {
    expect(configOf("--jwt_secret=none", "--secret=s").jwt.secret).toBeNull();
    expect(configOf("--secret=none").jwt.secret).toBeNull();
  });

  test("must be there when tokens are enforced", () => {
    const advice =
      "set jwt_secret (ANYCABLE_JWT_SECRET), secret (ANYCABLE_SECRET), jwt_keys_file or jwt_jwks_url";
    expect(errorsOf({ argv: ["--enforce_jwt"] })).toEqual([
      `--enforce_jwt asks for tokens, but there is no secret to verify them with: ${advice}`,
    ]);
    expect(
      errorsOf({ env: { ANYCABLE_ENFORCE_JWT: "1" }, argv: ["--secret=s", "--jwt_secret=none"] }),
    ).toEqual([`ANYCABLE_ENFORCE_JWT asks for tokens, but --jwt_secret is none: ${advice}`]);
    expect(errorsOf({ argv: ["--jwt_id_enforce", "--secret=none"] })).toHaveLength(1);
    expect(configOf("--enforce_jwt", "--secret=s").jwt.enforce).toBe(true);
  });

  test("is missed when there are rules for tokens alone", () => {
    expect(warningsOf("--jwt_require_exp", "--jwt_leeway=0")).toEqual([
      "no effect without keys for tokens (jwt_secret, secret, jwt_keys_file or jwt_jwks_url): --jwt_require_exp, --jwt_leeway",
    ]);
    expect(warningsOf("--jwt_require_exp", `--secret=${STRONG}`)).toEqual([]);
  });

  test("and its rules have the units of the claims", () => {
    const { jwt } = configOf("--secret=s", "--jwt_leeway=5", "--jwt_max_lifetime=3600");
    expect(jwt.main).toMatchObject({ leewayS: 5, maxLifetimeS: 3600 });
  });
});

describe("signed streams", () => {
  test("have a secret of their own, else the application's as it is", () => {
    expect(configOf("--streams_secret=k", "--secret=s").streams.secret).toBe("k");
    expect(configOf("--secret=s").streams.secret).toBe("s");
    expect(configOf().streams.secret).toBeNull();
    expect(configOf("--jwt_secret=j").streams.secret).toBeNull();
  });

  test("have none by the word none", () => {
    expect(configOf("--streams_secret=none", "--secret=s").streams.secret).toBeNull();
    expect(configOf("--secret=none").streams.secret).toBeNull();
  });

  test("have presence unless it is turned off, and whispers where they are turned on", () => {
    expect(configOf().streams).toMatchObject({ whisper: false, presence: true });
    expect(configOf("--streams_whisper", "--streams_presence=false").streams).toMatchObject({
      whisper: true,
      presence: false,
    });
    expect(loaded({ env: { ANYCABLE_STREAMS_PRESENCE: "" } }).config.streams.presence).toBe(false);
    const files = { "./anycable.toml": "[streams]\nwhisper = true\npresence = false\nsecret = 'f'\n" };
    expect(loaded({ files }).config.streams).toMatchObject({ whisper: true, presence: false, secret: "f" });
  });

  test.each([
    ["turbo_streams", "turbo_streams_secret", "turboSecret"],
    ["cable_ready", "cable_ready_secret", "cableReadySecret"],
  ] as const)(
    "of %s are the application's unless they are turned on and have a secret",
    (on, own, secret) => {
      expect(configOf("--secret=s").streams[secret]).toBeNull();
      expect(configOf("--secret=s", `--${on}`).streams[secret]).toBe("s");
      expect(configOf("--secret=s", "--streams_secret=k", `--${on}`).streams[secret]).toBe("k");
      expect(configOf("--streams_secret=k", `--${on}`, `--${own}=t`).streams[secret]).toBe("t");
      expect(configOf("--secret=s", `--${on}`, `--${own}=none`).streams[secret]).toBeNull();
      expect(configOf("--secret=s", "--streams_secret=none", `--${on}`).streams[secret]).toBeNull();
      expect(warningsOf(`--${on}`)).toEqual([
        `--${on} has no effect without a secret (${own}, streams_secret or secret): its streams are left to the application`,
      ]);
      expect(warningsOf(`--secret=${STRONG}`, `--${own}=t`)).toEqual([
        `--${own} has no effect without ${on}`,
      ]);
    },
  );

  test.each([
    ["turbo_rails_key", "turbo_streams", "turbo_streams_secret", "turboSecret"],
    ["cable_ready_key", "cable_ready", "cable_ready_secret", "cableReadySecret"],
  ] as const)("are turned on by %s, which wins", (former, on, own, secret) => {
    const { config, warnings } = loaded({ argv: [`--${former}=old`, `--${own}=new`, `--secret=${STRONG}`] });
    expect(config.streams[secret]).toBe("old");
    expect(warnings).toEqual([`--${former} is deprecated: use ${on} and ${own}`]);
  });

  test("are not served by their plain names any more", () => {
    const { config, warnings } = loaded({ argv: ["--turbo_rails_cleartext", "--cable_ready_cleartext"] });
    expect(config.streams).toMatchObject({ turboSecret: null, cableReadySecret: null });
    expect(warnings).toEqual([
      "--turbo_rails_cleartext is deprecated and has no effect: serve public streams instead",
      "--cable_ready_cleartext is deprecated and has no effect: serve public streams instead",
    ]);
  });
});

describe("the broker", () => {
  test("is none unless asked for, with the reference's limits", () => {
    const off = {
      adapter: "none",
      historyLimit: 100,
      historyTtlMs: 300_000,
      sessionsTtlMs: 300_000,
      presenceTtlMs: 15_000,
      natsReplicas: 1,
      resumeVerify: true,
    } as const;
    expect(configOf().broker).toEqual(off);
    expect(configOf("--broker=none").broker).toEqual(off);
    expect(configOf("--broker=memory").broker).toEqual({ ...off, adapter: "memory" });
  });

  test("is the one in memory with the preset, unless another word was said", () => {
    expect(configOf("--presets=broker").broker.adapter).toBe("memory");
    expect(configOf("--presets=broker", "--broker=none").broker.adapter).toBe("none");
  });

  test("is said to be that of one server where there may be several", () => {
    const of = (...argv: string[]) => warningsOf("--broker=memory", "--redis_url=redis://x", ...argv);
    expect(of()).toEqual([
      "--broker keeps what is published to this server alone: with several of them clients that come back can miss " +
        "messages and not be told; set --broker=redis, or --pubsub=none if there is only this one",
    ]);
    expect(of("--pubsub=none")).toEqual([]);
    expect(of("--history_limit=0")).toEqual([]);
  });

  test.each([
    ["redis", "nats"],
    ["nats", "redis"],
  ] as const)("in %s goes with pub/sub by it, and with no other", (adapter, another) => {
    const { config, printed, warnings } = loaded({ argv: [`--broker=${adapter}`] });
    expect(config.broker.adapter).toBe(adapter);
    expect(config.pubSub.adapter).toBe(adapter);
    expect(warnings).toEqual([]);
    expect(printed()).toMatch(new RegExp(`^pubsub_adapter = "${adapter}" +# from --broker$`, "m"));
    for (const other of ["none", another]) {
      expect(errorsOf({ argv: [`--broker=${adapter}`, `--pubsub=${other}`] })).toEqual([
        `--broker is ${adapter}, and --pubsub is ${other}: servers that have their history there hear of it there, so leave ` +
          "pubsub out",
      ]);
    }
    expect(loaded({ files: { "./anycable.toml": printed() } }).config).toEqual(config);
  });

  test("in NATS turns on JetStream of a NATS beside the server, with its folder", () => {
    const { config } = loaded({ argv: ["--broker=nats", "--embed_nats", "--enats_store_dir=/var/nats"] });
    expect(config.embeddedNats?.jetStreamFolder).toBe("/var/nats");
    expect(loaded({ argv: ["--embed_nats"] }).config.embeddedNats?.jetStreamFolder).toBeNull();
  });

  test("keeps no fewer than no messages", () => {
    expect(errorsOf({ argv: ["--history_limit=-1"] })).toHaveLength(1);
    expect(configOf("--history_limit=0", "--history_ttl=60").broker).toMatchObject({
      historyLimit: 0,
      historyTtlMs: 60_000,
    });
  });
});

describe("broadcasting by HTTP", () => {
  test("with no key is open, on a port of its own", () => {
    expect(configOf().broadcast).toMatchObject({ key: null, keyDerived: false, port: 8090 });
  });

  test("with an application secret asks for the derived key, on the main port", () => {
    expect(configOf("--secret=qwerty", "--port=9999").broadcast).toMatchObject({
      key: "42923a28b760e667fc92f7c6123bb07a282822b329dd2ef48e7aee7830d98485",
      keyDerived: true,
      port: 9999,
    });
  });

  test("with a key of its own asks for that, on the main port", () => {
    expect(configOf("--broadcast_key=k", "--secret=qwerty").broadcast).toMatchObject({
      key: "k",
      keyDerived: false,
      port: 8080,
    });
  });

  test("with the key none is open on its own port, whatever the application secret", () => {
    expect(configOf("--broadcast_key=none", "--secret=qwerty").broadcast).toMatchObject({
      key: null,
      port: 8090,
    });
  });

  test("with the application secret none is as without one", () => {
    expect(configOf("--secret=none").broadcast).toMatchObject({ key: null, keyDerived: false, port: 8090 });
  });

  test("goes where it is told", () => {
    expect(configOf("--secret=s", "--http_broadcast_port=7000").broadcast.port).toBe(7000);
  });

  test("tells pages nothing unless asked to, then allows the origins of the server or its own", () => {
    const origins = "--allowed_origins=A.example,b.example";
    expect(configOf(origins).broadcast.corsHosts).toBeNull();
    expect(configOf("--http_broadcast_cors").broadcast.corsHosts).toEqual([]);
    expect(configOf("--http_broadcast_cors", origins).broadcast.corsHosts).toEqual([
      "a.example",
      "b.example",
    ]);
    const files = {
      "./anycable.toml": "[http_broadcast]\ncors_headers = true\ncors_hosts = 'c.example,d.example'\n",
    };
    expect(loaded({ files, argv: [origins] }).config.broadcast.corsHosts).toEqual(["c.example", "d.example"]);
  });
});

describe("broadcasting", () => {
  test("takes the adapters that are named, and no others", () => {
    expect(configOf("--broadcast_adapter=redis,http").broadcast.adapters).toEqual(["http", "redis"]);
    expect(errorsOf({ argv: ["--broadcast_adapter=htp"] })[0]).toContain('names "htp", which is not known');
    expect(loaded({ env: { ANYCABLE_BROADCAST_ADAPTER: "" } }).config.broadcast.adapters).toEqual(["http"]);
  });

  test("is by HTTP, and by Redis too where its place is given (D31)", () => {
    const adapters = (input: TestInput) => loaded(input).config.broadcast.adapters;
    expect(adapters({})).toEqual(["http"]);
    for (const given of [
      { argv: ["--redis_url=redis://localhost:6379"] },
      { env: { REDIS_URL: "redis://x" } },
      { argv: ["--redis_sentinels=x:1"] },
      { files: { "./anycable.toml": "[redis]\nurl = 'x'" } },
    ]) {
      expect(adapters(given)).toEqual(["http", "redis"]);
      expect(adapters({ ...given, env: { ...given.env, ANYCABLE_BROADCAST_ADAPTER: "http" } })).toEqual([
        "http",
      ]);
    }
    expect(adapters({ env: { REDIS_URL: "" } })).toEqual(["http"]);
    expect(adapters({ argv: ["--presets=broker"], env: { REDIS_URL: "redis://x" } })).toEqual([
      "http",
      "redis",
      "redisx",
    ]);
  });
});

describe("pub/sub", () => {
  const pubSub = (...argv: string[]) => configOf(...argv).pubSub;

  test("is by Redis where that is elsewhere, and where one server reads for all", () => {
    expect(pubSub()).toEqual({
      adapter: "none",
      redisChannel: "__anycable_internal__",
      natsChannel: "__anycable_internal__",
    });
    expect(pubSub("--redis_url=redis://x").adapter).toBe("redis");
    expect(pubSub("--redis_sentinels=x").adapter).toBe("redis");
    expect(pubSub("--broadcast_adapter=redisx").adapter).toBe("redis");
    expect(pubSub("--redis_url=redis://x", "--pubsub=none").adapter).toBe("none");
    expect(pubSub("--redis_url=redis://localhost:6379").adapter).toBe("none");
  });

  test("has another channel for commands than publications have", () => {
    const clash = loaded({ argv: ["--redis_url=redis://x", "--redis_channel=__anycable_internal__"] });
    expect(clash.config.pubSub.redisChannel).toBe("__anycable_internal__-int");
    expect(clash.warnings).toEqual([
      "redis_pubsub.channel is the channel of publications as well: using __anycable_internal__-int",
    ]);
    expect(loaded({ files: { "./anycable.toml": clash.printed() } }).config.pubSub).toEqual(
      clash.config.pubSub,
    );
  });
});

describe("Redis", () => {
  test("is at localhost unless said otherwise", () => {
    const { address, sentinels, tls } = configOf().redis;
    expect(address.hosts).toEqual([{ host: "localhost", port: 6379 }]);
    expect(sentinels).toBeNull();
    expect(tls).toEqual({ verify: false, caPath: null, client: null });
  });

  test("takes both halves of a client's certificate, or none", () => {
    expect(errorsOf({ argv: ["--redis_tls_client_key_path=k"] })).toEqual([
      "--redis_tls_client_key_path is set without redis_tls_client_cert_path: TLS needs both, so set both or neither",
    ]);
  });

  test("is printed without its password, and told of in errors without its address", () => {
    const { printed } = loaded({
      argv: ["--redis_url=redis://me:canary@h:1/2", "--redis_sentinels=:canary@s"],
    });
    expect(printed()).toContain(
      "# url is set, with credentials, to redis://[redacted]@h:1/2, from --redis_url\n",
    );
    expect(printed()).toContain(
      "# sentinels is set, with credentials, to [redacted]@s, from --redis_sentinels\n",
    );
    expect(printed()).not.toContain("canary");
    expect(errorsOf({ argv: ["--redis_url=canary://x"] })).toEqual([
      "--redis_url: the value has a scheme that is none of redis: valkey: unix: rediss: valkeys:",
    ]);
  });
});

describe("public mode", () => {
  test("lets everyone in and opens the endpoint where the key would have put it", () => {
    const config = configOf("--public", "--secret=x");
    expect(config).toMatchObject({
      public: true,
      auth: { noAuth: true },
      streams: { public: true },
      broadcast: { key: null, keyDerived: false, port: 8080 },
      jwt: { secret: "x" },
    });
    expect(configOf("--public").broadcast.port).toBe(8090);
  });

  test("says that a broadcast key is for nothing", () => {
    expect(warningsOf("--public", "--broadcast_key=k")).toEqual([
      "--broadcast_key has no effect: --public opens the broadcast endpoint",
    ]);
  });
});

test("a secret that is none leaves publishing open, which is said unless it is meant", () => {
  expect(configOf("--secret=none").broadcast).toMatchObject({ key: null, port: 8090 });
  expect(warningsOf("--secret=none")).toEqual([
    "--secret is none, so whoever reaches port 8090 may publish (AnyCable asks for a key that it derives from the word): " +
      "set broadcast_key, or none there as well if that is meant",
  ]);
  for (const meant of ["--broadcast_key=k", "--broadcast_key=none", "--public", "--broadcast_adapter=redis"])
    expect(warningsOf("--secret=none", meant)).not.toContain(expect.stringContaining("is none, so"));
});

describe("the backend", () => {
  test("is gRPC unless there is to be none", () => {
    expect(configOf().rpc.kind).toBe("grpc");
    expect(configOf("--norpc").rpc.kind).toBe("none");
    expect(configOf("--rpc_impl=none").rpc.kind).toBe("none");
    expect(configOf("--norpc", "--rpc_impl=grpc").rpc.kind).toBe("none");
  });

  test("is called over HTTP where its address is a URL", () => {
    expect(configOf("--rpc_host=https://app/_anycable").rpc).toMatchObject({
      kind: "http",
      host: "https://app/_anycable",
      http: { secret: null, secretDerived: false, requestTimeoutMs: 3000 },
    });
    expect(configOf("--rpc_host=HTTP://app", "--rpc_impl=http").rpc.kind).toBe("http");
    expect(configOf("--rpc_host=http://app", "--norpc").rpc.kind).toBe("none");
    expect(errorsOf({ argv: ["--rpc_impl=http", "--rpc_host=app:3000"] })).toEqual([
      "--rpc_impl is http, and --rpc_host is no URL: it has to begin with http:// or https://",
    ]);
    expect(
      errorsOf({ argv: ["--rpc_impl=grpc"], env: { ANYCABLE_RPC_HOST: "https://app/_anycable" } }),
    ).toEqual([
      "ANYCABLE_RPC_HOST is the URL of an HTTP endpoint, and --rpc_impl is grpc: leave rpc_impl out, or name a gRPC service",
    ]);
  });

  test("is shown the secret for HTTP that was given, or one that is derived", () => {
    const secretOf = (...argv: string[]) => configOf("--rpc_host=http://app", ...argv).rpc.http;
    const derived = "57c40610d142fe7d7999be4e23dfba4f42c3c542e1f278063e8e3b6a30b0c2bd";
    expect(secretOf("--secret=qwerty")).toMatchObject({ secret: derived, secretDerived: true });
    expect(secretOf("--secret=qwerty", "--public")).toMatchObject({ secret: derived });
    expect(secretOf("--secret=qwerty", "--http_rpc_secret=s3")).toMatchObject({
      secret: "s3",
      secretDerived: false,
    });
    expect(secretOf("--secret=qwerty", "--http_rpc_secret=none")).toMatchObject({ secret: null });
    expect(secretOf("--secret=none")).toMatchObject({ secret: null });
  });

  test("has its time for an attempt over HTTP from the option that is named first here", () => {
    const timeOf = (...argv: string[]) =>
      configOf("--rpc_host=http://app", ...argv).rpc.http.requestTimeoutMs;
    expect(timeOf("--http_rpc_timeout=100", "--rpc_request_timeout=200")).toBe(100);
    expect(timeOf("--rpc_request_timeout=200")).toBe(200);
    expect(warningsOf("--http_rpc_timeout=100")).toEqual([
      "--http_rpc_timeout is deprecated: use rpc_request_timeout",
    ]);
  });

  test("must be there to be asked after the token", () => {
    expect(errorsOf({ argv: ["--rpc_after_jwt=enforce", "--norpc"] })).toEqual([
      "--rpc_after_jwt is enforce, but --norpc leaves nobody to ask: drop one of them",
    ]);
    expect(configOf("--rpc_after_jwt=enforce").rpc.afterJwt).toBe("enforce");
  });

  test("is called over TLS when asked, or when there are certificates to trust", () => {
    expect(configOf().rpc.grpc).toMatchObject({ enableTls: false, tlsVerify: true, tlsRootCa: null });
    expect(configOf("--rpc_tls_root_ca=ca.pem").rpc.grpc).toMatchObject({
      enableTls: true,
      tlsRootCa: "ca.pem",
    });
    expect(warningsOf("--rpc_tls_verify=false")).toEqual([
      "--rpc_tls_verify has no effect without rpc_enable_tls",
    ]);
    expect(warningsOf("--rpc_tls_verify=false", "--rpc_enable_tls")).toEqual([]);
  });

  test("gets at least one call at a time", () => {
    const { config, warnings } = loaded({ argv: ["--rpc_concurrency=0"] });
    expect(config.rpc.concurrency).toBe(28);
    expect(warnings).toEqual(["--rpc_concurrency is 0, and at least one call is needed: using 28"]);
  });
});

describe("deprecated options", () => {
  test("work, each with one warning", () => {
    const { config, warnings } = loaded({
      argv: [
        `--jwt_id_key=${STRONG}`,
        "--jwt_id_enforce",
        "--disable_disconnect",
        "--http_broadcast_secret=b",
      ],
      env: { ANYCABLE_DISCONNECT_TIMEOUT: "5" },
    });
    expect(config.jwt).toMatchObject({ secret: STRONG, enforce: true });
    expect(config.disconnect.mode).toBe("never");
    expect(config.broadcast).toMatchObject({ key: "b", port: 8080 });
    expect([...warnings].sort()).toEqual([
      "--disable_disconnect is deprecated: use disconnect_mode=never",
      "--http_broadcast_secret is deprecated: use broadcast_key",
      "--jwt_id_enforce is deprecated: use enforce_jwt",
      "--jwt_id_key is deprecated: use jwt_secret",
      "ANYCABLE_DISCONNECT_TIMEOUT is deprecated and has no effect: use shutdown_timeout",
    ]);
  });

  test("give way or win as with the reference", () => {
    expect(configOf("--jwt_id_key=old", "--jwt_secret=new").jwt.secret).toBe("new");
    expect(configOf("--jwt_id_param=t").jwt.param).toBe("jid");
    expect(configOf("--http_broadcast_secret=old", "--broadcast_key=new").broadcast.key).toBe("old");
  });
});

describe("the rest", () => {
  test("debug is a log level", () => {
    expect(configOf("--debug").log.level).toBe("debug");
    expect(configOf("--debug=false", "--log_level=warn").log.level).toBe("warn");
  });

  test("metrics stand beside the main listener unless told otherwise", () => {
    expect(configOf("--host=0.0.0.0", "--port=1").metrics).toMatchObject({ host: "0.0.0.0", port: 1 });
    expect(configOf("--metrics_port=9", "--metrics_host=::1").metrics).toMatchObject({
      host: "::1",
      port: 9,
    });
    expect(configOf("--metrics_http=/metrics").metrics.httpPath).toBe("/metrics");
  });

  test("TLS needs both files", () => {
    expect(configOf("--ssl_cert=c", "--ssl_key=k").server.tls).toEqual({ certPath: "c", keyPath: "k" });
    expect(errorsOf({ argv: ["--ssl_cert=c"] })).toEqual([
      "--ssl_cert is set without ssl_key: TLS needs both, so set both or neither",
    ]);
    expect(errorsOf({ env: { ANYCABLE_SSL_KEY: "k" } })).toEqual([
      "ANYCABLE_SSL_KEY is set without ssl_cert: TLS needs both, so set both or neither",
    ]);
  });

  test("two endpoints cannot stand in one place", () => {
    expect(errorsOf({ argv: ["--health-path=/cable"] })).toEqual([
      "path and health-path are both /cable on one port: change one",
    ]);
    expect(errorsOf({ argv: ["--metrics_http=/_broadcast", "--secret=s"] })).toHaveLength(1);
    expect(configOf("--metrics_http=/_broadcast").broadcast.port).toBe(8090);
    expect(configOf("--metrics_http=/health", "--metrics_port=9").metrics.httpPath).toBe("/health");
  });

  test("the ready endpoint and the built-in channel can be turned off", () => {
    expect(configOf("--ready-path=").server.readyPath).toBeNull();
    const files = { "./anycable.toml": "[streams]\npubsub_channel = ''\n" };
    expect(loaded({ files }).config.streams.pubsubChannel).toBeNull();
  });

  test("networks are checked by their form", () => {
    const good = "10.0.0.0/8,127.0.0.1,::1,fd00::/8,::ffff:10.0.0.1";
    expect(configOf(`--trusted_proxies=${good}`).server.trustedProxies).toEqual(good.split(","));
    for (const wrong of [
      "10.0.0.0/33",
      "10.0.0",
      "10.0.0.0.0",
      "256.1.1.1",
      "localhost",
      "::1/129",
      "1.2.3.4/",
    ]) {
      expect(errorsOf({ argv: [`--trusted_proxies=${wrong}`] })[0]).toContain(
        `holds "${wrong}", which is no`,
      );
    }
  });

  test("paths start with a slash and have their star at the end", () => {
    expect(configOf("--path=/cable,/admin/*,/t/{tenant}/cable").websocket.paths).toHaveLength(3);
    expect(errorsOf({ argv: ["--path=cable"] })[0]).toContain("does not start with a slash");
    expect(errorsOf({ argv: ["--path=/*/cable"] })[0]).toContain("star is not at the end");
    expect(errorsOf({ argv: ["--path="] })[0]).toContain("must name at least one");
    expect(errorsOf({ argv: ["--metrics_http=metrics"] })[0]).toContain("must start with a slash");
  });

  test("what is allowed but cannot work is a warning", () => {
    expect(warningsOf("--pong_timeout=5", "--ping_interval=0")).toEqual([
      "--pong_timeout has no effect: --ping_interval is 0, so there are no pings",
    ]);
    expect(warningsOf("--allowed_origins=https://A.example,b.example")).toEqual([
      'allowed_origins holds "https://a.example", which matches nothing: name the host alone',
    ]);
  });
});
