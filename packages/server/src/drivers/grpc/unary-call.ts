import type { ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import type { GrpcCall, GrpcCallSink, ReplyHeader } from "./channel.ts";
import type { Connection } from "./connection.ts";
import {
  failureOfHttpStatus,
  failureOfReset,
  GRPC_STATUS,
  type GrpcFailure,
  REFUSED_STREAM,
} from "./status.ts";

/** What a call needs of its channel. */
export interface CallHost {
  readonly authority: string;
  readonly scheme: string;
  readonly maxRecvBytes: number;
  readonly replyHeader: ReplyHeader | null;
  /** Starts the call on a connection, now or when one stands, or fails it. */
  place(call: UnaryCall): void;
  /** The call waits no longer. */
  leave(call: UnaryCall): void;
}

/** One gRPC message in front of its bytes: compressed or not, and how long (PROTOCOL-HTTP2, Length-Prefixed-Message). */
const FRAME_HEADER_BYTES = 5;
/** PROTOCOL-HTTP2: a timeout has at most eight digits. */
const MAX_TIMEOUT_MS = 99_999_999;
const RST_CANCEL = 8;

type CallStream = ClientHttp2Stream & { readonly call: UnaryCall };

/** One request and its reply: a stream of one connection, or of a second one when the server refused the first untouched. */
export class UnaryCall implements GrpcCall {
  readonly #host: CallHost;
  readonly #headers: OutgoingHttpHeaders;
  readonly #frame: Uint8Array;
  readonly #sink: GrpcCallSink;
  #connection: Connection | null = null;
  #stream: CallStream | null = null;
  #refused = false;
  #done = false;
  readonly #chunks: Buffer[] = [];
  #received = 0;
  /** How long the message says that it is. */
  #declared: number | null = null;
  #httpStatus = 0;
  /** gRPC's, once it has come. */
  #status: number | null = null;
  #details = "";

  constructor(
    host: CallHost,
    method: string,
    frame: Uint8Array,
    headers: Readonly<Record<string, string>>,
    timeoutMs: number,
    sink: GrpcCallSink,
  ) {
    this.#host = host;
    this.#headers = headerLines(host, method, headers, timeoutMs);
    this.#frame = frame;
    this.#sink = sink;
  }

  /** False when the connection has just ended, and nothing was sent. */
  start(connection: Connection): boolean {
    const opened = connection.request(this.#headers);
    if (opened === null) return false;
    const stream = Object.assign(opened, { call: this });
    this.#connection = connection;
    this.#stream = stream;
    // Functions that all calls share: the stream, which each has for itself, says which call it is.
    stream.on("response", onResponse);
    stream.on("data", onData);
    stream.on("trailers", onTrailers);
    stream.on("error", onError);
    stream.on("close", onClose);
    stream.end(this.#frame);
    return true;
  }

  cancel(code: number, details: string): void {
    if (this.#done) return;
    this.#host.leave(this);
    this.#cutStream();
    this.fail({ code, details });
  }

  peer(): string {
    return this.#connection?.peer ?? this.#host.authority;
  }

  /** Ends the call without a reply. */
  fail({ code, details }: GrpcFailure): void {
    if (this.#done) return;
    this.#done = true;
    this.#sink.failed(code, details);
  }

  responded(headers: IncomingHttpHeaders): void {
    this.#httpStatus = Number(headers[":status"] ?? 0);
    const { replyHeader } = this.#host;
    const heard = replyHeader === null ? undefined : headers[replyHeader.name];
    if (typeof heard === "string") replyHeader?.heard(heard);
    // Headers that are trailers at once: the server failed the call before it had anything to say.
    if (headers["grpc-status"] !== undefined) this.ended(headers);
  }

  received(chunk: Buffer): void {
    if (this.#done) return;
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    if (this.#received < FRAME_HEADER_BYTES) return;
    this.#declared ??= this.#bytes().readUInt32BE(1);
    const size = Math.max(this.#declared, this.#received - FRAME_HEADER_BYTES);
    if (size <= this.#host.maxRecvBytes) return;
    this.#cutStream();
    // A web server's page, read as a message, is too large as well: its status says more.
    this.fail(this.#httpStatus === 200 ? this.#tooLarge(size) : failureOfHttpStatus(this.#httpStatus));
  }

  ended(trailers: IncomingHttpHeaders): void {
    const status = trailers["grpc-status"];
    if (status === undefined) return;
    if (/^\d+$/.test(String(status))) {
      this.#status = Number(status);
      this.#details = percentDecoded(String(trailers["grpc-message"] ?? ""));
    } else {
      this.#status = GRPC_STATUS.UNKNOWN;
      this.#details = `the status "${status}" is none of gRPC's`;
    }
  }

  closed(rstCode: number): void {
    if (this.#done) return;
    if (this.#status === GRPC_STATUS.OK) this.#deliver();
    else if (this.#status !== null) this.fail({ code: this.#status, details: this.#details });
    else if (rstCode === REFUSED_STREAM && !this.#refused) this.#startAgain();
    else this.fail(this.#failureWithoutStatus(rstCode));
  }

  #deliver(): void {
    const bytes = this.#bytes();
    const fault = frameFault(bytes);
    if (fault !== null) {
      this.fail({ code: GRPC_STATUS.INTERNAL, details: fault });
      return;
    }
    this.#done = true;
    this.#sink.replied(bytes.subarray(FRAME_HEADER_BYTES));
  }

  /** What has come in so far; nearly always one piece. */
  #bytes(): Buffer {
    const [first] = this.#chunks;
    return first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
  }

  #startAgain(): void {
    this.#refused = true;
    this.#stream = null;
    this.#connection = null;
    this.#host.place(this);
  }

  #failureWithoutStatus(rstCode: number): GrpcFailure {
    if (this.#connection?.lost) return CONNECTION_DROPPED;
    // A server that is on its way out drops what it has without a word, before its connection is seen to end.
    const wordless = this.#httpStatus === 0 && (rstCode === 0 || rstCode === RST_CANCEL);
    if (wordless && this.#connection?.left) return CONNECTION_DROPPED;
    if (this.#httpStatus !== 0 && this.#httpStatus !== 200) return failureOfHttpStatus(this.#httpStatus);
    return rstCode === 0 ? NO_STATUS : failureOfReset(rstCode);
  }

  #tooLarge(size: number): GrpcFailure {
    const details = `Received message larger than max (${size} vs ${this.#host.maxRecvBytes})`;
    return { code: GRPC_STATUS.RESOURCE_EXHAUSTED, details };
  }

  #cutStream(): void {
    const stream = this.#stream;
    // One that waits for its turn has nothing to reset, and is not sent if it is destroyed.
    if (stream?.pending) stream.destroy();
    else stream?.close(RST_CANCEL);
  }
}

const NO_MESSAGE = "the status is OK and there is no message";
const NO_STATUS: GrpcFailure = { code: GRPC_STATUS.UNKNOWN, details: "No status information received" };
const CONNECTION_DROPPED: GrpcFailure = { code: GRPC_STATUS.UNAVAILABLE, details: "Connection dropped" };

function onResponse(this: CallStream, headers: IncomingHttpHeaders): void {
  this.call.responded(headers);
}

function onData(this: CallStream, chunk: Buffer): void {
  this.call.received(chunk);
}

function onTrailers(this: CallStream, trailers: IncomingHttpHeaders): void {
  this.call.ended(trailers);
}

/** A stream closes after its error, and its reset code says what there is to know. */
function onError(): void {}

function onClose(this: CallStream): void {
  this.call.closed(this.rstCode ?? 0);
}

/** Why the bytes are not one message, or null. */
function frameFault(bytes: Buffer): string | null {
  if (bytes.length < FRAME_HEADER_BYTES) return NO_MESSAGE;
  // Asked for no compression (PROTOCOL-HTTP2, Message-Accept-Encoding), so a compressed message is not for us.
  if (bytes[0] !== 0) return "the message is compressed, which was not asked for";
  const declared = bytes.readUInt32BE(1);
  const size = bytes.length - FRAME_HEADER_BYTES;
  return size === declared ? null : `the message has ${size} bytes and says that it has ${declared}`;
}

function headerLines(
  host: CallHost,
  method: string,
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
): OutgoingHttpHeaders {
  const lines: OutgoingHttpHeaders = {
    ":method": "POST",
    ":scheme": host.scheme,
    ":authority": host.authority,
    ":path": method,
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": "hawser",
  };
  if (timeoutMs > 0) lines["grpc-timeout"] = `${Math.min(Math.ceil(timeoutMs), MAX_TIMEOUT_MS)}m`;
  for (const name in headers) lines[name] = headerText(headers[name] ?? "");
  return lines;
}

/** RFC 9113 8.2.1: a value neither starts nor ends with a space; gRPC allows printable ASCII alone. */
const SENDABLE = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;

/** Percent-encodes what a header cannot carry. An illegal value would end the connection, and every call on it. */
function headerText(value: string): string {
  if (SENDABLE.test(value)) return value;
  return value.toWellFormed().replace(/[^\x20-\x7e]+|^ +| +$/g, encodeURIComponent);
}

function percentDecoded(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
