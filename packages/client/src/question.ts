import { type ClientMessageType, LocalError, type Outgoing } from "@arcp/core";

/** What a client can ask and gets an answer to. */
export type QuestionType =
  | "job.submit"
  | "job.cancel"
  | "job.subscribe"
  | "session.list_jobs"
  | "session.ping";

/** A request but for what the exchange adds. */
export type Question = {
  [Q in QuestionType]: Omit<Outgoing<Q>, "id" | "session_id">;
}[QuestionType];

/** A submit may start a second job when it is made again in another session, unless its key tells that it is the same. */
export function isRepeatable({ type, payload }: Question): boolean {
  return type !== "job.submit" || payload.idempotency_key !== undefined;
}

/** What a request of this type rejects with that may have been done, and whose answer will not come. */
export function lostBeforeAnswer(type: ClientMessageType): LocalError {
  return new LocalError(
    "SESSION_LOST",
    `${type} may have been done, the connection was lost before the answer: check jobs(), or submit with an idempotencyKey`,
  );
}
