import { createPrivateKey, X509Certificate } from "node:crypto";

/** Why this pair cannot serve TLS, or null when it can. The first certificate of the file counts: it is the server's. */
export function certificateFault(certPem: string, keyPem: string): "certificate" | "key" | "pair" | null {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(certPem);
  } catch {
    return "certificate";
  }
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem)) ? null : "pair";
  } catch {
    return "key";
  }
}

/** The last instant of the first certificate, in milliseconds since the epoch. The text is one, as `certificateFault` says. */
export function certificateEndMs(certPem: string): number {
  return Date.parse(new X509Certificate(certPem).validTo);
}
