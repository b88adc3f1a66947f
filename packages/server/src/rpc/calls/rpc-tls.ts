import { CableError, messageOf } from "@hawser/core/errors";
import { clientTls, type TlsStart } from "../../drivers/client-tls.ts";
import { fileExists, readTextFile } from "../../drivers/files.ts";

export interface RpcTlsOptions {
  /** A root CA turns TLS on by itself. */
  readonly enableTls: boolean;
  readonly tlsVerify: boolean;
  /** A path, or PEM text; null or empty for the system's roots. */
  readonly tlsRootCa: string | null;
}

export function wantsTls({ enableTls, tlsRootCa }: RpcTlsOptions): boolean {
  return enableTls || (tlsRootCa ?? "") !== "";
}

/** Null for plain text. @throws CableError `config_invalid` when the certificates cannot be used. */
export function rpcTls(options: RpcTlsOptions, protocol: "h2" | "http/1.1"): TlsStart | null {
  if (!wantsTls(options)) return null;
  const { tlsRootCa, tlsVerify } = options;
  const rootCa = tlsRootCa === "" ? null : tlsRootCa;
  try {
    return clientTls({ protocol, rootCa: rootCa === null ? null : pemText(rootCa), verify: tlsVerify });
  } catch (thrown) {
    const text = `cannot use rpc_tls_root_ca: ${messageOf(thrown)}; give a PEM file, or the PEM text itself`;
    throw new CableError("config_invalid", text, { cause: thrown });
  }
}

function pemText(fileOrText: string): string {
  if (fileOrText.includes("-----BEGIN ")) return fileOrText;
  if (!fileExists(fileOrText)) throw new Error(`there is no file "${fileOrText}"`);
  return readTextFile(fileOrText);
}
