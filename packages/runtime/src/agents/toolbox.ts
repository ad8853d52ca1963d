import type { FileReach } from "../authority/file-reach.ts";
import type { Job } from "../jobs/job.ts";
import type { AnyAgent } from "./agent.ts";
import type { AgentHost } from "./agent-host.ts";
import type { Delegated } from "./child-admission.ts";
import { Delegation } from "./delegation.ts";
import { Fetcher } from "./fetcher.ts";
import { Files } from "./files.ts";
import { Models } from "./models.ts";
import { Operations } from "./operation.ts";
import { ResultStream } from "./result-stream.ts";
import { ToolCaller } from "./tools.ts";

/** What an agent uses to work on one job. Most agents use little of it, so each part is created on first use. */
export class Toolbox {
  readonly #job: Job;
  readonly #agent: AnyAgent;
  readonly #host: AgentHost;
  readonly #reach: FileReach;
  readonly #start: (delegated: Delegated) => void;
  #tools: ToolCaller | undefined;
  #operations: Operations | undefined;
  #files: Files | undefined;
  #fetcher: Fetcher | undefined;
  #models: Models | undefined;
  #result: ResultStream | undefined;
  #hasReturned = false;
  #delegation: Delegation | undefined;

  /** @param start runs the agent of a delegated job */
  constructor(
    job: Job,
    agent: AnyAgent,
    host: AgentHost,
    reach: FileReach,
    start: (delegated: Delegated) => void,
  ) {
    this.#job = job;
    this.#agent = agent;
    this.#host = host;
    this.#reach = reach;
    this.#start = start;
  }

  get tools(): ToolCaller {
    this.#tools ??= new ToolCaller(this.#job, this.operations, this.#host);
    return this.#tools;
  }

  get operations(): Operations {
    this.#operations ??= new Operations(this.#job, this.#agent.showOperations ?? false);
    return this.#operations;
  }

  get files(): Files {
    const { fileBytes } = this.#host.limits;
    this.#files ??= new Files(this.#job, this.#reach, this.operations, fileBytes);
    return this.#files;
  }

  get fetcher(): Fetcher {
    this.#fetcher ??= new Fetcher(this.#job, this.operations);
    return this.#fetcher;
  }

  get models(): Models {
    this.#models ??= new Models(this.#job, this.#host.models, this.operations);
    return this.#models;
  }

  get result(): ResultStream {
    this.#result ??= new ResultStream(this.#job, this.#host.limits.resultBytes);
    if (this.#hasReturned) this.#result.close();
    return this.#result;
  }

  /** The agent has returned and may write no more of its result. @returns the result stream, if anything was streamed */
  returned(): ResultStream | undefined {
    this.#hasReturned = true;
    this.#result?.close();
    return this.#result?.begun ? this.#result : undefined;
  }

  get delegation(): Delegation {
    this.#delegation ??= new Delegation(this.#job, this.#host, this.#start);
    return this.#delegation;
  }
}
