import type { Connection, Topics } from "../session/connection.ts";
import { encodeUtf8 } from "../wire/utf8.ts";

/** A client's socket that keeps what it was sent. `buffered` plays a slow reader. */
export class FakeConnection implements Connection {
  readonly sent: string[] = [];
  readonly remoteAddress = "192.0.2.1";
  readonly topics = new Set<string>();
  closedWith: { code: number; reason: string } | null = null;
  terminated = false;
  pings = 0;
  buffered = 0;
  onClose: (() => void) | null = null;

  send(frame: string): number {
    if (this.closedWith !== null || this.terminated) return 0;
    this.sent.push(frame);
    return this.buffered > 0 ? -1 : encodeUtf8(frame).length;
  }

  subscribe(topic: string): void {
    this.topics.add(topic);
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic);
  }

  ping(): number {
    this.pings += 1;
    return 0;
  }

  close(code: number, reason: string): void {
    if (this.closedWith !== null || this.terminated) return;
    this.closedWith = { code, reason };
    this.topics.clear();
    this.onClose?.(); // as the runtime does: within the call
  }

  terminate(): void {
    if (this.closedWith !== null || this.terminated) return;
    this.terminated = true;
    this.topics.clear();
    this.onClose?.();
  }

  getBufferedAmount(): number {
    return this.buffered;
  }
}

/** Topics over fake connections. */
export class FakeTopics implements Topics {
  readonly connections = new Set<FakeConnection>();

  publish(topic: string, frame: string): number {
    for (const connection of this.connections) {
      if (connection.topics.has(topic)) connection.send(frame);
    }
    return encodeUtf8(frame).length;
  }
}
