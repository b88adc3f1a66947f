import { expect } from "bun:test";
import { Status } from "@hawser/proto/gen/rpc";
import { createStreams } from "../src/streams/index.ts";
import { createTokens } from "../src/tokens/index.ts";
import { type Announced, callService } from "./run-service.ts";

/** Uses every part of the small service once. */
export async function expectWholeService(
  service: Announced,
  publications: readonly unknown[],
  secret: string,
): Promise<void> {
  const tokens = createTokens({ secret });
  expect(service).toMatchObject({
    own: true,
    oneClass: true,
    signed: createStreams({ secret }).sign("chat"),
  });
  expect(tokens.verify(service.token)).toMatchObject({ accepted: true, identifiers: { name: "ann" } });
  const asked = await fetch(`http://127.0.0.1:${service.httpPort}/token`, { method: "POST", body: "bén" });
  expect(tokens.verify(Object(await asked.json()).token)).toMatchObject({ identifiers: { name: "bén" } });
  expect(await callService(service.port, { command: "subscribe", data: "" })).toMatchObject({
    status: Status.SUCCESS,
    streams: ["lobby"],
    env: { istate: { $w: "lobby" } },
  });
  const data = '{"action":"speak","text":"hé"}';
  expect(await callService(service.port, { command: "message", data })).toMatchObject({
    status: Status.SUCCESS,
    errorMsg: "",
  });
  expect(publications).toEqual([{ stream: "lobby", data: '{"text":"hé"}' }]);
}
