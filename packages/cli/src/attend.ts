import type { Client, Job, JobOutcome, ReopenedJob, WatchedJob } from "@arcp/client";
import { ArcpError } from "@arcp/core";
import type { CommandContext } from "./context.ts";
import { exitCode } from "./exit-code.ts";
import { follow } from "./follow.ts";
import { asTyped } from "./own-name.ts";
import { codeOf } from "./view/outcome-lines.ts";
import type { ViewedJob } from "./view/view.ts";
import { viewFor } from "./view/viewing.ts";

/** A job to be shown, and the client that it is of. */
export type Attended =
  | { readonly client: Client; readonly job: Job | ReopenedJob; readonly isOwn: true }
  | { readonly client: Client; readonly job: WatchedJob; readonly isOwn: false };

/**
 * Shows a job to its end, or until whoever looks leaves it, and says the exit code. Only one's own job is cancelled by the
 * second Ctrl-C.
 *
 * @returns how it ended, undefined when it was left
 * @throws ArcpError `JOB_NOT_FOUND` when the runtime has lost it
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

/** The job was there when the view began. */
function explained(error: unknown, job: string): unknown {
  if (!(error instanceof ArcpError && error.code === "JOB_NOT_FOUND")) return error;
  const why = "it may have been restarted without its store";
  return new ArcpError(error.code, `the runtime no longer has ${job}: ${why}`);
}

function described(job: Job | WatchedJob): ViewedJob {
  const { agent, lease, budget = {} } = "accepted" in job ? job.accepted : job.subscribed;
  return { id: job.id, agent, lease, budget };
}
