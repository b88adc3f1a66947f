import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  CommandMessage,
  CommandResponse,
  ConnectionRequest,
  ConnectionResponse,
  DisconnectRequest,
  DisconnectResponse,
  Status,
} from "./gen/rpc.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (text: string) => Buffer.from(text.replace(/\s/g, ""), "hex");
const EMPTY_ENV = { url: "", headers: {}, cstate: {}, istate: {} };

describe("field numbers, against bytes written by hand", () => {
  test("Connect carries its env in field 3, and the maps in 2, 3 and 4", () => {
    const env = { url: "u", headers: { h: "1" }, cstate: { c: "2" }, istate: { i: "3" } };
    expect(hex(ConnectionRequest.encode({ env }).finish())).toBe(
      hex(bytes("1a1b 0a0175 1206 0a0168 120131 1a06 0a0163 120132 2206 0a0169 120133")),
    );
  });

  test("Command has the four strings first and env in field 5; an empty string takes no room", () => {
    const message = { command: "a", identifier: "b", connectionIdentifiers: "c", data: "d", env: EMPTY_ENV };
    expect(hex(CommandMessage.encode(message).finish())).toBe(hex(bytes("0a0161 120162 1a0163 220164 2a00")));
    expect(hex(CommandMessage.encode({ ...message, data: "", env: undefined }).finish())).toBe(
      hex(bytes("0a0161 120162 1a0163")),
    );
  });

  test("Disconnect has env in field 5 and nothing in 3 and 4", () => {
    const message = { identifiers: "a", subscriptions: ["b", "c"], env: EMPTY_ENV };
    expect(hex(DisconnectRequest.encode(message).finish())).toBe(hex(bytes("0a0161 120162 120163 2a00")));
  });

  test("a Connect reply is read field by field", () => {
    expect(
      ConnectionResponse.decode(bytes("0801 120161 1a0162 1a0163 220164 2a08 0a06 0a0165 120166")),
    ).toEqual({
      status: Status.SUCCESS,
      identifiers: "a",
      transmissions: ["b", "c"],
      errorMsg: "d",
      env: { cstate: { e: "f" }, istate: {} },
    });
  });

  test("a Command reply is read field by field, presence among them", () => {
    const reply = bytes(
      "0802 1001 1801 220161 2a0162 320163 3a08 1206 0a0164 120165 420166 4a08 0a046a6f696e 2005",
    );
    expect(CommandResponse.decode(reply)).toEqual({
      status: Status.FAILURE,
      disconnect: true,
      stopStreams: true,
      streams: ["a"],
      transmissions: ["b"],
      errorMsg: "c",
      env: { cstate: {}, istate: { d: "e" } },
      stoppedStreams: ["f"],
      presence: { type: "join", id: "", info: "", ttl: 5 },
    });
  });

  test("an empty reply is an error, and unknown fields are passed over", () => {
    expect(DisconnectResponse.decode(new Uint8Array())).toEqual({ status: Status.ERROR, errorMsg: "" });
    expect(DisconnectResponse.decode(bytes("0801 a206 0161 f801 01")).status).toBe(Status.SUCCESS);
  });
});

test("a Command survives encoding and decoding, whatever its text", () => {
  const text = fc.string({ unit: "grapheme" });
  const map = fc.dictionary(
    text.filter((key) => key !== "__proto__"),
    text,
  );
  fc.assert(
    fc.property(text, text, text, map, map, (identifier, data, url, headers, istate) => {
      const message = {
        command: "message",
        identifier,
        connectionIdentifiers: data,
        data,
        env: { url, headers, cstate: {}, istate },
      };
      const back = CommandMessage.decode(CommandMessage.encode(message).finish());
      expect(JSON.stringify(back)).toBe(JSON.stringify({ ...message, env: { ...message.env } }));
    }),
  );
});

test("bytes that are no message either throw or give a message; they never hang or reach into a prototype", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      try {
        CommandResponse.decode(noise);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Error);
      }
    }),
  );
  expect(
    ConnectionResponse.decode(bytes("2a12 0a10 0a09 5f5f70726f746f5f5f 1203 626164")).env?.cstate,
  ).toEqual({});
  expect(({} as Record<string, unknown>).bad).toBeUndefined();
});

test("the generated file is what the contract generates", () => {
  const folder = mkdtempSync(join(tmpdir(), "hawser-proto-"));
  try {
    const root = join(import.meta.dir, "..");
    const modules = join(root, "../../node_modules/.bin");
    const run = Bun.spawnSync([join(modules, "buf"), "generate", "--output", folder], {
      cwd: root,
      env: { ...process.env, PATH: `${modules}:${process.env.PATH}` },
    });
    expect(run.stderr.toString()).toBe("");
    const fresh = readFileSync(join(folder, "src/gen/rpc.ts"), "utf8");
    expect(fresh).toBe(readFileSync(join(import.meta.dir, "gen/rpc.ts"), "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
