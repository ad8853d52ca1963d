import { parseJsonObject } from "../../src/json-object.ts";
import { Breach } from "./breach.ts";
import { Conversation } from "./conversation.ts";
import type { Ledger } from "./ledger.ts";
import type { Line, Listener, OpenLine } from "./line.ts";

/** One connection: the line, and who watches it. */
export class Peer implements Listener {
  readonly conversation: Conversation;
  lastId = "";
  breach: unknown;
  paused = false;
  received = 0;
  /** Set once the line is open. */
  #line: Line | undefined;
  #pongs = 0;

  private constructor(conversation: Conversation) {
    this.conversation = conversation;
  }

  static async on(open: OpenLine, ledger: Ledger, hasTakeovers: () => boolean): Promise<Peer> {
    const peer = new Peer(new Conversation(ledger, hasTakeovers));
    peer.#line = await open(peer);
    return peer;
  }

  get line(): Line {
    if (this.#line === undefined) throw new Error("the line is not open");
    return this.#line;
  }

  text(text: string): void {
    this.received += 1;
    this.#judged(() => this.conversation.received(text));
    // Heartbeats are answered, so that a connection lives on as long as it is read.
    const message = parseJsonObject(text);
    if (message?.["type"] !== "session.ping" || !this.conversation.open) return;
    const { nonce } = message["payload"] as { nonce: string };
    const pong = { ping_nonce: nonce, received_at: "2026-11-02T08:16:00.000Z" };
    const id = `req_pong_${++this.#pongs}`;
    const envelope = { arcp: "1.1", id, type: "session.pong", payload: pong };
    this.send(JSON.stringify(envelope), "whole");
  }

  closed(code: number): void {
    this.#judged(() => this.conversation.closed(code));
  }

  send(text: string, delivery: Parameters<Line["send"]>[1]): void {
    if (this.#line === undefined || !this.conversation.open) return;
    this.conversation.sent(text);
    this.#line.send(text, delivery);
  }

  /** The first thing that was wrong counts: what follows may come of it. */
  #judged(judge: () => void): void {
    try {
      judge();
    } catch (error) {
      this.breach ??= error instanceof Breach ? error : new Breach("the oracle", `${error}`);
    }
  }
}
