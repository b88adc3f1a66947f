import { CableError } from "@hawser/core/errors";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { type NatsCredentials, parseNatsCredentials } from "../drivers/nats/nats-credentials.ts";
import type { NatsTarget } from "../drivers/nats/nats-link.ts";
import { readNamedFile, readPemFile } from "./named-file.ts";

/** @throws CableError `io_failed` or `config_invalid` when a file for TLS or for the login cannot be used. */
export function natsTarget({ address, inOrder, credentialsPath, tls }: ResolvedConfig["nats"]): NatsTarget {
  const { caPath, client } = tls;
  return {
    ...{ address, inOrder },
    credentials: credentialsPath === null ? null : freshCredentials(credentialsPath),
    tls: {
      ca: caPath === null ? null : readPemFile(caPath, "--nats_tls_ca_cert_path"),
      cert: client === null ? null : readPemFile(client.certPath, "--nats_tls_client_cert_path"),
      key: client === null ? null : readPemFile(client.keyPath, "--nats_tls_client_key_path"),
    },
  };
}

/** What is in the file at the time; while it cannot be used, what was in it before. */
function freshCredentials(path: string): () => NatsCredentials {
  let last = readCredentials(path);
  return () => {
    try {
      last = readCredentials(path);
    } catch {
      // Between the end of the one file and the whole of the next one; NATS says whether what there was still counts.
    }
    return last;
  };
}

function readCredentials(path: string): NatsCredentials {
  const credentials = parseNatsCredentials(readNamedFile(path, "--nats_creds_path"));
  if (credentials !== null) return credentials;
  const what =
    "it holds no JWT with a seed, and no seed alone; name a file as `nsc generate creds` writes it";
  throw new CableError("config_invalid", `read ${path} (--nats_creds_path): ${what}`);
}
