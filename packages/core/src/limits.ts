/** Every cap on what a peer may send that is not an option. A cap that operators may need to move is an option. */
export const LIMITS = {
  /** RFC 7519 sets no depth; real claims nest a handful of levels, and a deep value only costs us stack. */
  maxJsonDepth: 32,
  /** A header names an algorithm and a key. Past this it is an attack on the parser. */
  maxTokenHeaderBytes: 2048,
  /** Key names end up in log lines and map look-ups. */
  maxKidLength: 128,
  /** Without a `kid` every key of the algorithm is tried; bounds the work that one bad token can cause. */
  maxKeysTried: 8,
  /** Entries of a set that an issuer publishes; real ones have a handful. Importing thousands keeps everybody waiting. */
  maxPublishedKeys: 100,
  /** RFC 7519 4.1.4: leeway is "usually no more than a few minutes". */
  maxLeewayS: 300,
  /** Malformed frames a minute before a connection is closed with 1008 (D6). */
  maxBadFramesPerMinute: 20,
  /**
   * Tokens that one connection may show in `auth` commands, in a minute and at once. A client needs one in a token's life, and a
   * signature of RSA with 16384 bits takes 2 ms to check.
   */
  maxTokensPerMinute: 20,
  /** What a client's waiting commands may hold, and at least four messages: 64 large ones are no queue but a load. */
  maxPendingCommandBytes: 1024 * 1024,
  /** The same before the client is let in: whoever can reach the port may fill it. One message is always taken. */
  maxEarlyCommandBytes: 64 * 1024,
  /** Parameters of a connection's URL. Undoing the escapes of a hundred thousand would keep everybody else waiting. */
  maxQueryPairs: 256,
  /** What cached sessions may weigh: whoever may come without a token can leave as many as there is room for. */
  maxCachedSessionBytes: 256 * 1024 * 1024,
  /** Characters of a client's id and info in presence. Everyone who asks gets them all; a name and a picture need 200. */
  maxPresenceRecord: 4 * 1024,
  /** Of all streams that one session is on, with their names: a little for each of its subscriptions. */
  maxPresenceOfSession: 256 * 1024,
  /** Of all members of one stream: the list is one frame, and past this a client would be cut for what it waits for. */
  maxPresenceOfStream: 4 * 1024 * 1024,
  /** Of all sessions whose connection is gone: past it the first of them are gone before their time. */
  maxPresenceOfLost: 64 * 1024 * 1024,
  /** Of one revocation. No token with longer identifiers is looked at (`--jwt_max_token_bytes` goes no further). */
  maxRevokedLength: 32_768,
  /** How much of a client's frame a log line may quote. */
  maxQuotedBytes: 100,
} as const;
