import { parseSamples, sumOf } from "../packages/server/test/support/scrape.ts";
import type { Headers, RawFrame, Step, Text } from "./scenario.ts";
import { type Command, type ServerUnderTest, spawn, startServer } from "./server-under-test.ts";
import { StreamClient } from "./stream-client.ts";
import { inSeconds, token } from "./tokens.ts";
import { clientFrame, HANDSHAKE_ACCEPT, upgradeRequest, WireClient } from "./wire-client.ts";

/** Whose expectations hold where the two differ on purpose. */
export type Side = "ours" | "reference";

/** How long something that must come may take: the machine may be busy. */
const PATIENCE_MS = 5000;
/** The end of a connection follows its close frame at once. */
const END_MS = 2000;

type StepOf<D extends Step["do"]> = Extract<Step, { readonly do: D }>;

/** Plays one scenario against a server; throws at the first step that does not hold, with what was seen. */
export async function play(
  steps: readonly Step[],
  side: Side,
  under: Command,
  server: ServerUnderTest | null,
): Promise<void> {
  const player = new Player(side, under, server);
  try {
    await player.playAll(steps);
  } finally {
    player.dropClients();
  }
}

class Player {
  readonly #side: Side;
  readonly #under: Command;
  readonly #server: ServerUnderTest | null;
  readonly #clients = new Map<string, WireClient>();
  /** Messages already taken by a step, of each client. */
  readonly #taken = new Map<WireClient, { messages: number; pings: number; controls: number }>();
  readonly #streams = new Map<string, StreamClient>();
  readonly #takenEvents = new Map<StreamClient, number>();
  readonly #remembered = new Map<string, string>();

  constructor(side: Side, under: Command, server: ServerUnderTest | null) {
    this.#side = side;
    this.#under = under;
    this.#server = server;
    if (server !== null) this.#remembered.set("port", String(server.process.port));
  }

