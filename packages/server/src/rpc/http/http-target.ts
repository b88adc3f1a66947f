import { CableError } from "@hawser/core/errors";

/** Where the application's endpoint is, taken apart. */
export interface HttpTarget {
  readonly secure: boolean;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** What goes into `Host`. */
  readonly authority: string;
  readonly origin: string;
  /** Ends without a slash; the method's name follows one. */
  readonly path: string;
  /** Of the URL, behind every path; starts with `?` or is empty. */
  readonly query: string;
}

/** Reads `--rpc_host`: `http(s)://host[:port][/path]`. @throws CableError `config_invalid` for anything else. */
export function parseHttpTarget(text: string): HttpTarget {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw invalid(text, "RPC over HTTP needs a URL that starts with http:// or https://");
  }
  if (url.username !== "" || url.password !== "") {
    throw invalid(
      "with a user name in it",
      "calls carry http_rpc_secret; leave the user name and password out",
    );
  }
  const secure = url.protocol === "https:";
  return {
    secure,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    authority: url.host,
    origin: url.origin,
    path: url.pathname.replace(/\/+$/, ""),
    query: url.search,
  };
}

function invalid(host: string, why: string): CableError {
  return new CableError("config_invalid", `cannot use rpc_host "${host}": ${why}`);
}
