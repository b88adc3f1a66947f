/*
 * bare: the runtime's own WebSocket server with nothing on top. A control row: what Hawser spends above this is Hawser's.
 *
 *   bun bare.ts PORT BROADCAST_PORT
 *
 * It verifies nothing and keeps nothing a connection; fan-out is one native topic.
 */

const [port, broadcastPort] = process.argv.slice(2).map(Number);
const identifier = JSON.stringify(JSON.stringify({ channel: "$pubsub", stream_name: "bench" }));
const confirm = `{"identifier":${identifier},"type":"confirm_subscription"}`;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: port ?? 0,
  fetch: (request, self) =>
    self.upgrade(request, { headers: { "Sec-WebSocket-Protocol": "actioncable-v1-json" } })
      ? undefined
      : new Response(null, { status: 400 }),
  websocket: {
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: false,
    open(socket) {
      socket.send('{"type":"welcome","sid":"1"}');
    },
    message(socket, text) {
      const { command, data }: { command?: string; data?: unknown } = JSON.parse(String(text));
      if (command === "whisper") {
        socket.publish("bench", `{"identifier":${identifier},"message":${JSON.stringify(data)}}`);
        return;
      }
      socket.subscribe("bench");
      socket.send(confirm);
    },
  },
});

Bun.serve({
  hostname: "127.0.0.1",
  port: broadcastPort ?? 0,
  async fetch(request) {
    const { data }: { data: string } = JSON.parse(await request.text());
    server.publish("bench", `{"identifier":${identifier},"message":${data}}`);
    return new Response(null, { status: 201 });
  },
});