  async playAll(steps: readonly Step[]): Promise<void> {
    for (const [index, step] of steps.entries()) {
      if (step.do === "differ") {
        await this.playAll(step[this.#side]);
        continue;
      }
      try {
        await this.#play(step);
      } catch (thrown) {
        const what = thrown instanceof Error ? thrown.message : String(thrown);
        throw new Error(`step ${index + 1} (${describe(step)}): ${what}${this.#seen(step)}`);
      }
    }
  }

  dropClients(): void {
    for (const client of [...this.#clients.values(), ...this.#streams.values()]) client.drop();
  }

  #play(step: Exclude<Step, StepOf<"differ">>): Promise<void> | void {
    switch (step.do) {
      case "connect":
        return this.#connect(step);
      case "answered":
        return expectHeaders(step.headers, (name) => this.#client(step.on).header(name));
      case "send":
        return this.#send(step);
      case "receive":
        return this.#receive(step);
      case "quiet":
        return this.#quiet(step.on);
      case "silence":
        return this.#silence(step);
      case "pings":
        return this.#pings(step);
      case "control":
        return this.#control(step);
      case "closed":
        return this.#closed(step);
      case "stall":
        return this.#client(step.on).stall();
      case "resume":
        return this.#client(step.on).resume();
      case "pass over":
        return this.#passOver(step);
      case "drop":
        return this.#client(step.on).drop();
      case "http":
        return this.#http(step);
      case "stream":
        return this.#openStream(step);
      case "event":
        return this.#event(step);
      case "ping event":
        return this.#pingEvent(step);
      case "stream ended":
        return this.#streamEnded(step);
      case "drop stream":
        return this.#stream(step.on).drop();
      case "publish":
        return this.#publish(step);
      case "metric":
        return this.#metric(step);
      case "calls":
        return this.#calls(step);
      case "wait":
        return Bun.sleep(step.ms);
      case "signal":
        return this.#process().signal(step.name);
      case "exited":
        return this.#exited(step);
      case "output":
        return this.#output(step);
      case "fails to start":
        return this.#failsToStart(step);
      case "starts":
        return this.#starts(step);
    }
  }

  async #connect(step: StepOf<"connect">): Promise<void> {
    const { port } = this.#process();
    const offered =
      step.protocols === undefined ? {} : { "Sec-WebSocket-Protocol": this.#fill(step.protocols) };
    const request = upgradeRequest(
      this.#fill(step.target ?? "/cable"),
      `127.0.0.1:${port}`,
      { ...offered, ...this.#fillHeaders(step.headers ?? {}) },
      step.method,
      step.httpVersion,
    );
    const early = (step.early ?? []).map((command) => clientFrame(1, JSON.stringify(command)));
    const client = await WireClient.open(port, Buffer.concat([Buffer.from(request, "latin1"), ...early]));
    this.#clients.set(step.on ?? "", client);
    if (!(await client.until(() => client.head !== "" || client.ended, PATIENCE_MS)))
      throw new Error("no answer");
    const status = step.status ?? 101;
    if (client.status !== status) throw new Error(`expected ${status}, got ${client.head || "the end"}`);
    if (status === 101) expectText(client.header("Sec-WebSocket-Accept") ?? "", HANDSHAKE_ACCEPT, "accept");
    expectHeaders(step.answer ?? {}, (name) => client.header(name));
    if (step.head !== undefined && !step.head.test(client.head)) throw new Error(`not in ${client.head}`);
    if (step.body === undefined) return;
    const length = Number(client.header("Content-Length") ?? 0);
    await client.until(() => client.body.length >= length || client.ended, PATIENCE_MS);
    expectText(client.body, step.body, "body");
  }

  #send(step: StepOf<"send">): void {
    const client = this.#client(step.on);
    if ("frames" in step) {
      client.write(Buffer.concat(step.frames.map(encodeFrame)));
      return;
    }
    const text = "text" in step ? step.text : JSON.stringify(step.command);
    const frame = clientFrame(1, this.#fill(text));
    for (let times = step.times ?? 1; times > 0; times -= 1) client.write(frame);
  }

  async #receive(step: StepOf<"receive">): Promise<void> {
    if ("anyOrder" in step) {
      const missing = new Set(step.anyOrder.map((text) => this.#fill(text)));
      while (missing.size > 0) {
        const message = await this.#next(step.on);
        if (!missing.delete(message)) throw new Error(`unexpected ${message}`);
      }
      return;
    }
    if ("json" in step) {
      const message = await this.#next(step.on);
      const expected = JSON.parse(this.#fill(JSON.stringify(step.json)));
      if (!Bun.deepEquals(JSON.parse(message), expected)) throw new Error(`got ${message}`);
      return;
    }
    this.#expect(await this.#next(step.on, step.withinMs), step.text, "message");
    if (step.compressed === undefined) return;
    const client = this.#client(step.on);
    const compressed = client.compressed.has(this.#takenOf(client).messages - 1);
    if (compressed !== step.compressed) throw new Error(compressed ? "it was compressed" : "it was not");
  }

  /** The next message that no step has seen yet. */
  async #next(on: string | undefined, withinMs = PATIENCE_MS): Promise<string> {
    const client = this.#client(on);
    const taken = this.#takenOf(client);
    const index = taken.messages;
    await client.until(() => client.messages.length > index || client.ended, withinMs);
    const message = client.messages[index];
    if (message === undefined)
      throw new Error(`no message${client.ended ? ": the connection has ended" : ""}`);
    taken.messages += 1;
    return message;
  }

  async #passOver({ on, until }: StepOf<"pass over">): Promise<void> {
    if (until !== undefined) {
      const isLast = (text: string) =>
        until instanceof RegExp ? until.test(text) : text === this.#fill(until);
      while (!isLast(await this.#next(on)));
      return;
    }
    const client = this.#client(on);
    if (!(await client.until(() => client.ended, PATIENCE_MS))) throw new Error("the connection goes on");
    this.#takenOf(client).messages = client.messages.length;
  }

  async #quiet(on: string | undefined): Promise<void> {
    this.#client(on).write(clientFrame(1, '{"command":"ping"}'));
    expectText(await this.#next(on), '{"type":"pong"}', "next message");
  }

  async #silence(step: StepOf<"silence">): Promise<void> {
    const client = this.#client(step.on);
    const { messages } = this.#takenOf(client);
    const pings = client.pings.length;
    const broken = () =>
      client.messages.length > messages ||
      client.ended ||
      client.closeFrame !== null ||
      (step.evenPings === true && client.pings.length > pings);
    if (await client.until(broken, step.forMs)) throw new Error("it was not silent");
  }

  async #pings(step: StepOf<"pings">): Promise<void> {
    const client = this.#client(step.on);
    const taken = this.#takenOf(client);
    const from = taken.pings;
    const intervalMs = step.everyMs ?? 3000;
    const withinMs = (step.firstMs?.[1] ?? intervalMs) + intervalMs * step.count + PATIENCE_MS;
    await client.until(() => client.pings.length >= from + step.count || client.ended, withinMs);
    if (client.pings.length < from + step.count) {
      throw new Error(`${client.pings.length - from} pings came within ${withinMs} ms or before the end`);
    }
    taken.pings += step.count;
    const pings = client.pings.slice(from, from + step.count);
    for (const { payload, opcode } of pings) {
      expectText(payload.toString(), /^\{"type":"ping","message":\d+\}$/, "ping");
      if (opcode !== 1) throw new Error("a ping came as a binary message");
      checkTime(JSON.parse(payload.toString()).message as number, step.unit ?? "s");
    }
    const times = pings.map(({ atMs }) => Math.round(atMs - client.openedAtMs));
    if (step.firstMs !== undefined) {
      const [earliest, latest] = step.firstMs;
      if (times[0]! < earliest || times[0]! > latest)
        throw new Error(`the first ping came after ${times[0]} ms`);
    }
    if (step.everyMs === undefined) return;
    for (let at = 1; at < times.length; at += 1) {
      const gapMs = times[at]! - times[at - 1]!;
      if (Math.abs(gapMs - step.everyMs) > 350) throw new Error(`pings came at ${times.join(", ")} ms`);
    }
  }

  async #control(step: StepOf<"control">): Promise<void> {
    const client = this.#client(step.on);
    const taken = this.#takenOf(client);
    const index = taken.controls;
    await client.until(() => client.controls.length > index || client.ended, PATIENCE_MS);
    const frame = client.controls[index];
    if (frame === undefined) throw new Error("no control frame");
    taken.controls += 1;
    if (frame.opcode !== step.opcode) throw new Error(`got opcode ${frame.opcode}`);
    expectText(frame.payload.toString(), step.payload, "payload");
  }

  async #closed(step: StepOf<"closed">): Promise<void> {
    const client = this.#client(step.on);
    const { messages } = this.#takenOf(client);
    const done = () => client.ended || client.closeFrame !== null;
    if (!(await client.until(done, step.withinMs ?? PATIENCE_MS))) throw new Error("not closed");
    if (!(await client.until(() => client.ended, END_MS)))
      throw new Error("the connection stays after the close frame");
    const untaken = client.messages.slice(messages);
    if (untaken.length > 0) throw new Error(`messages before the close: ${untaken.join(" ")}`);
    const { closeFrame } = client;
    if (step.code === null) {
      if (closeFrame !== null) throw new Error(`closed with ${closeFrame.code} ${closeFrame.reason}`);
      return;
    }
    if (closeFrame === null) throw new Error("ended without a close frame");
    const code = closeFrame.code ?? "empty";
    if (code !== step.code) throw new Error(`closed with ${code} ${JSON.stringify(closeFrame.reason)}`);
    if (step.reason !== undefined) this.#expect(closeFrame.reason, step.reason, "reason");
  }

  async #http(step: StepOf<"http">): Promise<void> {
    const { port, broadcastPort } = this.#process();
    const at = step.place === "broadcast" ? broadcastPort : port;
    const response = await fetch(`http://127.0.0.1:${at}${this.#fill(step.path)}`, {
      method: step.method ?? "GET",
      headers: { Connection: "close", ...step.headers },
      redirect: "manual",
      ...(step.body === undefined ? {} : { body: this.#fill(step.body) }),
    });
    const text = await response.text();
    if (response.status !== step.status) throw new Error(`got ${response.status} ${text}`);
    expectHeaders(step.answer ?? {}, (name) => response.headers.get(name));
    if (step.says !== undefined) this.#expect(text, step.says, "body");
  }

  async #openStream(step: StepOf<"stream">): Promise<void> {
    const status = step.status ?? 200;
    const stream = new StreamClient(this.#process().port, this.#fill(step.path), {
      method: step.method ?? "GET",
      body: this.#fill(step.body ?? ""),
      headers: this.#fillHeaders(step.headers ?? {}),
    });
    this.#streams.set(step.on ?? "", stream);
    await stream.until(() => stream.status !== 0 || stream.ended, PATIENCE_MS);
    if (stream.status !== status) throw new Error(`got ${stream.status || "no answer"}`);
    expectHeaders(step.answer ?? {}, (name) => stream.header(name));
    if (status === 200) return;
    await stream.until(() => stream.ended, PATIENCE_MS);
    // Where there is no room a sentence says so; all others have no body.
    if (status !== 503 && stream.body !== "") throw new Error(`got the body ${stream.body}`);
  }

  async #event({ on, lines, withinMs }: StepOf<"event">): Promise<void> {
    const stream = this.#stream(on);
    const index = this.#takenEvents.get(stream) ?? 0;
    await stream.until(() => stream.events.length > index || stream.ended, withinMs ?? PATIENCE_MS);
    const event = stream.events[index];
    if (event === undefined) throw new Error(`no event${stream.ended ? ": the stream has ended" : ""}`);
    this.#takenEvents.set(stream, index + 1);
    this.#expect(event, lines, "event");
  }

  async #pingEvent({ on }: StepOf<"ping event">): Promise<void> {
    const stream = this.#stream(on);
    const ping = /^event: ping\ndata: {"type":"ping","message":\d+}\n$/m;
    if (!(await stream.until(() => ping.test(stream.body), PATIENCE_MS))) throw new Error("no ping");
  }

  async #streamEnded({ on, withinMs }: StepOf<"stream ended">): Promise<void> {
    const stream = this.#stream(on);
    if (!(await stream.until(() => stream.ended, withinMs ?? PATIENCE_MS))) throw new Error("it goes on");
    const untaken = stream.events.slice(this.#takenEvents.get(stream) ?? 0);
    if (untaken.length > 0) throw new Error(`events before the end: ${untaken.join(" ")}`);
  }

  #stream(on = ""): StreamClient {
    const stream = this.#streams.get(on);
    if (stream === undefined) throw new Error(`no stream ${JSON.stringify(on)} was asked for`);
    return stream;
  }

