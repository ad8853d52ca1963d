import type { Client, JobFilter } from "@arcp/client";
import { type JobStatus, jobStatuses } from "@arcp/core";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  type ConnectionFlags,
  connectionFlags,
  connectionSettings,
} from "../connection-settings.ts";
import type { CommandContext } from "../context.ts";
import { JOB_TITLES, type JobRow, jobCells, jobJson } from "../listing/job-row.ts";
import { LineView, TableView } from "../listing/job-view.ts";
import { followJobs } from "../listing/live-jobs.ts";
import { table } from "../listing/table.ts";
import { momentBefore } from "../moment.ts";
import { openClient } from "../open-client.ts";
import { canDraw, paintFor, widthOf } from "../terminal.ts";

interface Options extends ConnectionFlags {
  readonly status?: readonly JobStatus[];
  readonly agent?: string;
  readonly since?: Date;
  readonly limit: number;
  readonly follow?: true;
  readonly json?: true;
}

export function jobsCommand(context: CommandContext): Command {
  const command = new Command("jobs")
    .description(
      "Lists the latest jobs of whoever asks, in the order of their acceptance, whichever session submitted them.",
    )
    .addOption(
      new Option("--status <status>", "such jobs alone; more than once for more")
        .choices(jobStatuses)
        .argParser(status),
    )
    .option("--agent <agent>", "those of one agent: a name, or name@version")
    .option(
      "--since <when>",
      "those that are younger: a duration such as 2h or 7d, or a time",
      (text) => momentBefore(text, context.clock),
    )
    .option("--limit <count>", "so many of the latest", count, 20)
    .option("--follow", "go on with each change and each new job, until Ctrl-C")
    .option("--json", "a line of JSON for each; with --follow for each change");
  return connectionFlags(command).action((options: Options) => jobs(options, context));
}

async function jobs(options: Options, context: CommandContext): Promise<void> {
  const { stdout, env, clock } = context;
  await using client = await openClient(connectionSettings(options, context), context);
  if (options.follow) return await follow(client, options, context);
  const { latest, all } = await latestJobs(client, options, context.signal);
  if (options.json) {
    for (const row of latest) stdout.write(`${jobJson(row)}\n`);
    return;
  }
  const paint = paintFor(stdout, env);
  const cells = latest.map((row) => jobCells(row, clock.now(), paint));
  const lines = table(JOB_TITLES, cells, widthOf(stdout), paint);
  stdout.write(`${lines.join("\n")}\n`);
  if (all > latest.length) {
    context.stderr.write(`the latest ${latest.length} of ${all}: say --limit for more\n`);
  }
}

/** The table first, and then what becomes of it. */
async function follow(client: Client, options: Options, context: CommandContext): Promise<void> {
  const { stdout, env, signal, clock } = context;
  const { latest } = await latestJobs(client, options, signal);
  const live = canDraw(stdout, env) && !options.json;
  using view = live
    ? new TableView(context, options.limit)
    : new LineView(context, options.json ?? false);
  for (const row of latest) view.show(row);
  const wanted = options.status && new Set<string>(options.status);
  await followJobs(client, new Map(latest.map((row) => [row.id, row])), {
    agent: options.agent,
    signal,
    clock,
    change: (row) => {
      if (wanted?.has(row.status) ?? true) view.show(row);
      else view.hide(row);
    },
  });
  signal.throwIfAborted();
}

async function latestJobs(
  client: Client,
  { status, agent, since, limit }: Options,
  signal: AbortSignal,
): Promise<{ latest: readonly JobRow[]; all: number }> {
  const filter: JobFilter = {
    ...(status !== undefined && { status }),
    ...(agent !== undefined && { agent }),
    ...(since !== undefined && { createdAfter: since }),
  };
  const latest: JobRow[] = [];
  let all = 0;
  for await (const job of client.jobs(filter, signal)) {
    all += 1;
    if (latest.push(job) > limit) latest.shift();
  }
  return { latest, all };
}

function status(text: string, before: readonly JobStatus[] = []): readonly JobStatus[] {
  const known = jobStatuses.find((one) => one === text);
  if (known !== undefined) return [...before, known];
  throw new InvalidArgumentError(`it has to be one of ${jobStatuses.join(", ")}.`);
}

function count(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("it has to be a whole number from 1 to 999999.");
}
