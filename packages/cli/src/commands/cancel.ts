import { ArcpError, isTerminal, type JobStatus, LocalError } from "@arcp/core";
import { Command } from "commander";
import {
  type ConnectionFlags,
  connectionFlags,
  connectionSettings,
} from "../connection-settings.ts";
import type { CommandContext } from "../context.ts";
import { usage } from "../failure.ts";
import { openClient } from "../open-client.ts";
import { Hold } from "../state/hold.ts";
import { OwnJob } from "../state/own-job.ts";
import { Submission } from "../state/submission.ts";

interface Options extends ConnectionFlags {
  readonly reason?: string;
}

/** Asks for the end of a job. */
export function cancelCommand(context: CommandContext): Command {
  const command = new Command("cancel")
    .description(
      "Requests the end of a job, and returns once the runtime has acknowledged that. A job that was submitted here is cancelled through the session that owns it.\n" +
        "Exit codes: 0 acknowledged, or the job had already ended; 2 no such job, or not yours to cancel; 4 there is no runtime.",
    )
    .argument("<job>", "the job's id")
    .option("--reason <text>", "why, for humans", reason);
  return connectionFlags(command).action((id: string, options: Options) =>
    cancel(id, options, context),
  );
}

/** The protocol's limit (section 7.4). */
function reason(text: string): string {
  if (text.length <= 1024) return text;
  throw usage(`--reason takes at most 1024 characters, not ${text.length}`);
}

async function cancel(id: string, options: Options, context: CommandContext): Promise<void> {
  let refusal: unknown;
  // Several submits may share a key, but only the session of one of them owns the job.
  for (const submission of await Submission.of(id, context)) {
    try {
      return told(id, await cancelOwn(submission, options, context), context);
    } catch (error) {
      if (!(error instanceof ArcpError && error.code === "PERMISSION_DENIED")) throw error;
      refusal = error;
    }
  }
  if (refusal !== undefined) throw refusal;
  await using client = await openClient(connectionSettings(options, context), context);
  const job = await client.job(id);
  const { current_status: status } = job.subscribed;
  // A session that does not own the job may not cancel it, even if that would change nothing.
  if (!isOver(status)) await job.cancel(options.reason);
  told(id, status, context);
}

/** @returns the state that the job was in, if that is known */
async function cancelOwn(
  submission: Submission,
  options: Options,
  context: CommandContext,
): Promise<string | undefined> {
  const { reason } = options;
  await using own = await OwnJob.open(submission, options, context);
  if (own !== undefined) {
    await own.job.cancel(reason);
    return "subscribed" in own.job ? own.job.subscribed.current_status : undefined;
  }
  if (await askHolder(submission, reason, context)) return undefined;
  throw new LocalError("CLOSED", "another process has just used this job's session: try again");
}

/** How long the holder has to answer, in ms: a little more than the runtime has to answer the holder. */
const PATIENCE = 35_000;

/** @returns whether there was a holder to ask */
async function askHolder(
  { directory }: Submission,
  reason: string | undefined,
  { signal, clock }: CommandContext,
): Promise<boolean> {
  const request = { do: "cancel", ...(reason !== undefined && { reason }) } as const;
  const late = new AbortController();
  const timer = clock.after(PATIENCE, () =>
    late.abort(new LocalError("REQUEST_TIMEOUT", "the process that shows the job is stopped")),
  );
  try {
    const answer = await Hold.ask(directory, request, AbortSignal.any([signal, late.signal]));
    if (answer?.ok === false) throw new ArcpError(answer.code, answer.message);
    return answer !== undefined;
  } finally {
    timer.cancel();
  }
}

function told(id: string, status: string | undefined, { stdout }: CommandContext): void {
  stdout.write(
    isOver(status) ? `${id} had already ended: ${status}\n` : `${id} is being cancelled\n`,
  );
}

function isOver(status: string | undefined): boolean {
  return status !== undefined && isTerminal(status as JobStatus);
}
