import { pubsubRoute } from "@hawser/core/router/pubsub-route";
import type { Route, Router } from "@hawser/core/router/router";
import { SIGNED_CHANNELS, signedRoute } from "@hawser/core/router/signed-route";
import { createStreamVerifier, type StreamVerifier } from "@hawser/core/signed/stream-name";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import type { ServerKeys, StreamPurpose } from "./server-keys.ts";

type Streams = ResolvedConfig["streams"];

/** The channels that this server confirms by itself (anycable cli/cli.go@1.6.16, defaultRouter). */
export function channelRouter(streams: Streams, keys: Pick<ServerKeys, "streamKeys">): Router {
  const { pubsubChannel, public: publicStreams, whisper, presence } = streams;
  const routes = new Map<string, Route>();
  if (pubsubChannel !== null) {
    const verify = verifierOf("streams", keys);
    routes.set(pubsubChannel, pubsubRoute({ publicStreams, verify, whisper, presence }));
  }
  for (const { name, channel, member, secret } of signedChannels(streams)) {
    if (secret !== null) routes.set(channel, signedRoute(member, verifierOf(name, keys)));
  }
  return routes;
}

/** Their names, for the line at start. */
export function channelNames(streams: Streams): readonly string[] {
  const signed = signedChannels(streams).filter(({ secret }) => secret !== null);
  return [streams.pubsubChannel, ...signed.map(({ channel }) => channel)].filter((name) => name !== null);
}

function signedChannels({ turboSecret, cableReadySecret }: Streams) {
  return [
    { name: "turbo", ...SIGNED_CHANNELS.turbo, secret: turboSecret },
    { name: "cable_ready", ...SIGNED_CHANNELS.cableReady, secret: cableReadySecret },
  ] as const;
}

function verifierOf(purpose: StreamPurpose, keys: Pick<ServerKeys, "streamKeys">): StreamVerifier {
  return createStreamVerifier(() => keys.streamKeys(purpose));
}
