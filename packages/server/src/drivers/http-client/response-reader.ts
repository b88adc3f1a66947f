/** A whole answer (RFC 9112). */
export interface HttpResponse {
  readonly status: number;
  /** By lower-case name; of several of one name the last. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** Whether the connection can carry another request. */
  readonly reusable: boolean;
}

/** Why there is no answer to be had from these bytes. */
export interface ResponseProblem {
  readonly problem: "no_http" | "too_large" | "cut_short";
  readonly reason: string;
}

const MAX_HEAD_BYTES = 64 * 1024;
/** Size line of a chunk with whatever extensions. */
const MAX_LINE_BYTES = 4096;
const CRLF = "\r\n";

const notHttp = (reason: string): ResponseProblem => ({ problem: "no_http", reason });

/** Takes one answer together from the bytes of a connection. */
export class ResponseReader {
  readonly #maxBodyBytes: number;
  #phase: "head" | "length" | "chunk size" | "chunk" | "chunk end" | "trailers" | "to the end" = "head";
  #rest: Buffer = EMPTY;
  #status = 0;
  #headers: ReadonlyMap<string, string> = new Map();
  #reusable = true;
  #parts: Buffer[] = [];
  #size = 0;
  /** Of the body or of the chunk. */
  #awaited = 0;

  constructor(maxBodyBytes: number) {
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Whether any of the answer has come. */
  get begun(): boolean {
    return this.#phase !== "head" || this.#rest.length > 0;
  }

  /** Null while more is needed. */
  feed(bytes: Buffer): HttpResponse | ResponseProblem | null {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const came = this.#step();
      if (came === "more") return null;
      if (came !== "on") return came;
    }
  }

  /** The connection has ended: what came of the answer, whose length may have been left to that. */
  end(): HttpResponse | ResponseProblem {
    if (this.#phase === "to the end") return this.#whole(false);
    const reason = this.begun
      ? "the connection ended within the answer"
      : "the connection ended before the answer";
    return { problem: "cut_short", reason };
  }

  #step(): "more" | "on" | HttpResponse | ResponseProblem {
    switch (this.#phase) {
      case "head":
        return this.#head();
      case "length":
      case "chunk":
      case "to the end":
        return this.#content();
      case "chunk size":
        return this.#chunkSize();
      case "chunk end":
      case "trailers":
        return this.#lineAfterChunk();
    }
  }

