import { Breach } from "./breach.ts";
import type { Conversation } from "./conversation.ts";
import type { House } from "./house.ts";
import { Ledger } from "./ledger.ts";
import { tokens } from "./message.ts";
import { Peer } from "./peer.ts";
import type { SessionRecord } from "./session-record.ts";

const envelope = (id: string, type: string, payload: object, rest: object = {}) =>
  JSON.stringify({ arcp: "1.1", id, type, payload, ...rest });

/** Somebody who does nothing wrong meanwhile, and must be served as if nobody else was there. */
export class Control {
  readonly #peer: Peer;
  readonly #ledger: Ledger;
  #pings = 0;

  private constructor(peer: Peer, ledger: Ledger) {
    this.#peer = peer;
    this.#ledger = ledger;
  }

  static async watching(house: House): Promise<Control> {
    const ledger = new Ledger();
    const peer = await Peer.on(house.open, ledger, () => false);
    const control = new Control(peer, ledger);
    const hello = {
      client: { name: "control", version: "1.0.0" },
      auth: { scheme: "bearer", token: tokens.carol },
      capabilities: { features: ["subscribe", "x-vendor.arcp-ts.request_id"] },
    };
    peer.send(envelope("req_hello", "session.hello", hello), "whole");
    peer.send(envelope("req_submit", "job.submit", { agent: "steady", input: 1 }), "whole");
    return control;
  }

  get breach(): unknown {
    const { breach, conversation } = this.#peer;
    if (breach !== undefined || conversation.open || conversation.ends.self) return breach;
    return new Breach("R-14-2", "the control client's connection is gone");
  }

  /** Asks for a sign of life. */
  ping(): void {
    const nonce = `control ${++this.#pings}`;
    const payload = { nonce, sent_at: "2026-11-02T08:16:00.000Z" };
    this.#peer.send(envelope(`req_${nonce}`, "session.ping", payload), "whole");
  }

  /** What is missing, in words. */
  get waitsFor(): string | undefined {
    return this.#peer.conversation.waitsFor;
  }

  /** Ends its job. */
  finish(): void {
    const [job] = this.#ledger.jobs.keys();
    if (job === undefined) throw new Breach("R-7.1-2", "the control client's job was not accepted");
    this.#peer.send(envelope("req_cancel", "job.cancel", { job_id: job }), "whole");
  }

  get finished(): boolean {
    return this.#peer.conversation.frames.some(
      (frame) => frame.startsWith("< ") && frame.includes('"type":"job.error"'),
    );
  }

  leave(): void {
    this.#peer.conversation.ends.self = true;
    this.#peer.line.destroy();
  }

  get conversation(): Conversation {
    return this.#peer.conversation;
  }

  get sessions(): ReadonlyMap<string, SessionRecord> {
    return this.#ledger.sessions;
  }
}
