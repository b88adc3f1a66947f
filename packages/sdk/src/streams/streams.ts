import { CableError } from "@hawser/core/errors";
import { SIGNED_CHANNELS } from "@hawser/core/router/signed-route";
import { createStreamVerifier, signStreamName } from "@hawser/core/signed/stream-name";
import { createMessageKey } from "../drivers/crypto.ts";
import { attributesText } from "../html.ts";

/** What signed streams are made with. */
export interface StreamsOptions {
  /**
   * The server's `--streams_secret`, or its `--secret` when that has none. Turbo's and CableReady's streams may have
   * secrets of their own (`--turbo_streams_secret`, `--cable_ready_secret`): sign those with streams of that secret.
   */
  readonly secret: string;
}

/** What became of a signed name. */
export type SignedStreamVerdict =
  | { readonly verified: true; readonly stream: string }
  /** `why` is a phrase for the log, and quotes nothing of the name. */
  | { readonly verified: false; readonly why: string };

/** Lets clients follow streams without asking the application: whoever has a signed name may follow that stream. */
export interface Streams {
  /**
   * The signed name of a stream, for `cable.streamFromSigned(...)`, or `signed_stream_name` in an identifier of the channel
   * `$pubsub`. It never expires: give it to those only who may follow the stream for good, or name the stream anew.
   */
  sign(stream: string): string;
  /** Judges a signed name as the server does. Never throws. */
  verify(signed: string): SignedStreamVerdict;
  /**
   * The HTML element that makes Turbo follow a stream: publish `<turbo-stream>` elements to it, as texts. More attributes
   * are the element's, and those that start with `data-` its channel's parameters.
   */
  turboSource(stream: string, attributes?: Readonly<Record<string, string>>): string;
}

/**
 * Signs stream names with one secret and judges them.
 *
 * @throws CableError `config_invalid` for an empty secret.
 */
export function createStreams({ secret }: StreamsOptions): Streams {
  if (secret === "") {
    throw new CableError(
      "config_invalid",
      "Cannot sign stream names with an empty secret: anyone could. Give the server's --streams_secret or --secret.",
    );
  }
  const key = createMessageKey("streams", secret);
  const keys = [key];
  const judge = createStreamVerifier(() => keys);
  const { channel, member } = SIGNED_CHANNELS.turbo;
  const signedMember = member.replaceAll("_", "-");
  return {
    sign: (stream) => signStreamName(stream, key),
    verify(signed) {
      const verdict = judge(signed);
      return verdict.verified ? { verified: true, stream: verdict.stream } : verdict;
    },
    turboSource(stream, attributes = {}) {
      const all = { ...attributes, channel, [signedMember]: signStreamName(stream, key) };
      return `<turbo-cable-stream-source ${attributesText(all)}></turbo-cable-stream-source>`;
    },
  };
}

/**
 * The name that Rails and Turbo give to the stream of several things: `streamName("rooms", 7)` is `rooms:7`.
 *
 * @throws Error when there are no parts, or one is empty or holds a colon: two lists of parts would have one name, and the
 *   followers of one stream would hear the other.
 */
export function streamName(...parts: readonly (string | number)[]): string {
  const texts = parts.map(String);
  if (texts.length === 0 || texts.some((text) => text === "" || text.includes(":"))) {
    throw new Error(
      "Cannot name a stream: it needs parts, none of them empty or with a colon in it. Encode those that may be.",
    );
  }
  return texts.join(":");
}
