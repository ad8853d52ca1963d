import { type ClientMessageType, LocalError, type Outgoing } from "@arcp/core";

/** The types of message that get a reply. */
export type QuestionType =
  | "job.submit"
  | "job.cancel"
  | "job.subscribe"
  | "session.list_jobs"
  | "session.ping";

/** A request without the fields that the exchange adds. */
export type Question = {
  [Q in QuestionType]: Omit<Outgoing<Q>, "id" | "session_id">;
}[QuestionType];

/** Repeating a submit in another session may start a second job, unless its key identifies it as the same. */
export function isRepeatable({ type, payload }: Question): boolean {
  return type !== "job.submit" || payload.idempotency_key !== undefined;
}

/** The rejection of a request that may have taken effect, but whose reply will never come. */
export function lostBeforeAnswer(type: ClientMessageType): LocalError {
  return new LocalError(
    "SESSION_LOST",
    `${type} may have been done, the connection was lost before the answer: check jobs(), or submit with an idempotencyKey`,
  );
}
