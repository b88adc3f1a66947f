import { bytes, flag, section, text } from "@hawser/core/options";

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
  maxRecvBytes: bytes({
    flag: "rpc_max_call_recv_size",
    toml: "rpc.max_recv_size",
    default: 0,
    hidden: true,
    help: "Largest reply of the service. 0 for gRPC's own limit, 4 MiB.",
  }),
  maxSendBytes: bytes({
    flag: "rpc_max_call_send_size",
    toml: "rpc.max_send_size",
    default: 0,
    hidden: true,
    help: "Largest request to the service. 0 sets no limit.",
  }),
});
