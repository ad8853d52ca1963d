import { ArcpError, checked } from "@arcp/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Logger } from "pino";
import { resolvePatternPrefixes } from "../authority/covered-path.ts";
import type { Prices } from "../authority/price.ts";
import type { AdmissionContext } from "./admission.ts";
import type { AnyAgent } from "./agents.ts";
import { createContext } from "./context.ts";
import { Delegation } from "./delegation.ts";
import { type Ending, failure } from "./ending.ts";
import { Fetcher } from "./fetcher.ts";
import { Files, type RealPatterns } from "./files.ts";
import type { Job } from "./job.ts";
import { Models } from "./models.ts";
import { Operations } from "./operation.ts";
import { ResultStream } from "./result-stream.ts";
import { ToolCaller, type Tools } from "./tools.ts";

export interface RunOptions extends AdmissionContext {
  readonly tools: Tools;
  /** What the models cost that the runtime knows, by id. */
  readonly models: ReadonlyMap<string, Prices>;
}

/** Runs an agent for a job: whatever the agent does, exactly one ending comes of it. Never rejects. */
export async function runAgent(
  job: Job,
  agent: AnyAgent,
  input: unknown,
  options: RunOptions,
): Promise<void> {
  const { tools, logger, limits } = options;
  const result = new ResultStream(job, limits.resultBytes);
  try {
    const calls = new ToolCaller(job, tools);
    const operations = new Operations(calls, agent.showOperations ?? false);
    const files = new Files(job, await realPatterns(job), operations);
    if (!job.begin()) return;
    const delegation = new Delegation(
      job,
      options,
      ({ child, agent: its, input: given }) => void runAgent(child, its, given, options),
    );
    const context = createContext(job, {
      tools: calls,
      files,
      fetcher: new Fetcher(job, operations),
      models: new Models(job, options.models, calls),
      result,
      delegate: (...given) => delegation.delegate(...given),
      events: agent.events,
    });
    const value: unknown = await agent.run(context, input);
    job.end(await success(job, agent, value, result, logger));
  } catch (thrown) {
    if (!(thrown instanceof ArcpError))
      logger.error({ job: job.id, err: job.secrets.cleanError(thrown) }, "an agent failed");
    job.end(failure(thrown));
  }
}

const NO_PATTERNS: RealPatterns = { "fs.read": [], "fs.write": [] };

async function realPatterns({ authority }: Job): Promise<RealPatterns> {
  const [asRead, asWritten] = [authority.patterns("fs.read"), authority.patterns("fs.write")];
  if (asRead.length + asWritten.length === 0) return NO_PATTERNS;
  const [reading, writing] = await Promise.all([
    resolvePatternPrefixes(asRead),
    resolvePatternPrefixes(asWritten),
  ]);
  return { "fs.read": reading, "fs.write": writing };
}

async function success(
  { id: job }: Job,
  agent: AnyAgent,
  value: unknown,
  stream: ResultStream,
  logger: Logger,
): Promise<Ending> {
  if (stream.begun) {
    if (value !== undefined)
      logger.warn({ job }, "an agent returned a value after streaming its result");
    return { status: "success", payload: await stream.finish() };
  }
  const { output } = agent;
  const result = (output === undefined ? value : await conforming(output, value)) ?? null;
  if (typeof result === "function" || typeof result === "symbol") {
    throw new Error("the agent's result is no JSON value");
  }
  return { status: "success", payload: { result } };
}

async function conforming(schema: StandardSchemaV1, value: unknown): Promise<unknown> {
  const outcome = await checked(schema, value);
  if (outcome.ok) return outcome.value;
  throw new Error(`the agent's result does not fit its output schema: ${outcome.problem}`);
}
