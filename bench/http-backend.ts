/*
 * The application's side of `connect-http`, in a process of its own so that its CPU is nobody's: it accepts every client.
 * Prints the port that it listens on. The reply is one text, for the backend to be as light as it can.
 */

const REPLY = JSON.stringify({
  status: 1,
  identifiers: '{"user":"u"}',
  transmissions: ['{"type":"welcome"}'],
});
const HEADERS = { "Content-Type": "application/json" };

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    await request.text();
    return new Response(REPLY, { headers: HEADERS });
  },
});
console.log(server.port);