  #head(): "more" | "on" | HttpResponse | ResponseProblem {
    const end = this.#rest.indexOf("\r\n\r\n");
    if (!looksLikeHttp(this.#rest)) return notHttp("it does not begin like HTTP/1.1");
    if (end > MAX_HEAD_BYTES || (end < 0 && this.#rest.length > MAX_HEAD_BYTES)) {
      return { problem: "too_large", reason: `its headers have more than ${MAX_HEAD_BYTES} bytes` };
    }
    if (end < 0) return "more";
    const lines = this.#rest.toString("latin1", 0, end).split(CRLF);
    this.#rest = this.#rest.subarray(end + 4);
    const [, minor, status] = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/.exec(lines[0] ?? "") ?? [];
    if (status === undefined) return notHttp("its first line is not that of HTTP/1.1");
    const headers = headersIn(lines);
    if (headers === null) return notHttp("a header line of it has no name");
    this.#status = Number(status);
    // Interim answers, such as 103 Early Hints; the final one follows.
    if (this.#status < 200) return this.#status === 101 ? notHttp("it switches to another protocol") : "on";
    this.#headers = headers;
    const connection = headers.get("connection")?.toLowerCase() ?? "";
    this.#reusable = minor === "1" ? !connection.includes("close") : connection.includes("keep-alive");
    return this.#framing();
  }

  /** RFC 9112 6.3. */
  #framing(): "on" | HttpResponse | ResponseProblem {
    const coding = this.#headers.get("transfer-encoding")?.toLowerCase();
    const length = this.#headers.get("content-length");
    if (this.#status === 204 || this.#status === 304) return this.#whole(this.#reusable);
    if (coding !== undefined) {
      if (coding !== "chunked") return notHttp(`its transfer coding is not chunked`);
      // Two lengths are how answers are smuggled: the one that counts is taken, and nothing after it.
      if (length !== undefined) this.#reusable = false;
      this.#phase = "chunk size";
      return "on";
    }
    if (length === undefined) {
      this.#phase = "to the end";
      return "on";
    }
    if (!/^\d{1,15}$/.test(length)) return notHttp("its Content-Length is no number");
    this.#phase = "length";
    return this.#expect(Number(length)) ?? "on";
  }

  #content(): "more" | "on" | HttpResponse | ResponseProblem {
    if (this.#phase === "to the end") {
      const tooLarge = this.#expect(this.#rest.length);
      if (tooLarge !== null) return tooLarge;
    }
    const part = this.#rest.subarray(0, this.#awaited);
    if (part.length > 0) this.#parts.push(part);
    this.#rest = this.#rest.subarray(part.length);
    this.#awaited -= part.length;
    if (this.#awaited > 0 || this.#phase === "to the end") return "more";
    if (this.#phase === "length") return this.#whole(this.#reusable);
    this.#phase = "chunk end";
    return "on";
  }

  #chunkSize(): "more" | "on" | ResponseProblem {
    const line = this.#line();
    if (typeof line !== "string") return line ?? "more";
    const digits = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(line)?.[1];
    if (digits === undefined) return notHttp("the size of a chunk is no number");
    const size = Number.parseInt(digits, 16);
    this.#phase = size === 0 ? "trailers" : "chunk";
    return this.#expect(size) ?? "on";
  }

  #lineAfterChunk(): "more" | "on" | HttpResponse | ResponseProblem {
    const line = this.#line();
    if (typeof line !== "string") return line ?? "more";
    if (this.#phase === "trailers") return line === "" ? this.#whole(this.#reusable) : "on";
    if (line !== "") return notHttp("a chunk is longer than it says");
    this.#phase = "chunk size";
    return "on";
  }

  /** The next line without its end; null while it is not whole. */
  #line(): string | ResponseProblem | null {
    const end = this.#rest.indexOf(CRLF);
    if (end > MAX_LINE_BYTES || (end < 0 && this.#rest.length > MAX_LINE_BYTES)) {
      return notHttp("a line between its chunks does not end");
    }
    if (end < 0) return null;
    const line = this.#rest.toString("latin1", 0, end);
    this.#rest = this.#rest.subarray(end + 2);
    return line;
  }

  #expect(bytes: number): ResponseProblem | null {
    this.#awaited = bytes;
    this.#size += bytes;
    if (this.#size <= this.#maxBodyBytes) return null;
    return { problem: "too_large", reason: `more than ${this.#maxBodyBytes} bytes` };
  }

  #whole(reusable: boolean): HttpResponse {
    const [only = EMPTY] = this.#parts;
    return {
      status: this.#status,
      headers: this.#headers,
      body: this.#parts.length < 2 ? only : Buffer.concat(this.#parts),
      // Bytes behind the answer belong to nothing that was asked.
      reusable: reusable && this.#rest.length === 0,
    };
  }
}

const EMPTY = Buffer.alloc(0);

function looksLikeHttp(bytes: Buffer): boolean {
  return "HTTP/1.".startsWith(bytes.toString("latin1", 0, 7));
}

/** Null when a line is none. */
function headersIn(lines: readonly string[]): Map<string, string> | null {
  const headers = new Map<string, string>();
  for (let at = 1; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    const colon = line.indexOf(":");
    if (colon < 1) return null;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    // Two different lengths: neither can be believed (RFC 9112 6.3).
    if (name === "content-length" && (headers.get(name) ?? value) !== value) return null;
    headers.set(name, value);
  }
  return headers;
}
