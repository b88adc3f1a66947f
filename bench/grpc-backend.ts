/*
 * The application's side of `connect-grpc`, in a process of its own so that its CPU is nobody's: it accepts every client.
 * Prints the port that it listens on. The reply is encoded once, by hand, for the backend to be as light as it can.
 */
import { Server, ServerCredentials } from "@grpc/grpc-js";

/** A protobuf field of wire type 2: a tag, a length below 128, the bytes. */
function textField(number: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

const SUCCESS = Buffer.from([1 << 3, 1]);
const REPLY = Buffer.concat([SUCCESS, textField(2, '{"user":"u"}'), textField(3, '{"type":"welcome"}')]);

const asItIs = (bytes: Buffer): Buffer => bytes;
const unary = (path: string) => ({
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: asItIs,
  requestDeserialize: asItIs,
  responseSerialize: asItIs,
  responseDeserialize: asItIs,
});

const server = new Server();
server.addService(
  { Connect: unary("/anycable.RPC/Connect"), Disconnect: unary("/anycable.RPC/Disconnect") },
  {
    Connect: (_call: unknown, reply: (error: null, bytes: Buffer) => void) => reply(null, REPLY),
    Disconnect: (_call: unknown, reply: (error: null, bytes: Buffer) => void) => reply(null, SUCCESS),
  },
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(port);
});
