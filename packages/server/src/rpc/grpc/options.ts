import { bytes, flag, integer, section, text } from "@hawser/core/options";

export const GRPC = section("gRPC", {
  enableTls: flag({
    flag: "rpc_enable_tls",
    toml: "rpc.enable_tls",
    hidden: true,
    help: "Call the service over TLS.",
  }),
  tlsVerify: flag({
    flag: "rpc_tls_verify",
    toml: "rpc.tls_verify",
    default: true,
    hidden: true,
    help: "Whether the service's certificate is checked; turning it off lets anyone in between answer.",
  }),
  tlsRootCa: text({
    flag: "rpc_tls_root_ca",
    toml: "rpc.tls_root_ca_path",
    hidden: true,
    placeholder: "FILE|PEM",
    help: "Certificates that sign the service's, as a file or as the PEM text itself. Turns TLS on.",
  }),
  poolSize: integer({
    flag: "rpc_pool_size",
    // ANYCABLE_RPC_POOL_SIZE is the number of threads of the Ruby gem's service, which often shares the environment.
    env: [],
    toml: "rpc.pool_size",
    default: 1,
    min: 1,
    max: 64,
    help:
      "Connections to each address of the service. More than one where something in front of it, such as a balancer of TCP " +
      "connections, would have a single one all at one worker.",
  }),
  maxRecvBytes: bytes({
    flag: "rpc_max_call_recv_size",
    toml: "rpc.max_recv_size",
    default: 0,
    hidden: true,
    help: "Largest reply of the application, over HTTP as well. 0 for gRPC's own limit, 4 MiB.",
  }),
  maxSendBytes: bytes({
    flag: "rpc_max_call_send_size",
    toml: "rpc.max_send_size",
    default: 0,
    hidden: true,
    help: "Largest request to the application, over HTTP as well. 0 sets no limit.",
  }),
});
