import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Broadcaster, createTokenEndpoint, createTokens, nodeListener, type Tokens } from "@hawser/sdk";
import { startDeckApplication } from "../clients/deck-application.ts";

/** An application that gives out tokens, answers the server's calls and publishes numbers. */
export interface IssuingApplication {
  readonly rpcPort: number;
  readonly tokenUrl: string;
  /** Tokens and publications are signed with this secret from now on, as after a deployment. */
  signWith(secret: string): void;
  /** Publishes 1, 2, 3 and so on, at these servers, until `stop`; resolves then with the last number. */
  count(deck: string, broadcastPorts: readonly number[], everyMs: number): { stop(): Promise<number> };
  stop(): Promise<void>;
}

export async function startIssuingApplication(secret: string): Promise<IssuingApplication> {
  const deck = await startDeckApplication();
  let current = secret;
  let tokens: Tokens = createTokens({ secret });
  const endpoint = createTokenEndpoint({
    tokens: {
      issue: (...asked) => tokens.issue(...asked),
      issueWithExpiry: (...asked) => tokens.issueWithExpiry(...asked),
      verify: (token) => tokens.verify(token),
    },
    identify: (request) => ({ identifiers: { user: new URL(request.url).searchParams.get("user") ?? "" } }),
  });
  const web = createServer(nodeListener(endpoint));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  // `as`: it listens on TCP.
  const { port } = web.address() as AddressInfo;
  const publishers = new Map<string, Broadcaster>();
  const publisherAt = (at: number, signer: string): Broadcaster => {
    const known = publishers.get(`${at} ${signer}`);
    const publisher = known ?? deck.publishTo(at, signer);
    publishers.set(`${at} ${signer}`, publisher);
    return publisher;
  };
  return {
    rpcPort: deck.rpcPort,
    tokenUrl: `http://127.0.0.1:${port}/token?user=`,
    signWith(next) {
      current = next;
      tokens = createTokens({ secret: next });
    },
    count(name, broadcastPorts, everyMs) {
      let number = 0;
      // One request after another, so that the order holds across a change of the secret.
      const published = broadcastPorts.map(() => Promise.resolve());
      const timer = setInterval(() => {
        number += 1;
        const [data, signer] = [number, current];
        for (const [at, port] of broadcastPorts.entries()) {
          published[at] = (published[at] ?? Promise.resolve()).then(() =>
            publisherAt(port, signer).broadcast(`deck:${name}`, data),
          );
        }
      }, everyMs);
      return {
        async stop() {
          clearInterval(timer);
          await Promise.all(published);
          return number;
        },
      };
    },
    async stop() {
      web.closeAllConnections();
      web.close();
      await deck.stop();
    },
  };
}
