import { expect, test } from "bun:test";
import { parseNatsCredentials } from "./nats-credentials.ts";

const SEED = `SU${"A7".repeat(28)}`;
const JWT = "eyJ0.eyJ-_x.c2ln";
const jwtPart = `-----BEGIN NATS USER JWT-----\n${JWT}\n------END NATS USER JWT------\n`;
const seedPart = `-----BEGIN USER NKEY SEED-----\n${SEED}\n------END USER NKEY SEED------\n`;

test.each([
  ["a credentials file", `${jwtPart}\n*** IMPORTANT ***\n\n${seedPart}\n****`, { jwt: JWT, seed: SEED }],
  ["one of another system", `${jwtPart}${seedPart}`.replaceAll("\n", "\r\n"), { jwt: JWT, seed: SEED }],
  ["a seed", `${SEED}\n`, { jwt: null, seed: SEED }],
  ["a seed between its lines", seedPart, { jwt: null, seed: SEED }],
])("%s is read", (_what, text, expected) => {
  expect(parseNatsCredentials(text)).toEqual(expected);
});

test.each([
  ["nothing", ""],
  ["a JWT alone", jwtPart],
  ["a JWT that is none", `${jwtPart.replace(JWT, "x")}${seedPart}`],
  ["the seed of an account", seedPart.replace("SU", "SA")],
  ["a seed that is cut", SEED.slice(0, -1)],
])("%s is refused", (_what, text) => {
  expect(parseNatsCredentials(text)).toBeNull();
});
