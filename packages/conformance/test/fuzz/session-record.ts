import type { Message } from "../raw-socket.ts";
import { Breach } from "./breach.ts";
import type { Known } from "./message.ts";

const TERMINAL = /^job\.(result|error)$/;

/** Features without which some records are withheld (R-6.2-5). */
const SHOWING = ["progress", "result_chunk", "cost.budget"];

interface Sight {
  readonly seq: number;
  readonly ended: boolean;
}

/** One session as its clients saw it, over all of its connections. */
export class SessionRecord implements Known {
  readonly id: string;
  readonly principal: string;
  readonly tokens: string[] = [];
  last = 0;
  resumes = 0;
  /** Its client has claimed to have seen what it has not. */
  skipped = false;
  /** A subscription of a connection that is gone may have begun, anywhere: what it sees of a job has no order any more. */
  isVague = false;
  readonly #ends = new Set<string>();
  readonly #envelopes = new Map<number, string>();
  readonly #sights = new Map<string, Sight>();
  /** Whether it gets every record of a job. */
  #showing = true;

  constructor(id: string, principal: string) {
    this.id = id;
    this.principal = principal;
  }

  welcomed(token: string, features: readonly string[]): void {
    this.tokens.push(token);
    this.#showing = SHOWING.every((name) => features.includes(name));
  }

  /** Its client claims to have everything up to this number. */
  resumed(after: number): void {
    this.resumes += 1;
    if (after > this.last) this.skipped = true;
  }

  /** Whether it has seen how this job ended. */
  sawEnd(job: string): boolean {
    return this.#ends.has(job);
  }

  /** What its client sees of this job starts anew, as it was told; without a job, of all. */
  startAgain(job?: string): void {
    if (job === undefined) this.#sights.clear();
    else this.#sights.delete(job);
  }

  /** A stream envelope, in the order of the numbers on one connection. */
  stream(message: Message, text: string): void {
    const { event_seq: seq } = message;
    const before = this.#envelopes.get(seq);
    if (before !== undefined) {
      if (before !== text) {
        throw new Breach("R-6.3-8", `number ${seq} was ${before} and is now ${text}`);
      }
      return;
    }
    this.#envelopes.set(seq, text);
    if (seq > this.last + 1) this.startAgain();
    this.last = Math.max(this.last, seq);
    this.#see(message);
  }

  #see({ type, job_id: job, job_seq: seq }: Message): void {
    if (TERMINAL.test(type)) this.#ends.add(job);
    const sight = this.#sights.get(job);
    if (this.isVague) return;
    if (sight?.ended) throw new Breach("R-7.3-3", `${type} of ${job} came behind its end`);
    // The session's own notices are not of the job's log.
    if (seq === undefined) return;
    if (sight !== undefined && seq <= sight.seq) {
      throw new Breach("R-7.6-7", `${job}: job_seq ${seq} came behind ${sight.seq}`);
    }
    if (sight !== undefined && this.#showing && seq !== sight.seq + 1) {
      throw new Breach(
        "R-7.6-11",
        `${job}: job_seq ${seq} came behind ${sight.seq}, none was withheld`,
      );
    }
    this.#sights.set(job, { seq, ended: TERMINAL.test(type) });
  }
}
