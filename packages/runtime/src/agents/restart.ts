import { ArcpError, parseAgentReference } from "@arcp/core";
import { compileLease } from "../authority/lease.ts";
import { damaged, type Ending, failure } from "../jobs/ending.ts";
import { Job } from "../jobs/job.ts";
import { attemptOf } from "../jobs/job-attempt.ts";
import type { ListedJob } from "../store/index.ts";
import { retried } from "../store/retry.ts";
import type { AnyAgent } from "./agent.ts";
import type { AgentHost } from "./agent-host.ts";
import { restartInput } from "./restart-input.ts";
import { runAgent } from "./run.ts";
import { checkedInput } from "./schema-check.ts";

/**
 * Prepares a job of the previous process for its next attempt (R-7.3-10).
 * @param head of its log
 * @returns a function that starts its agent; or how the job ends because it cannot run again
 */
export async function restartJob(
  host: AgentHost,
  row: ListedJob,
  head: number,
): Promise<(() => void) | Ending> {
  const attempt = (row.attempt ?? 1) + 1;
  const reference = parseAgentReference(row.agent);
  // Exactly the agent that the job was accepted for (R-7.5-5).
  const agent = reference && host.agents.find(reference);
  const { attempts = 1, stallSec } = agent ?? {};
  if (agent === undefined) {
    const text = "a job is not restarted: its agent is not registered";
    host.logger.warn({ job: row.id, agent: row.agent }, text);
  }
  if (agent === undefined || row.streamed || attempt > attempts) return interrupted();
  const lease = compileLease(row.lease, { workspace: row.workspace });
  if (!lease.ok) return interrupted();
  // Loaded only now, because most jobs are not run again.
  const large = await restartInput(host, row.id);
  if (large === "damaged") return damaged(row.id);
  const { input, checkpoint, weight } = large;
  if (input === undefined) return interrupted();
  const { submittedIn = row.session, maxRuntimeSec, ...known } = row;
  const features = new Set(row.features);
  const observed = host.observation?.job(attemptOf({ ...row, lease: lease.lease, attempt }));
  const job = new Job(
    { ...known, session: submittedIn, features, maxRuntimeSec, attempts, stallSec },
    lease.lease,
    host,
    {
      observed,
      legacy: {
        attempt,
        head,
        status: row.status,
        owner: row.session,
        remaining: row.remaining,
        checkpoint,
      },
    },
  );
  host.jobs.add(job, host.quota.take(job.principal, weight));
  return () => {
    if (!host.closing()) void start(host, job, agent, input);
  };
}

/** Never rejects. */
async function start(host: AgentHost, job: Job, agent: AnyAgent, text: string): Promise<void> {
  const { clock, logger, store, credentials } = host;
  job.life.accept();
  try {
    const input = await checkedInput(agent, JSON.parse(text));
    if (!job.live) return;
    const { attempt } = job;
    // Stored before the run, so that a job that kills its process is not restarted for ever.
    await retried(clock, () => store.jobs.update(job.id, { attempt }));
    await credentials.reissue(job);
    logger.info({ job: job.id, attempt }, "a job is restarted");
    // Not awaited, because that would keep the input's text in memory as long as the run.
    void runAgent(job, agent, input, host);
  } catch (error) {
    logger.error({ job: job.id, err: error }, "a job could not be restarted");
    job.life.end(interrupted());
  }
}

function interrupted(): Ending {
  const message = "the runtime stopped while the job was running";
  return failure(new ArcpError("INTERNAL_ERROR", message));
}
