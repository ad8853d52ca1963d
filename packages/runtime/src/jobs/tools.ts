import { ArcpError } from "@arcp/core";
import { wireError } from "./ending.ts";
import type { Job } from "./job.ts";
import { shown } from "./shown.ts";
import { Spend } from "./spend.ts";

/** What a tool knows of the call besides its arguments. */
export interface ToolCall {
  /** Aborts when the job has to stop. */
  readonly signal: AbortSignal;
  readonly job: { readonly id: string; readonly principal: string; readonly traceId: string };
  /** Sets the job's money aside before it is spent. */
  readonly spend: Pick<Spend, "reserve">;
}

/** A tool of the runtime: takes JSON, gives JSON. */
export type Tool = (args: unknown, call: ToolCall) => unknown;

/** Calls the runtime's tools for one job, through its guard and onto its stream. */
export class ToolCaller {
  readonly #job: Job;
  readonly #tools: ReadonlyMap<string, Tool>;
  readonly #spend: Spend;
  #calls = 0;

  constructor(job: Job, tools: ReadonlyMap<string, Tool>) {
    this.#job = job;
    this.#spend = new Spend(job);
    this.#tools = tools;
  }

  /**
   * @throws ArcpError the refusal, which also stands on the stream (R-9.3-3), or what the tool threw
   */
  async call(name: string, args: unknown): Promise<unknown> {
    const { id, principal, traceId } = this.#job.identity;
    const callId = this.#announce(name, args);
    try {
      this.#check(name);
      await this.#job.flush();
      // Between the two a cancel, an expiry or an exhaustion may have passed.
      this.#check(name);
      const tool = this.#tools.get(name);
      if (tool === undefined) throw new ArcpError("INVALID_REQUEST", `there is no tool ${name}`);
      const result = await tool(args, {
        signal: this.#job.signal,
        job: { id, principal, traceId },
        spend: this.#spend,
      });
      const body = { call_id: callId, result: shown(result) ?? null };
      await this.#job.emit("tool_result", body, "event", true);
      return result;
    } catch (thrown) {
      const error = ArcpError.from(thrown);
      await this.#report(callId, error);
      throw error;
    }
  }

  /** Shows an operation that was refused, as the pair of events that a refused tool call makes. */
  async refuse(operation: string, args: unknown, error: ArcpError): Promise<void> {
    await this.#report(this.#announce(operation, args), error);
  }

  /**
   * Shows an operation that is no tool as if it were one.
   * @param outcome what the stream may know of what `act` gives
   */
  async show<T>(
    operation: string,
    args: object,
    act: () => Promise<T>,
    outcome: (value: T) => object,
  ): Promise<T> {
    const callId = this.#announce(operation, args);
    try {
      await this.#job.flush();
      const value = await act();
      const body = { call_id: callId, result: outcome(value) };
      await this.#job.emit("tool_result", body, "event", true);
      return value;
    } catch (thrown) {
      await this.#report(callId, ArcpError.from(thrown));
      throw thrown;
    }
  }

  #check(name: string): void {
    const refusal = this.#job.guard.check("tool.call", name);
    if (refusal !== undefined) throw refusal;
  }

  #announce(tool: string, args: unknown): string {
    this.#calls += 1;
    // Unique within the job, whose earlier attempts counted from 1 as well.
    const { attempt } = this.#job;
    const callId = attempt === 1 ? `call_${this.#calls}` : `call_${attempt}.${this.#calls}`;
    void this.#job.emit("tool_call", { tool, call_id: callId, args: shown(args) });
    return callId;
  }

  #report(callId: string, error: ArcpError): Promise<void> {
    const body = { call_id: callId, error: wireError(error) };
    return this.#job.emit("tool_result", body, "event", true);
  }
}
