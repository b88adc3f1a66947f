import { parseArgs } from "node:util";

/** What a bench of a broker gives it. */
export interface BrokerLoad {
  readonly streams: number;
  /** Of each stream. */
  readonly messages: number;
  /** Of each message. */
  readonly bytes: number;
}

/** Reads `--streams`, `--messages` and `--bytes`. */
export function readLoad(streams: number): BrokerLoad {
  const { values } = parseArgs({
    options: {
      streams: { type: "string", default: `${streams}` },
      messages: { type: "string", default: "100" },
      bytes: { type: "string", default: "200" },
    },
  });
  return {
    streams: Number(values.streams),
    messages: Number(values.messages),
    bytes: Number(values.bytes),
  };
}
