import { AsyncLocalStorage } from "node:async_hooks";
import { LocalError } from "@arcp/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Logger } from "pino";
import { type Ending, failure } from "../jobs/ending.ts";
import type { Job } from "../jobs/job.ts";
import { isLostAsJson, objectTag } from "../jobs/json-loss.ts";
import { unexpectedError } from "../jobs/unexpected-error.ts";
import type { AnyAgent } from "./agent.ts";
import type { AgentHost } from "./agent-host.ts";
import { tellFailure } from "./failure-log.ts";
import { agentContext } from "./job-agent-context.ts";
import { jsonMethod } from "./json-method.ts";
import type { ResultStream } from "./result-stream.ts";
import { conformingResult } from "./schema-check.ts";
import { Toolbox } from "./toolbox.ts";

/** Runs an agent for a job. Whatever the agent does, the job gets exactly one ending. Never rejects. */
export async function runAgent(
  job: Job,
  agent: AnyAgent,
  input: unknown,
  host: AgentHost,
): Promise<void> {
  const { logger, showsErrorDetails } = host;
  try {
    const reach = await job.authority.fileReach;
    // A pending cancel that fails to be stored counts as never made, and then nobody else would start the agent; so wait for it.
    while (job.live && job.life.undecided !== undefined) await job.life.undecided;
    if (!job.life.begin()) return;
    const toolbox = new Toolbox(
      job,
      agent,
      host,
      reach,
      ({ child, agent: its, input: given }) => void runAgent(child, its, given, host),
    );
    const value: unknown = await entered(job, agent, toolbox, input);
    const ending = success(job, agent, value, toolbox.returned(), logger);
    job.life.end(ending instanceof Promise ? await ending : ending);
  } catch (thrown) {
    const { secrets, observed } = job;
    const failed = tellFailure(job, thrown, logger, "an agent failed");
    if (failed) observed?.failed(secrets.cleanError(thrown));
    job.life.end(failure(failed ? unexpectedError(thrown, secrets, showsErrorDetails) : thrown));
  }
}

function entered(job: Job, agent: AnyAgent, toolbox: Toolbox, input: unknown): unknown {
  const { observed } = job;
  const context = agentContext(job, toolbox, agent.events);
  if (observed === undefined) return agent.run(context, input);
  return observed.within(() => {
    job.life.stopsWithin(AsyncLocalStorage.snapshot());
    return agent.run(context, input);
  });
}

function success(
  { id: job, identity: { agent } }: Job,
  { output }: AnyAgent,
  value: unknown,
  streamed: ResultStream | undefined,
  logger: Logger,
): Ending | Promise<Ending> {
  if (streamed !== undefined) {
    if (value !== undefined)
      logger.warn({ job, agent }, "an agent returned a value after streaming its result");
    return finished(streamed);
  }
  return output === undefined ? withResult(value) : conforming(output, value);
}

async function finished(stream: ResultStream): Promise<Ending> {
  return { status: "success", payload: await stream.finish() };
}

function withResult(value: unknown): Ending {
  return { status: "success", payload: { result: shownResult(value) } };
}

/** A result of nothing becomes null, including a `toJSON` that returns nothing (section 7.3). */
function shownResult(value: unknown): unknown {
  const own = jsonMethod(value);
  return own === undefined ? orNull(value) : { toJSON: (key: string) => orNull(own(key)) };
}

/** @throws LocalError `MISUSE` for a value that would silently be lost */
function orNull(value: unknown): unknown {
  if (!isLostAsJson(value)) return value ?? null;
  throw new LocalError(
    "MISUSE",
    `the agent's result, ${objectTag(value)}, would arrive empty: return plain objects and arrays, or write text or bytes with ctx.result.write`,
  );
}

async function conforming(schema: StandardSchemaV1, value: unknown): Promise<Ending> {
  return withResult(await conformingResult(schema, value, "the agent"));
}
