import { Command } from "commander";
import { attend } from "../attend.ts";
import { type ConnectionFlags, connectionFlags } from "../connection-settings.ts";
import type { CommandContext } from "../context.ts";
import { usage } from "../failure.ts";
import { openClient } from "../open-client.ts";
import { OwnJob, settingsOf } from "../state/own-job.ts";
import { Submission } from "../state/submission.ts";

interface Options extends ConnectionFlags {
  readonly json?: true;
}

/** Shows a job from its first event until it ends. */
export function watchCommand(context: CommandContext): Command {
  const command = new Command("watch")
    .description(
      "Shows a job with its history, until it ends. A job that was submitted here is resumed where it was left, and pressing Ctrl-C twice cancels it; any other job is only watched.\n" +
        "Exit codes: the same as for submit.",
    )
    .argument("[job]", "the job's id; by default the job last submitted here")
    .option("--json", "one JSON object per line");
  return connectionFlags(command).action((id: string | undefined, options: Options) =>
    watch(id, options, context),
  );
}

async function watch(
  id: string | undefined,
  options: Options,
  context: CommandContext,
): Promise<void> {
  const [submission] = await Submission.of(id, context);
  if (id === undefined && submission === undefined) {
    throw usage("all jobs submitted here have been shown: name one, `arcp jobs` lists yours");
  }
  const own = submission && (await OwnJob.open(submission, options, context));
  if (own === undefined) return lookOn(id ?? submission?.record.job, submission, options, context);
  await using open = own;
  const { client, job } = open;
  if (await attend({ client, job, isOwn: true }, options.json, context)) await open.finish();
}

/** Watches in a session of its own, because another process uses the one that owns the job, such as a live view. */
async function lookOn(
  id: string | undefined,
  submission: Submission | undefined,
  options: Options,
  context: CommandContext,
): Promise<void> {
  if (id === undefined) throw usage("the job last submitted here has not been accepted yet");
  await using client = await openClient(settingsOf(submission, options, context), context);
  const job = await client.subscribe(id, { history: true });
  await attend({ client, job, isOwn: false }, options.json, context);
}
