import { describe, expect, test } from "bun:test";
import { GOOD, PUBSUB, setUp } from "../testing/engine-rig.ts";

const bytesOf = (frames: readonly string[]) =>
  frames.reduce((sum, frame) => sum + Buffer.byteLength(frame), 0);

describe("bytes sent", () => {
  test.each([
    ["go out at once", 0],
    ["wait for a slow reader", 500],
  ])("are counted as bytes and not as characters, when they %s", (_name, buffered) => {
    const { engine, open, metrics } = setUp();
    const { connection, say } = open(GOOD);
    connection.buffered = buffered;
    const identifier = JSON.stringify({ channel: "$pubsub", stream_name: "café \u{1f600}" });
    say({ command: "subscribe", identifier });
    engine.publish(JSON.stringify({ stream: "café \u{1f600}", data: '"é"' }));
    expect(connection.sent).toHaveLength(3);
    expect(metrics.counter("data_sent_total").value).toBe(bytesOf(connection.sent));
    expect(metrics.counter("server_msg_total").value).toBe(3);
  });

  test("hold each copy of a publication, and none where nobody follows the stream", () => {
    const { engine, open, metrics } = setUp();
    const clients = [open(GOOD), open(GOOD), open(GOOD)];
    for (const { say } of clients) say({ command: "subscribe", identifier: PUBSUB });
    engine.publish('{"stream":"nobody","data":"1"}');
    engine.publish('{"stream":"chat","data":"1","meta":{"exclude_socket":"s2"}}');
    const sent = clients.flatMap(({ connection }) => connection.sent);
    expect(sent).toHaveLength(8);
    expect(metrics.counter("data_sent_total").value).toBe(bytesOf(sent));
  });
});
