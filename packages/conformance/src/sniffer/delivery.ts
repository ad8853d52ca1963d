import type { Envelope, JobId } from "@arcp/core";
import type { SessionRecord } from "./session-record.ts";
import type { SniffedFrame } from "./sniffed-frame.ts";
import type { Report } from "./violation.ts";

/** What one connection delivers of its session's stream. */
export class Delivery {
  /** The `last_event_seq` of the resume that began this connection; undefined when it began a session. */
  readonly #claimed: number | undefined;
  /** The number that the next stream envelope has to carry. */
  #next: number;
  /** From a resume's welcome to the first stream envelope: there the runtime repeats acceptances (R-6.3-8). */
  #repeating: boolean;
  readonly #accepted = new Set<JobId>();

  constructor(claimed: number | undefined) {
    this.#claimed = claimed;
    this.#next = (claimed ?? 0) + 1;
    this.#repeating = claimed !== undefined;
  }

  accepted(message: Envelope<"job.accepted">, session: SessionRecord, report: Report): void {
    const { job_id: job, request_id: id, parent_job_id: parent } = message.payload;
    const first = session.stream.job(job)?.firstEventSeq;
    const covered = first !== undefined && first <= (this.#claimed ?? 0);
    const repeated = this.#repeating && !this.#accepted.has(job);
    this.#accepted.add(job);
    const request = id === undefined ? undefined : session.requests.get(id);
    if (repeated && !covered && request?.type === "job.submit") {
      session.requests.repeated(request.id);
    } else if (repeated && covered && (id === undefined || request?.open === 0)) {
      report("R-6.3-8", `the acceptance of ${job} was repeated needlessly`);
    } else if (id !== undefined) {
      session.requests.granted(message, report);
    } else if (parent !== undefined && !repeated && !session.stream.hasDelegated(job)) {
      report("R-10-2", "the acceptance of a child comes after the event that delegates to it");
    }
    if (repeated && session.stream.job(job) !== undefined) return;
    const submit = request?.message;
    const keyed = submit?.type === "job.submit" && submit.payload.idempotency_key !== undefined;
    session.stream.accepted(message, keyed);
  }

  subscribed(message: Envelope<"job.subscribed">, session: SessionRecord, report: Report): void {
    const { request_id: id, subscribed_from: from } = message.payload;
    const last = this.#next - 1;
    // While a resume is still replaying, the numbers issued are ahead of those delivered here.
    const ahead = this.#claimed !== undefined && from !== undefined && from > last;
    if (from !== undefined && from !== last && !ahead) {
      report("R-7.6-4", `subscribed_from is ${from}, the last number was ${last}`);
    }
    session.requests.granted(message, report);
    const request = id === undefined ? undefined : session.requests.get(id)?.message;
    session.stream.subscribed(message, request?.type === "job.subscribe" ? request.payload : {});
  }

  deliver(frame: SniffedFrame, session: SessionRecord, report: Report): void {
    const { event_seq: seq, job_id: id } = frame.message;
    if (seq === undefined || id === undefined) return;
    if (seq !== this.#next) {
      const rule = this.#repeating ? "R-6.3-8" : "R-8.3-1";
      report(rule, `event_seq is ${seq} instead of ${this.#next}`);
    }
    this.#next = seq + 1;
    this.#repeating = false;
    session.stream.deliver(frame, seq, report);
    this.#checkRepetition(id, session, report);
  }

  /** A job unknown to the client so far is introduced again on the new connection (R-6.3-8). */
  #checkRepetition(id: JobId, session: SessionRecord, report: Report): void {
    const job = session.stream.job(id);
    if (this.#claimed === undefined || job?.owned !== true || this.#accepted.has(id)) return;
    if (job.firstEventSeq === undefined || job.firstEventSeq <= this.#claimed) return;
    this.#accepted.add(id);
    report("R-6.3-8", `the acceptance of ${id} was not repeated after the resume`);
  }
}
