import type { Client, JobFilter } from "@arcp/client";
import { type JobStatus, jobStatuses } from "@arcp/core";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  type ConnectionFlags,
  connectionFlags,
  connectionSettings,
} from "../connection-settings.ts";
import type { CommandContext } from "../context.ts";
import { JOB_TITLES, jobCells, jobJson } from "../listing/job-row.ts";
import { LineView, TableView } from "../listing/job-view.ts";
import { FEW, type LatestJobs, latestJobs } from "../listing/latest-jobs.ts";
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
      "Lists your latest jobs in the order they were accepted, whichever session submitted them.",
    )
    .addOption(
      new Option("--status <status>", "only jobs with this status; can be repeated")
        .choices(jobStatuses)
        .argParser(status),
    )
    .option("--agent <agent>", "only jobs of this agent: a name, or name@version")
    .option(
      "--since <when>",
      "only jobs newer than this: a duration such as 2h or 7d, or a time",
      (text) => momentBefore(text, context.clock),
    )
    .option("--limit <count>", "how many of the latest jobs", count, 20)
    .option("--follow", "keep showing changes and new jobs until Ctrl-C")
    .option("--json", "one line of JSON per job; with --follow, per change");
  return connectionFlags(command).action((options: Options) => jobs(options, context));
}

async function jobs(options: Options, context: CommandContext): Promise<void> {
  const { stdout, stderr, env, clock } = context;
  await using client = await openClient(connectionSettings(options, context), context);
  if (options.follow) return await follow(client, options, context);
  const { latest: rows, all } = await latest(client, options, context);
  if (options.json) {
    for (const row of rows) stdout.write(`${jobJson(row)}\n`);
    return;
  }
  if (rows.length === 0) {
    const which = options.status ?? options.agent ?? options.since;
    return void stderr.write(`arcp: ${which ? "no job matches" : "you have no jobs"}\n`);
  }
  const paint = paintFor(stdout, env);
  const cells = rows.map((row) => jobCells(row, clock.now(), paint));
  const lines = table(JOB_TITLES, cells, widthOf(stdout), paint);
  stdout.write(`${lines.join("\n")}\n`);
  if (all !== rows.length) {
    const many = all ?? `more than ${FEW}`;
    stderr.write(`the latest ${rows.length} of ${many}: use --limit for more\n`);
  }
}

/** Shows the table, and then each change. */
async function follow(client: Client, options: Options, context: CommandContext): Promise<void> {
  const { stdout, env, signal, clock } = context;
  const { latest: rows } = await latest(client, options, context);
  const live = canDraw(stdout, env) && !options.json;
  using view = live
    ? new TableView(context, options.limit)
    : new LineView(context, options.json ?? false);
  for (const row of rows) view.show(row);
  const wanted = options.status && new Set<string>(options.status);
  await followJobs(client, new Map(rows.map((row) => [row.id, row])), {
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

function latest(
  client: Client,
  { status, agent, since, limit }: Options,
  { signal, clock }: CommandContext,
): Promise<LatestJobs> {
  const filter: JobFilter = {
    ...(status !== undefined && { status }),
    ...(agent !== undefined && { agent }),
    ...(since !== undefined && { createdAfter: since }),
  };
  return latestJobs(client, filter, limit, clock.now(), signal);
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
