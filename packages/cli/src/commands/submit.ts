import { randomUUID } from "node:crypto";
import { ArcpError, LocalError } from "@arcp/core";
import { Command } from "commander";
import { attend } from "../attend.ts";
import {
  type ConnectionFlags,
  connectionFlags,
  connectionSettings,
} from "../connection-settings.ts";
import type { CommandContext } from "../context.ts";
import { duration } from "../duration.ts";
import { usage } from "../failure.ts";
import { inputOf } from "../input.ts";
import { budgets, type Grant, grants, leaseOf } from "../lease.ts";
import { asTyped } from "../own-name.ts";
import { OwnJob } from "../state/own-job.ts";
import { Submission, type SubmitRequest } from "../state/submission.ts";

interface Options extends ConnectionFlags {
  readonly lease?: readonly Grant[];
  readonly budget?: readonly string[];
  /** Milliseconds, as the other one. */
  readonly expires?: number;
  readonly maxRuntime?: number;
  readonly key?: string;
  readonly detach?: true;
  readonly json?: true;
}

/** Starts a job and shows it until it ends. */
export function submitCommand(context: CommandContext): Command {
  const command = new Command("submit")
    .description(
      "Starts a job and shows it until it ends. Ctrl-C leaves the job to itself, pressed again it cancels the job.\n" +
        "Exit codes: 0 it succeeded, 1 it failed, 5 it was cancelled, 6 it timed out, 2 wrong usage or refused, 4 no runtime there, 130 left by Ctrl-C.",
    )
    .argument("<agent>", "name, or name@version")
    .argument("[input]", "JSON, @file, or - for the standard input; default null")
    .option(
      "--lease <capability=pattern>",
      "what it may do, such as 'fs.read=./src/**'; more than once for more",
      grants,
    )
    .option("--budget <amount>", "what it may spend, such as USD:2.50; more than once", budgets)
    .option("--expires <duration>", "when the lease ends, and the job with it", duration)
    .option("--max-runtime <duration>", "when the job is ended, from its acceptance", duration)
    .option(
      "--key <key>",
      "the same key and parameters lead to the same job; made up by default",
      key,
    )
    .option("--detach", "print the id of the job and leave it to itself")
    .option("--json", "one JSON object per line");
  return connectionFlags(command).action((agent: string, input: string | undefined, options) =>
    submit(agent, input, options, context),
  );
}

async function submit(
  agent: string,
  input: string | undefined,
  options: Options,
  context: CommandContext,
): Promise<void> {
  const request = await requestOf(agent, input, options, context);
  const { url } = connectionSettings(options, context);
  const { env } = context;
  // It comes back as by a flag, which goes before the token of the environment.
  const profile = options.profile ?? (env["ARCP_TOKEN"] ? undefined : env["ARCP_PROFILE"]);
  const submission = await Submission.begin(
    request,
    { url, ...(profile && { profile }), key: options.key ?? randomUUID() },
    context,
  );
  await using own = await accepted(submission, options, context);
  const { job, client } = own;
  if (options.detach) {
    context.stdout.write(`${options.json ? JSON.stringify({ job: job.id }) : job.id}\n`);
    return;
  }
  if (await attend({ client, job, isOwn: true }, options.json, context)) await own.finish();
}

/** What was written down stays only when a job may have come of it. */
async function accepted(
  submission: Submission,
  options: Options,
  context: CommandContext,
): Promise<OwnJob> {
  try {
    const own = await OwnJob.open(submission, options, context);
    if (own !== undefined) return own;
    throw new LocalError("CLOSED", "another process has taken the submit over: `arcp watch`");
  } catch (error) {
    const isRefused =
      error instanceof ArcpError || (error instanceof LocalError && error.code === "MISUSE");
    if (isRefused || submission.record.session === undefined) await submission.forget();
    else {
      const text = "arcp: a job may have been started: `arcp watch` finds out\n";
      context.stderr.write(asTyped(text, context.env));
    }
    throw error;
  }
}

/** As long as the protocol has it (section 7.2). */
function key(text: string): string {
  if (text.length >= 1 && text.length <= 256) return text;
  throw usage(`--key takes 1 to 256 characters, this one has ${text.length}`);
}

async function requestOf(
  agent: string,
  input: string | undefined,
  { lease: granted = [], budget = [], expires, maxRuntime }: Options,
  context: CommandContext,
): Promise<SubmitRequest> {
  const lease = leaseOf(granted, budget, context.cwd);
  return {
    agent,
    input: await inputOf(input, context),
    ...(lease !== undefined && { lease }),
    ...(maxRuntime !== undefined && { maxRuntimeSec: Math.ceil(maxRuntime / 1000) }),
    ...(expires !== undefined && {
      expiresAt: new Date(context.clock.now() + expires).toISOString(),
    }),
  };
}
