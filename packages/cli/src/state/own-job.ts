import type { Client, Job, Persist, ReopenedJob } from "@arcp/client";
import { ArcpError, LocalError } from "@arcp/core";
import {
  type ConnectionFlags,
  type ConnectionSettings,
  connectionSettings,
} from "../connection-settings.ts";
import type { CommandContext } from "../context.ts";
import { usage } from "../failure.ts";
import { showLosses } from "../losses.ts";
import { openClient } from "../open-client.ts";
import type { Sink } from "../surroundings.ts";
import { PlainView } from "../view/plain-view.ts";
import { Hold } from "./hold.ts";
import type { LocalAnswer, LocalRequest } from "./local-socket.ts";
import type { Submission, SubmissionRecord, SubmitRequest } from "./submission.ts";

/** How long a runtime knows the key of a job that may have ended since, in ms, less an hour to be safe (R-7.2-7). */
const KEY_KNOWN = 23 * 60 * 60 * 1000;

/**
 * A job that this user submitted here, in the session that owns it. While it is open, no other process uses that session: one that
 * wants to cancel the job asks this process.
 */
export class OwnJob implements AsyncDisposable {
  readonly client: Client;
  readonly job: Job | ReopenedJob;
  readonly #submission: Submission;
  readonly #hold: Hold;
  readonly #stderr: Sink;
  #isOver = false;

  private constructor(
    client: Client,
    job: Job | ReopenedJob,
    submission: Submission,
    hold: Hold,
    stderr: Sink,
  ) {
    this.client = client;
    this.job = job;
    this.#submission = submission;
    this.#hold = hold;
    this.#stderr = stderr;
  }

  /**
   * Submits what was written down, or returns to its job.
   *
   * @returns undefined if another process has its session, or the job has just been forgotten
   */
  static async open(
    submission: Submission,
    flags: ConnectionFlags,
    context: CommandContext,
  ): Promise<OwnJob | undefined> {
    let own: OwnJob | undefined;
    const hold = await Hold.take(submission.directory, (request) => answer(own, request));
    if (hold === undefined) return undefined;
    await submission.refresh();
    const { session } = submission.record;
    // A wrong token leads to a new session of somebody else, which must not replace the right one.
    const persist: Persist = async (saved) => {
      const isRight =
        own !== undefined || (session?.session.id ?? saved.session.id) === saved.session.id;
      if (isRight) await submission.persist(saved);
    };
    try {
      const settings = settingsOf(submission, flags, context);
      const client = await openClient(settings, context, {
        persist,
        ...(session !== undefined && { restore: session }),
      });
      try {
        // Until the job is known, it has no view.
        void showLosses(client, new PlainView(context), () => own !== undefined);
        const job = await jobOf(client, submission, settings, context);
        own = new OwnJob(client, job, submission, hold, context.stderr);
        return own;
      } catch (error) {
        await client.close();
        throw error;
      }
    } catch (error) {
      await hold[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The job has ended, and the user has seen that: nobody needs to return to it. */
  async finish(): Promise<void> {
    this.#isOver = true;
    await this.client.close();
    await this.#hold[Symbol.asyncDispose]();
    await this.#submission.forget();
  }

  /** Leaves the job running, unless it is finished, and keeps everything needed to return. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      await this.#submission.persist(await this.client.save());
    } catch (error) {
      // What was written last is as good: a client that has no session now, or is closed, has nothing newer.
      if (!(error instanceof LocalError || error instanceof ArcpError)) throw error;
    } finally {
      const { unwritten } = this.#submission;
      if (unwritten !== undefined) {
        const why = unwritten instanceof Error ? unwritten.message : unwritten;
        this.#stderr.write(`arcp: not everything needed to come back could be saved: ${why}\n`);
      }
      await this.#hold[Symbol.asyncDispose]();
    }
  }
}

/**
 * The settings of the submit, whatever the environment says now; for a job that was not submitted here, those of the environment.
 */
export function settingsOf(
  submission: Submission | undefined,
  flags: ConnectionFlags,
  context: CommandContext,
): ConnectionSettings {
  const { url, profile }: Partial<SubmissionRecord> = submission?.record ?? {};
  const kept = { ...(url !== undefined && { url }), ...(profile !== undefined && { profile }) };
  return connectionSettings({ ...kept, ...flags }, context);
}

/** The job of a submission. If its outcome is unknown, it is submitted again under its key. */
async function jobOf(
  client: Client,
  submission: Submission,
  settings: ConnectionSettings,
  { clock }: CommandContext,
): Promise<Job | ReopenedJob> {
  const { job, url, request, key, submittedAt } = submission.record;
  if (job !== undefined) {
    return client.job(job).catch(async (error: unknown) => {
      if (!(error instanceof ArcpError && error.code === "JOB_NOT_FOUND")) throw error;
      if (settings.url === url) await submission.miss();
      // The user may not have named the job.
      throw new ArcpError(error.code, `this runtime has no ${job} of yours`);
    });
  }
  if (request === undefined || clock.now() - Date.parse(submittedAt) > KEY_KNOWN) {
    throw usage(`the outcome of the submit of ${submittedAt} is unknown: submit again`);
  }
  return submit(client, request, key);
}

function submit(client: Client, request: SubmitRequest, key: string): Promise<Job> {
  const { agent, input, lease, maxRuntimeSec, expiresAt } = request;
  return client.submit(agent, input, {
    idempotencyKey: key,
    ...(lease !== undefined && { lease }),
    ...(maxRuntimeSec !== undefined && { maxRuntimeSec }),
    ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }),
  });
}

async function answer(own: OwnJob | undefined, { reason }: LocalRequest): Promise<LocalAnswer> {
  try {
    if (own === undefined) throw new LocalError("CLOSED", "it has not been accepted yet");
    await own.job.cancel(reason);
    return { ok: true };
  } catch (error) {
    if (!(error instanceof ArcpError || error instanceof LocalError)) throw error;
    return { ok: false, code: error.code, message: error.message };
  }
}
