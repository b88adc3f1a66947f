/** A name server (RFC 1035) on 127.0.0.1 that answers every name with these IPv4 addresses; with none it knows no name. */
export async function serveNames(addresses: () => readonly string[]) {
  let asked = 0;
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(self, bytes, port, host) {
        asked += 1;
        self.send(answerTo(Buffer.from(bytes), addresses()), port, host);
      },
    },
  });
  return { address: `127.0.0.1:${socket.port}`, asked: () => asked, stop: () => socket.close() };
}

const [TYPE_A, NO_SUCH_NAME] = [1, 3];
const ANSWER_WITH_RECURSION = 0x8180;

function answerTo(query: Buffer, addresses: readonly string[]): Buffer {
  // The question's name is a row of labels, each behind its length, and ends in a 0; type and class follow.
  let at = 12;
  while (query.readUInt8(at) !== 0) at += query.readUInt8(at) + 1;
  const question = query.subarray(12, at + 5);
  const records = query.readUInt16BE(at + 1) === TYPE_A ? addresses.map(record) : [];
  const header = Buffer.alloc(12);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  header.writeUInt16BE(ANSWER_WITH_RECURSION | (addresses.length === 0 ? NO_SUCH_NAME : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question, ...records]);
}

/** The name by a pointer to the question's, type A, class IN, no time to live, four bytes. */
function record(address: string): Buffer {
  return Buffer.from([0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split(".").map(Number)]);
}