  async #publish(step: StepOf<"publish">): Promise<void> {
    await this.#http({
      do: "http",
      place: "broadcast",
      method: "POST",
      path: "/_broadcast",
      ...(step.key === undefined ? {} : { headers: { Authorization: `Bearer ${step.key}` } }),
      body: typeof step.body === "string" ? step.body : JSON.stringify(step.body),
      status: step.status ?? 201,
      ...(step.says === undefined ? {} : { says: step.says }),
    });
  }

  async #metric(step: StepOf<"metric">): Promise<void> {
    let value = Number.NaN;
    for (let attempt = 0; attempt < 60; attempt += 1) {
      const text = await (await fetch(`http://127.0.0.1:${this.#process().port}/metrics`)).text();
      value = sumOf(parseSamples(text), `anycable_go_${step.name}`, ...(step.labels ?? []));
      if (value === step.is) return;
      await Bun.sleep(50);
    }
    throw new Error(`it is ${value}`);
  }

  async #calls(step: StepOf<"calls">): Promise<void> {
    const application = this.#server?.application;
    if (!application) throw new Error("the group has no application");
    for (let attempt = 0; attempt < 40; attempt += 1) {
      if (application.callsOf(step.method).length >= step.count) break;
      await Bun.sleep(25);
    }
    const calls = application.callsOf(step.method);
    if (calls.length !== step.count) throw new Error(`there were ${calls.length}`);
    const request = calls.at(-1)?.request;
    const was = `the last one was ${JSON.stringify(request)}`;
    if (step.holds !== undefined && !isPartOf(JSON.parse(this.#fill(JSON.stringify(step.holds))), request)) {
      throw new Error(was);
    }
    if (step.headers !== undefined && !Bun.deepEquals(request?.env?.headers, step.headers))
      throw new Error(was);
  }

  async #exited(step: StepOf<"exited">): Promise<void> {
    const status = await Promise.race([this.#process().exited, Bun.sleep(step.withinMs ?? PATIENCE_MS)]);
    if (status === undefined) throw new Error("it still runs");
    if (status !== step.status) throw new Error(`it ended with ${status}`);
  }

  async #output(step: StepOf<"output">): Promise<void> {
    const process = this.#process();
    for (let attempt = 0; step.has !== undefined && attempt < 40; attempt += 1) {
      if (step.has.test(process.output())) break;
      await Bun.sleep(25);
    }
    const output = process.output();
    if (step.has !== undefined && !step.has.test(output)) throw new Error(`the output is ${output}`);
    if (step.hasNot?.test(output)) throw new Error(`the output is ${output}`);
  }

  async #failsToStart(step: StepOf<"fails to start">): Promise<void> {
    const process = await spawn(this.#under, step);
    try {
      const status = await Promise.race([process.exited, Bun.sleep(PATIENCE_MS)]);
      if (status !== step.status) throw new Error(`it ended with ${status}`);
      if (!step.says.test(process.output())) throw new Error(`the output is ${process.output()}`);
    } finally {
      await process.stop();
    }
  }

  async #starts(step: StepOf<"starts">): Promise<void> {
    const server = await startServer(this.#under, step);
    try {
      const output = server.process.output();
      if (step.says !== undefined && !step.says.test(output)) throw new Error(`the output is ${output}`);
    } finally {
      await server.stop();
    }
  }

  #process(): ServerUnderTest["process"] {
    if (this.#server === null) throw new Error("the group has no server");
    return this.#server.process;
  }

  #client(on = ""): WireClient {
    const client = this.#clients.get(on);
    if (client === undefined) throw new Error(`no client ${JSON.stringify(on)} has connected`);
    return client;
  }

  #takenOf(client: WireClient): { messages: number; pings: number; controls: number } {
    let taken = this.#taken.get(client);
    if (taken === undefined) {
      taken = { messages: 0, pings: 0, controls: 0 };
      this.#taken.set(client, taken);
    }
    return taken;
  }

  #expect(actual: string, expected: Text, what: string): void {
    if (typeof expected === "string") {
      expectText(actual, this.#fill(expected), what);
      return;
    }
    const match = expectText(actual, expected, what);
    for (const [name, value] of Object.entries(match?.groups ?? {})) this.#remembered.set(name, value);
  }

  #fill(text: string): string {
    return text
      .replace(/\{\{token for (\d+) s(?:, until (\d+) s)?\}\}/g, (_, seconds: string, until?: string) =>
        token({
          exp: inSeconds(Number(seconds)),
          ...(until === undefined ? {} : { until: inSeconds(Number(until)) }),
        }),
      )
      .replace(/\{\{(\w+)\}\}/g, (whole, name: string) => this.#remembered.get(name) ?? whole);
  }

  #fillHeaders(headers: Headers): Record<string, string | null> {
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value === null ? null : this.#fill(value)]),
    );
  }

  #seen(step: Step): string {
    const client =
      "on" in step || this.#clients.has("") ? this.#clients.get(("on" in step && step.on) || "") : undefined;
    if (client === undefined) return "";
    const { messages, closeFrame, ended } = client;
    return `\n      seen by the client: ${clip(JSON.stringify({ messages, closeFrame, ended }))}`;
  }
}

