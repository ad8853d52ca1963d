import { ArcpError } from "@arcp/core";
import type { Logger } from "pino";
import { clip } from "../authority/clip.ts";
import type { Job } from "../jobs/job.ts";
import type { Trace } from "../jobs/trace.ts";
import { unexpectedError } from "../jobs/unexpected-error.ts";
import { tellFailure } from "./failure-log.ts";
import type { Operations } from "./operation.ts";
import { plainJson } from "./plain-json.ts";
import { conformingInput, conformingResult } from "./schema-check.ts";
import { shown } from "./shown.ts";
import { reserve } from "./spend.ts";
import type { ToolCall, ToolDefinition } from "./tool.ts";

/** The tools of a runtime, by name. */
export type Tools = ReadonlyMap<string, ToolDefinition<unknown, unknown>>;

interface ToolHost {
  readonly tools: Tools;
  readonly logger: Logger;
  /** Whether clients are told the messages of unexpected exceptions (R-7.3-8). */
  readonly showsErrorDetails: boolean;
}

/** Calls the runtime's tools for one job: checks each call with its guard, and shows it on its stream. */
export class ToolCaller {
  readonly #job: Job;
  readonly #operations: Operations;
  readonly #host: ToolHost;

  constructor(job: Job, operations: Operations, host: ToolHost) {
    this.#job = job;
    this.#operations = operations;
    this.#host = host;
  }

  /**
   * @param trace the trace that the tool receives. Default: the job's
   * @returns rejects with an ArcpError: the refusal, which is also on the stream (R-9.3-3), or what the tool threw;
   *   `INVALID_REQUEST` for an invalid name, and for arguments that are not JSON, which cannot be shown
   * @throws BackpressureError synchronously, if its event would be refused
   */
  call<T>(name: string, given: unknown, trace: Trace = this.#job.trace): Promise<T> {
    this.#job.events.checkRoom();
    // The type is the caller's claim; the tool's output schema has checked the value if there is one.
    return this.#shownCall(name, given, trace) as Promise<T>;
  }

  async #shownCall(name: string, given: unknown, trace: Trace): Promise<unknown> {
    if (typeof name !== "string" || name === "") {
      throw new ArcpError("INVALID_REQUEST", "the name of a tool must be a non-empty string");
    }
    // Copied, so that what is shown and checked is what the tool gets, whatever the agent does with the original meanwhile.
    const args = given === undefined ? undefined : plainJson(given, "args");
    const run = (): Promise<Ran> => this.#run(name, args, trace);
    return (await this.#operations.show(name, args, run, ({ told }) => told)).result;
  }

  async #run(name: string, args: unknown, trace: Trace): Promise<Ran> {
    const { guard } = this.#job.authority;
    try {
      guard.authorize("tool.call", name);
      const tool = this.#find(name);
      const input = await conformingInput(tool.input, args, `${clip(name)}: args`);
      await this.#job.events.flush();
      // Checked again: the awaits above leave time for a cancel, an expiry or an exhaustion.
      guard.authorize("tool.call", name);
      const returned = await tool.run(input, this.#call(trace));
      const result = await conformingResult(tool.output, returned, `the tool ${name}`);
      return { result, told: shown(result) ?? null };
    } catch (thrown) {
      const { secrets, life } = this.#job;
      const { logger, showsErrorDetails } = this.#host;
      if (tellFailure(this.#job, thrown, logger, "a tool failed", { tool: name })) {
        throw unexpectedError(thrown, secrets, showsErrorDetails);
      }
      // What was torn from its work by the signal has not failed: it was told why to stop.
      throw ArcpError.from(thrown instanceof ArcpError ? thrown : life.signal.reason);
    }
  }

  #find(name: string): ToolDefinition<unknown, unknown> {
    const tool = this.#host.tools.get(name);
    if (tool === undefined) throw new ArcpError("INVALID_REQUEST", `there is no tool ${name}`);
    return tool;
  }

  #call(trace: Trace): ToolCall {
    const { identity, life } = this.#job;
    const { id, principal, traceId } = identity;
    return {
      signal: life.signal,
      job: { id, principal, traceId },
      trace,
      spend: { reserve: (amounts, options) => reserve(this.#job, amounts, options) },
    };
  }
}

/** What a tool returned, and what the stream shows of it. */
interface Ran {
  readonly result: unknown;
  readonly told: unknown;
}
