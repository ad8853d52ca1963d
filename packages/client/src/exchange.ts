import {
  ArcpError,
  type Decoded,
  type Envelope,
  encode,
  LocalError,
  type MessageId,
  newMessageId,
  type Outgoing,
} from "@arcp/core";
import { handled } from "./handled.ts";
import { JobFeeds } from "./job-feeds.ts";
import { Link, type LinkOptions, type LinkUser } from "./link.ts";
import { Requests } from "./requests.ts";
import type { SessionInfo } from "./session.ts";
import { oversize } from "./submission.ts";

/** What a client can ask and gets an answer to. */
type RequestType = "job.submit" | "job.cancel" | "job.subscribe" | "session.list_jobs";
/** A request but for what the exchange adds. */
type Question = { [R in RequestType]: Omit<Outgoing<R>, "id" | "session_id"> }[RequestType];

/**
 * What passes over a link: requests go out, replies and errors find their request, stream envelopes their job. An error
 * reaches the one request or subscription that it names and nothing else (R-5.4-3). What is not understood is ignored
 * (R-5.3-5).
 */
export class Exchange implements LinkUser {
  readonly link: Link;
  readonly feeds = new JobFeeds();
  readonly #requests: Requests;

  /** @param requestTimeout in ms */
  constructor(options: LinkOptions, requestTimeout: number) {
    this.link = new Link(options, this);
    this.#requests = new Requests(options.clock, requestTimeout);
  }

  /**
   * Asks the runtime, now or as soon as there is a connection.
   *
   * @param read makes the answer of the reply, before anything that came after it is looked at
   */
  ask<T extends object>(
    session: SessionInfo,
    question: Question,
    read: (reply: Envelope, requestId: MessageId) => T | undefined,
  ): Promise<T> {
    const { refusal } = this.link;
    if (refusal !== undefined) return handled(Promise.reject(refusal));
    const id = newMessageId("req_");
    let frame: string;
    try {
      frame = encode<RequestType>({ ...question, id, session_id: session.id });
    } catch (cause) {
      const message = `${question.type} holds what is not JSON`;
      return handled(Promise.reject(new LocalError("MISUSE", message, { cause })));
    }
    const tooLarge = oversize(frame);
    if (tooLarge !== undefined) return handled(Promise.reject(tooLarge));
    const answer = this.#requests.open(
      { id, type: question.type, jobId: "job_id" in question ? question.job_id : undefined, frame },
      (reply) => read(reply, id),
    );
    this.link.send(frame);
    return answer;
  }

  unanswered(): readonly string[] {
    return this.#requests.frames();
  }

  received(decoded: Decoded): void {
    this.feeds.deliver(decoded);
    if (decoded.kind !== "ok") return;
    const { message } = decoded;
    switch (message.type) {
      case "job.accepted":
      case "job.cancelled":
      case "job.subscribed":
      case "session.jobs":
        this.#requests.answer(message, message.payload.request_id);
        break;
      case "session.error": {
        const { request_id: id } = message.payload;
        if (id === undefined) return;
        const error = ArcpError.fromPayload(message.payload);
        if (!this.#requests.reject(id, error)) this.feeds.failSubscription(id, error);
      }
    }
  }

  ended(error: Error): void {
    this.#requests.failAll(error);
    this.feeds.failAll(error);
  }
}