function describe(step: Step): string {
  return clip(JSON.stringify(step, (_, value: unknown) => (value instanceof RegExp ? String(value) : value)));
}

function clip(text: string): string {
  return text.length > 600 ? `${text.slice(0, 600)}...` : text;
}

function encodeFrame({ opcode, payload, bits, masked }: RawFrame): Buffer {
  return clientFrame(opcode, payload ?? "", {
    ...(bits === undefined ? {} : { bits }),
    ...(masked === undefined ? {} : { masked }),
  });
}

function expectText(actual: string, expected: Text, what: string): RegExpExecArray | null {
  if (typeof expected === "string") {
    if (actual !== expected) throw new Error(`${what}: expected ${clip(expected)}, got ${clip(actual)}`);
    return null;
  }
  const match = expected.exec(actual);
  if (match === null) throw new Error(`${what}: expected ${expected}, got ${clip(actual)}`);
  return match;
}

function expectHeaders(expected: Headers, read: (name: string) => string | null): void {
  for (const [name, value] of Object.entries(expected)) {
    const actual = read(name);
    if (actual !== value) throw new Error(`header ${name}: expected ${value}, got ${actual}`);
  }
}

/** A ping's time is the server's wall clock, which is also ours, in the unit asked for. */
function checkTime(value: number, unit: "s" | "ms" | "ns"): void {
  const perSecond = { s: 1, ms: 1e3, ns: 1e9 }[unit];
  const offS = Math.abs(value / perSecond - Date.now() / 1000);
  if (offS > 30) throw new Error(`a ping's time ${value} is not the present in ${unit}`);
}

function isPartOf(expected: unknown, actual: unknown): boolean {
  if (typeof expected !== "object" || expected === null) return expected === actual;
  if (typeof actual !== "object" || actual === null) return false;
  return Object.entries(expected).every(([name, value]) =>
    isPartOf(value, (actual as Record<string, unknown>)[name]),
  );
}
