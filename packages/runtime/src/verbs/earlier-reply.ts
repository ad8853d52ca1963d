import { ArcpError, type Envelope, type ErrorPayload, isObject } from "@arcp/core";
import { acceptanceOf } from "../jobs/acceptance.ts";
import { jobDamaged, wireError } from "../jobs/ending.ts";
import type { Session } from "../session/session.ts";
import type { RememberedAcceptance, SubmitReply } from "../session/submit-log.ts";
import { unlessDamaged } from "../store/damage.ts";
import { objectIn } from "../store/record-text.ts";
import { rowOf } from "./resubmission.ts";
import type { Services } from "./services.ts";

type Submit = Envelope<"job.submit">;

/** Stores a refusal as durably as its session, so that the same submit is never decided twice (R-5.4-8). */
export async function rememberRefusal(
  { store, logger }: Services,
  { stream }: Session,
  { id: request }: Submit,
  error: ErrorPayload,
): Promise<void> {
  if (!store.durable) return;
  try {
    await stream.writer.commit({ refused: { request, reply: JSON.stringify(error) } });
  } catch (err) {
    logger.error({ session: stream.session, err }, "a refusal could not be stored");
  }
}

/**
 * The reply that the previous process gave to this submit, if any (R-5.4-8).
 * @throws ArcpError `JOB_NOT_FOUND` if the job cannot be read; it must not run twice
 */
export async function earlierReply(
  { store }: Services,
  session: Session,
  request: Submit,
): Promise<SubmitReply | undefined> {
  const query = { session: session.id, request: request.id, limit: 1 };
  let error: ArcpError | undefined;
  const [row] = await store.jobs.list(query, ({ id, error: cause }) => {
    error = jobDamaged(id, cause);
  });
  if (error !== undefined) throw error;
  // An adopted job is looked up by its key again, because the crash may have come before the session followed it.
  const adopted = row?.submittedIn !== undefined;
  if (row !== undefined && !adopted) return { kind: "accepted", announcement: acceptanceOf(row) };
  // An unreadable refusal counts as one that is no longer remembered.
  const refusal = await unlessDamaged(store.sessions.refusal(session.id, request.id));
  const refused = refusal === undefined ? undefined : errorIn(refusal);
  return refused && { kind: "refused", error: refused };
}

function errorIn(refusal: string): ErrorPayload | undefined {
  const { code, message, retryable, details } = objectIn(refusal) ?? {};
  if (typeof code !== "string" || typeof message !== "string") return undefined;
  return { code, message, retryable: retryable === true, ...(isObject(details) && { details }) };
}

/**
 * Repeats the acceptance of a submit from what is kept of its job (R-5.4-8). If the job is gone, the reply says so, still in the
 * order of the submits (R-5.4-5). Never rejects.
 */
export async function replyAgain(
  services: Services,
  { job, request, truncated }: RememberedAcceptance,
): Promise<SubmitReply> {
  try {
    const row = await rowOf(services, job);
    if (row === undefined) {
      throw new ArcpError(
        "JOB_NOT_FOUND",
        `the submit was accepted as ${job}, which is no longer kept`,
      );
    }
    return { kind: "accepted", announcement: acceptanceOf({ ...row, request }, truncated) };
  } catch (thrown) {
    return { kind: "refused", error: refusalOf(services, thrown) };
  }
}

/** The wire form of a failed submit. An unexpected error is shown to the operator only. */
export function refusalOf({ logger }: Pick<Services, "logger">, thrown: unknown): ErrorPayload {
  const known = ArcpError.from(thrown);
  if (known !== thrown) logger.error({ err: thrown }, "a submit failed");
  return wireError(known);
}
