import type { Client, Job, JobOutcome, ReopenedJob, WatchedJob } from "@arcp/client";
import { ArcpError } from "@arcp/core";
import type { CommandContext } from "./context.ts";
import { exitCode } from "./exit-code.ts";
import { follow } from "./follow.ts";
import { asTyped } from "./own-name.ts";
import { codeOf } from "./view/outcome-lines.ts";
import type { ViewedJob } from "./view/view.ts";
import { viewFor } from "./view/viewing.ts";

/** A job to show, and the client that it belongs to. */
export type Attended =
  | { readonly client: Client; readonly job: Job | ReopenedJob; readonly isOwn: true }
  | { readonly client: Client; readonly job: WatchedJob; readonly isOwn: false };

/**
 * Shows a job until it ends or the user leaves it, and sets the exit code. A second Ctrl-C cancels only a job of one's own.
 *
 * @returns how the job ended; undefined if the user left it
 * @throws ArcpError `JOB_NOT_FOUND` if the runtime has lost the job
 */
export async function attend(
  attended: Attended,
  json: boolean | undefined,
  context: CommandContext,
): Promise<JobOutcome | undefined> {
  const { client, job, isOwn } = attended;
  using view = viewFor(context, { json });
  view.keys(isOwn ? "Ctrl-C detaches from the job" : "Ctrl-C exits");
  view.begin(described(job));
  const cancel = isOwn ? (reason: string) => attended.job.cancel(reason) : undefined;
  const following = follow({ client, job, ...(cancel && { cancel }) }, view, context);
  const outcome = await following.catch((error: unknown) => {
    throw explained(error, job.id);
  });
  if (outcome === undefined) {
    view.note(asTyped(`to return: \`arcp watch ${job.id}\``, context.env));
  }
  context.exit(outcome === undefined ? exitCode.interrupted : codeOf(outcome));
  return outcome;
}

/** The job existed when the view began, so `JOB_NOT_FOUND` means that the runtime has lost it. */
function explained(error: unknown, job: string): unknown {
  if (!(error instanceof ArcpError && error.code === "JOB_NOT_FOUND")) return error;
  const why = "it may have been restarted without its store";
  return new ArcpError(error.code, `the runtime no longer has ${job}: ${why}`);
}

function described(job: Job | WatchedJob): ViewedJob {
  const { agent, lease, budget = {} } = "accepted" in job ? job.accepted : job.subscribed;
  return { id: job.id, agent, lease, budget };
}
