import { describe, expect, test } from "bun:test";
import type { Revocation } from "../jwt/revocation/revocation.ts";
import { Revocations } from "../jwt/revocation/revocations.ts";
import type { TokenMarks } from "../jwt/revocation/token-marks.ts";
import { ACCEPTED, GOOD, NONE, setUp } from "../testing/engine-rig.ts";

const HOUR_MS = 3_600_000;

/** An engine whose tokens are the JSON of what they say. */
function engineWith(places = 1000) {
  const written: Revocation[] = [];
  const shared: { readonly added: readonly Revocation[]; readonly isFirst: boolean }[] = [];
  const rig = setUp({
    admission: {
      noAuth: true,
      verify: (token) => {
        const { ext = "ann", ...marks }: Partial<TokenMarks> & { ext?: string } = JSON.parse(token);
        return { ...ACCEPTED, identity: ext, marks: { ...ACCEPTED.marks, ...marks } };
      },
    },
    revocations: {
      inForce: new Revocations(places),
      write: (added) => void written.push(...added),
      share: (added, isFirst) => void shared.push({ added, isFirst }),
    },
  });
  const connect = (claims: Partial<TokenMarks> & { ext?: string } = {}, resumable = false) =>
    rig.open({ ...GOOD, token: JSON.stringify(claims), carrier: "header" }, {}, resumable);
  const found = (by: Revocation["by"], value: string, issuedBeforeS = 0): Revocation => ({
    ...{ by, value, issuedBeforeS },
    untilMs: rig.clock.nowMs() + HOUR_MS,
  });
  return { ...rig, written, shared, connect, found };
}

type Client = ReturnType<ReturnType<typeof engineWith>["connect"]>;
const isClosed = ({ connection }: Client) => connection.closedWith !== null;
const REVOKED = '{"type":"disconnect","reason":"revoked","reconnect":false}';

describe("what other nodes have revoked", () => {
  test("ends the sessions that it is about, each as its own revocation would, and refuses their tokens", () => {
    const { engine, connect, found, open } = engineWith();
    const meant = [
      connect({ jti: "a" }),
      connect({ sid: "idp-1" }),
      connect({ kid: "spring" }),
      connect({ ext: "bob" }),
      connect({ ext: "eve", issuedAtS: 99 }),
      connect({ ext: "eve", issuedAtS: null }),
      connect({ tag: 7 }),
    ];
    const others = [connect({ jti: "b", tag: 8 }), connect({ ext: "eve", issuedAtS: 100 }), open(NONE)];
    const all = [
      found("jti", "a"),
      found("sid", "idp-1"),
      found("kid", "spring"),
      found("identifiers", "bob"),
      found("issued_before", "eve", 100),
      found("token", "7"),
    ];
    expect(engine.takeOver(all)).toHaveLength(6);
    expect(meant.map(isClosed)).toEqual(meant.map(() => true));
    for (const { connection } of meant) expect(connection.sent.at(-1)).toBe(REVOKED);
    expect(others.map(isClosed)).toEqual([false, false, false]);
    expect(engine.revocations.inForce.size).toBe(6);
  });

  test("ends the session that has this id, and tells of its token, which it alone knows", () => {
    const { engine, connect, found, shared } = engineWith();
    const [phone, laptop] = [connect({ tag: 1 }), connect({ tag: 2 })];
    engine.takeOver([found("sid", phone.session.sid)]);
    expect([phone, laptop].map(isClosed)).toEqual([true, false]);
    expect(
      shared.map(({ added, isFirst }) => [added.map(({ by, value }) => `${by} ${value}`), isFirst]),
    ).toEqual([[["token 1"], true]]);
  });

  test("ends who has no token by its identifiers alone", () => {
    const { engine, open, found } = engineWith();
    const client = open(NONE);
    engine.takeOver([found("issued_before", client.session.identifiers, 1)]);
    expect(isClosed(client)).toBe(true);
  });

  test("is new once, is written down, and not told of again", () => {
    const { engine, connect, found, written, shared, log } = engineWith();
    const one = found("jti", "a");
    connect({ jti: "a" });
    expect(engine.takeOver([one])).toEqual([one]);
    expect(engine.takeOver([one, one])).toEqual([]);
    expect(written).toEqual([one]);
    expect(shared).toEqual([]);
    expect(log.lines.filter(({ message }) => message.startsWith("revocations of"))).toMatchObject([
      { fields: { num: 1, closed: 1 } },
    ]);
  });

  test("that has ended by now is nothing", () => {
    const { engine, clock, found } = engineWith();
    const one = found("jti", "a");
    clock.advance(HOUR_MS);
    expect(engine.takeOver([one])).toEqual([]);
    expect(engine.revocations.inForce.size).toBe(0);
  });

  test("is taken as far as there is room, and the rest is said", () => {
    const { engine, found, sampledKinds, metrics } = engineWith(2);
    expect(engine.takeOver(["a", "b", "c"].map((value) => found("jti", value)))).toHaveLength(2);
    expect(sampledKinds).toEqual(["revocations_limit"]);
    expect(metrics.labelled("revocations_total").cell(["jti", "refused"]).value).toBe(1);
  });

  test("names nobody in the log", () => {
    const { engine, found, log } = engineWith();
    engine.takeOver([found("identifiers", "c4n4ry")]);
    expect(log.text()).not.toContain("c4n4ry");
  });
});

describe("a revocation of this node", () => {
  test("is shared as one that nobody else has; one that was heard of, as one that others have", () => {
    const { engine, shared } = engineWith();
    engine.publish('{"command":"revoke","payload":{"jti":"a"}}');
    engine.deliver('{"command":"revoke","payload":{"jti":"a"}}', null);
    engine.deliver('{"command":"revoke","payload":{"jti":"b"}}', null);
    expect(shared.map(({ added, isFirst }) => [added[0]?.value, isFirst])).toEqual([
      ["a", true],
      ["b", false],
    ]);
  });
});
