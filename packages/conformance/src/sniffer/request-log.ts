import type { Envelope } from "@arcp/core";
import { isRequestType, type ReplyType, type RequestType, replyTypes } from "../reply-type.ts";
import type { Report } from "./violation.ts";

interface LoggedRequest {
  readonly id: string;
  readonly type: string;
  /** Undefined if it was faulty. */
  readonly message: Envelope | undefined;
  /** A request that no good peer would send: a refusal is fine even if there is no reply otherwise. */
  faulty: boolean;
  /** How many replies may still come. */
  open: number;
}

/** The requests of a client in a session, and their replies. */
export class RequestLog {
  readonly #requests = new Map<string, LoggedRequest>();
  /** Submits of the current connection without a reply, in the order in which they were sent. */
  #submits: string[] = [];

  /** The connection is a new one: replies to requests on the old one may have been lost. */
  reconnected(): void {
    this.#submits = [];
  }

  sent(message: Envelope): void {
    this.#add(message.id, message.type, message);
  }

  /** A frame with an id that no good peer would have sent. */
  sentFaulty(id: string, type: string): void {
    this.#add(id, type, undefined);
  }

  get(id: string): Readonly<LoggedRequest> | undefined {
    return this.#requests.get(id);
  }

  /** Checks a reply that grants a request, and takes it off the list. */
  granted({ type: reply, payload }: Envelope<ReplyType<RequestType>>, report: Report): void {
    const id = payload.request_id;
    // Whether a reply may lack a request_id is checked with its form.
    if (id === undefined) return;
    const request = this.#requests.get(id);
    if (request === undefined) {
      report("R-5.4-1", `${reply} answers ${id}, which nobody asked`);
    } else if (!isRequestType(request.type) || replyTypes[request.type] !== reply) {
      report("R-5.4-1", `${reply} answers a ${request.type}`);
    } else {
      this.#answer(request, report);
    }
  }

  /** Checks a `session.error` with a `request_id`. */
  refused(error: Envelope<"session.error">, id: string, report: Report): void {
    const request = this.#requests.get(id);
    if (request === undefined) {
      report("R-5.4-1", `session.error answers ${id}, which nobody asked`);
      return;
    }
    const jobId = request.message?.job_id;
    if (jobId !== undefined && error.payload.job_id !== jobId) {
      report("R-5.4-2", "the refusal of a request that names a job names it too");
    }
    const { code } = error.payload;
    // A subscription that fell behind ends long after it was granted (R-6.3-17).
    const lagged = request.type === "job.subscribe" && code === "RESUME_WINDOW_EXPIRED";
    if (lagged && request.open === 0) return;
    if (!request.faulty && !isRequestType(request.type)) {
      report("R-5.4-4", `${request.type} has no reply`);
      return;
    }
    this.#answer(request, report);
  }

  /** A resume repeats the acceptance of `id`: that answers nothing, but settles the order (R-6.3-8). */
  repeated(id: string): void {
    this.#submits = this.#submits.filter((submit) => submit !== id);
  }

  #add(id: string, type: string, message: Envelope | undefined): void {
    const before = this.#requests.get(id);
    const faulty = message === undefined;
    if (before === undefined) {
      this.#requests.set(id, { id, type, message, faulty, open: 1 });
    } else {
      before.open += 1;
      before.faulty ||= faulty;
    }
    if (type === "job.submit") this.#submits.push(id);
  }

  #answer(request: LoggedRequest, report: Report): void {
    if (request.open === 0) {
      report("R-5.4-2", `${request.type} ${request.id} was answered before`);
      return;
    }
    request.open -= 1;
    const place = this.#submits.indexOf(request.id);
    if (place > 0) report("R-5.4-5", `${request.id} was answered before an earlier submit`);
    if (place >= 0) this.#submits.splice(place, 1);
  }
}
