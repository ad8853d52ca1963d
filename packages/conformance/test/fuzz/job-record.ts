import type { Message } from "../raw-socket.ts";
import { Breach } from "./breach.ts";

/** One job as everybody saw it. */
export class JobRecord {
  readonly id: string;
  readonly #log = new Map<number, string>();
  #end: number | undefined;

  constructor(id: string) {
    this.id = id;
  }

  /** The same number is the same message for every viewer (R-7.6-11), and nothing follows the end. */
  saw({ type, job_seq: seq, payload, trace_id: trace }: Message): void {
    if (seq === undefined) return;
    const content = JSON.stringify([type, trace, payload]);
    const before = this.#log.get(seq);
    if (before !== undefined && before !== content) {
      throw new Breach("R-7.6-11", `${this.id}: job_seq ${seq} is ${before} and ${content}`);
    }
    this.#log.set(seq, content);
    if (/^job\.(result|error)$/.test(type)) {
      if (this.#end !== undefined && this.#end !== seq) {
        throw new Breach("R-7.3-3", `${this.id} ended at ${this.#end} and at ${seq}`);
      }
      this.#end = seq;
    }
    if (this.#end !== undefined && Math.max(...this.#log.keys()) > this.#end) {
      throw new Breach("R-7.3-3", `${this.id} went on behind its end at ${this.#end}`);
    }
  }
}
