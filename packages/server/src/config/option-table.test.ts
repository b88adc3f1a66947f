import { describe, expect, test } from "bun:test";
import { isFlagNotServed } from "./not-served.ts";
import { OPTIONS, SECTIONS } from "./option-table.ts";

/** Every flag of the reference (anycable cli/options.go@1.6.16). */
const FLAGS_OF_ANYCABLE = `
  config-path ignore-config-path print-config help version host port allowed_origins secret broadcast_key public noauth
  max-conn path health-path shutdown_timeout shutdown_pool_size shutdown_delay node_id ssl_cert ssl_key
  broadcast_adapter broker pubsub redis_channel nats_channel hub_gopool_size history_limit history_ttl sessions_ttl
  presence_ttl redis_url redis_sentinels redis_sentinel_discovery_interval redis_keepalive_interval redis_tls_verify
  redis_tls_ca_cert_path redis_tls_client_cert_path redis_tls_client_key_path redis_disable_cache redisx_stream
  redisx_group redisx_read_block_milliseconds http_broadcast_port http_broadcast_path http_broadcast_secret
  http_broadcast_cors nats_servers nats_dont_randomize_servers rpc_host norpc rpc_concurrency rpc_enable_tls
  rpc_tls_verify rpc_tls_root_ca rpc_max_call_recv_size rpc_max_call_send_size rpc_request_timeout
  rpc_command_timeout headers proxy-cookies rpc_impl http_rpc_secret http_rpc_timeout disconnect_mode disconnect_rate
  disconnect_backlog_size disconnect_timeout disable_disconnect log_level log_format debug metrics_log
  metrics_rotate_interval metrics_log_interval metrics_log_filter metrics_log_formatter metrics_http metrics_host
  metrics_port metrics_tags stats_refresh_interval read_buffer_size write_buffer_size max_message_size
  ws_write_timeout ws_max_pending_size enable_ws_compression ping_interval ping_timestamp_precision pong_timeout
  enable_native_pings jwt_secret jwt_param enforce_jwt jwt_id_key jwt_id_param jwt_id_enforce streams_secret
  public_streams streams_whisper streams_presence turbo_streams turbo_streams_secret cable_ready cable_ready_secret
  turbo_rails_key cable_ready_key turbo_rails_cleartext cable_ready_cleartext statsd_host statsd_prefix
  statsd_max_packet_size statsd_tags_format embed_nats enats_addr enats_cluster enats_cluster_name
  enats_cluster_routes enats_gateway enats_gateways enats_gateway_advertise enats_store_dir enats_server_name
  enats_debug enats_trace enats_max_payload sse sse_path pusher_app_id pusher_app_key pusher_secret pusher_api_port
  ds ds_path ds_skip_auth ds_poll_interval ds_sse_ttl api_port api_path api_secret presets
`
  .trim()
  .split(/\s+/);

/** What this server adds to them. */
const OUR_FLAGS = `
  workers admin_socket ready-path max_commands_per_second shutdown_disconnect_rate accept_rate max_failed_auths_per_minute trusted_proxies trust_request_id max_pending_commands max_subscriptions rpc_after_jwt rpc_pool_size jwt_leeway jwt_require_exp
  jwt_max_lifetime jwt_max_token_bytes jwt_strict jwt_secret_file jwt_previous_secrets jwt_secret_overlap jwt_keys_file jwt_jwks_url jwt_oidc_issuer
  jwt_jwks_max_stale jwt_jwks_cache revocations_file revocation_max_ttl revocations_limit
  jwt_algorithms jwt_issuer jwt_audience jwt_type jwt_identifiers jwt_preset jwt_retired_as secret_file jwt_mismatch_reconnect jwt_keys_differ_after
  resume_verify nats_replicas nats_creds_path nats_tls_ca_cert_path nats_tls_client_cert_path nats_tls_client_key_path
  session_expiry jwt_expire_claim session_expiry_jitter session_expiry_rate session_expiry_notice jwt_first_message jwt_first_message_timeout
`
  .trim()
  .split(/\s+/);

const flags = OPTIONS.flatMap((option) => option.flag ?? []);

describe("the option table", () => {
  test("has each of the reference's flags, or says that it is not served, and never both", () => {
    for (const flag of FLAGS_OF_ANYCABLE) {
      expect({ flag, served: flags.includes(flag) }).toEqual({ flag, served: !isFlagNotServed(flag) });
    }
    expect(flags.filter((flag) => !FLAGS_OF_ANYCABLE.includes(flag)).sort()).toEqual([...OUR_FLAGS].sort());
  });

  test("gives every name to one option", () => {
    for (const names of [
      flags,
      OPTIONS.flatMap((option) => option.env),
      OPTIONS.flatMap((option) => [option.toml, option.tomlAlias].filter((key) => key !== null)),
      OPTIONS.flatMap((option) => option.short ?? []),
    ]) {
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test("names the unit where the code counts milliseconds", () => {
    for (const { options } of SECTIONS) {
      for (const [name, { kind }] of Object.entries(options)) {
        const counted = kind === "seconds" || kind === "milliseconds";
        expect({ name, inMs: name.endsWith("Ms") }).toEqual({
          name,
          inMs: counted && name !== "disconnectTimeout",
        });
      }
    }
  });

  test("has defaults that its own options take", () => {
    for (const option of OPTIONS) {
      expect(option.fromToml(option.toToml(option.default))).toEqual({ ok: true, value: option.default });
    }
  });

  test("has a sentence for every option", () => {
    for (const { flag, toml, help } of OPTIONS) {
      expect({ flag, toml, help }).toEqual({ flag, toml, help: expect.stringMatching(/^[A-Z].*\.$/) });
    }
  });
});
