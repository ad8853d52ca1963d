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
      "Shows a job with its history, until it ends. One that was submitted here is taken up where it was left, and Ctrl-C pressed twice cancels it; any other one is only looked at.\n" +
        "Exit codes: as those of submit.",
    )
    .argument("[job]", "its id; by default the one that was submitted here last")
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
    throw usage(
      "no job that was submitted here is still to be shown: name one, `arcp jobs` lists yours",
    );
  }
  const own = submission && (await OwnJob.open(submission, options, context));
  if (own === undefined) return lookOn(id ?? submission?.record.job, submission, options, context);
  await using open = own;
  const { client, job } = open;
  if (await attend({ client, job, isOwn: true }, options.json, context)) await open.finish();
}

/** In a session of one's own: the one that owns the job is another's, such as that of a live view. */
async function lookOn(
  id: string | undefined,
  submission: Submission | undefined,
  options: Options,
  context: CommandContext,
): Promise<void> {
  if (id === undefined) throw usage("what was submitted here last has not been accepted yet");
  await using client = await openClient(settingsOf(submission, options, context), context);
  const job = await client.subscribe(id, { history: true });
  await attend({ client, job, isOwn: false }, options.json, context);
}
