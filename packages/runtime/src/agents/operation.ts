import { ArcpError, LocalError } from "@arcp/core";
import { nameOf } from "../authority/upstream.ts";
import { wireError } from "../jobs/ending.ts";
import type { Job } from "../jobs/job.ts";
import { shown } from "./shown.ts";

/** What is done for an agent, as the stream of its job shows it: a `tool_call`, and the `tool_result` of what came of it. */
export class Operations {
  readonly #job: Job;
  readonly #showsAll: boolean;
  #count = 0;

  /** @param showsAll whether what the runtime itself does shows also where it is not refused */
  constructor(job: Job, showsAll: boolean) {
    this.#job = job;
    this.#showsAll = showsAll;
  }

  /**
   * Does what the runtime itself does for an agent. Shows when it is refused (R-9.3-3), and always if the agent asks for it.
   * @param args what others may know of the operation: no content
   * @param act checks its authority itself, right before it does something
   * @param outcome what others may know of what came of it: sizes, no content
   */
  async run<T>(
    name: string,
    args: object,
    act: () => Promise<T>,
    outcome: (value: T) => object = () => ({}),
  ): Promise<T> {
    const attempt = (): Promise<T> => act().catch(rethrow);
    if (this.#showsAll) {
      const shownAttempt = async (): Promise<T> => {
        await this.#job.events.flush();
        return await attempt();
      };
      return await this.show(name, args, shownAttempt, outcome);
    }
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof ArcpError) await this.refuse(name, args, error);
      throw error;
    }
  }

  /**
   * Shows an operation, whatever comes of it.
   * @param act flushes the job's events before anything happens that the stream is to tell first (J2)
   * @param outcome what the stream may know of what `act` gives
   */
  async show<T>(
    name: string,
    args: unknown,
    act: () => Promise<T>,
    outcome: (value: T) => unknown,
  ): Promise<T> {
    const callId = this.#announce(name, args);
    try {
      const value = await act();
      const body = { call_id: callId, result: outcome(value) };
      await this.#job.events.emit("tool_result", body, "event", true);
      return value;
    } catch (thrown) {
      await this.#report(callId, told(name, thrown));
      throw thrown;
    }
  }

  /**
   * Shows an operation that was refused. Where the stream takes no more, of an agent that floods it, the refusal is still
   * what the agent has to get.
   */
  async refuse(name: string, args: unknown, error: ArcpError): Promise<void> {
    try {
      await this.#report(this.#announce(name, args), error);
    } catch (thrown) {
      if (!(thrown instanceof LocalError)) throw thrown;
    }
  }

  #announce(tool: string, args: unknown): string {
    this.#count += 1;
    // Unique within the job, whose earlier attempts counted from 1 as well.
    const { attempt } = this.#job;
    const callId = attempt === 1 ? `call_${this.#count}` : `call_${attempt}.${this.#count}`;
    void this.#job.events.emit("tool_call", { tool, call_id: callId, args: shown(args) });
    return callId;
  }

  #report(callId: string, error: ArcpError): Promise<void> {
    const { details, ...said } = wireError(error);
    const body = { call_id: callId, error: { ...said, details: shown(details) } };
    return this.#job.events.emit("tool_result", body, "event", true);
  }
}

/** What the stream says of it: of what the system or a server makes an operation fail with no log tells, only the agent is told all. */
function told(name: string, thrown: unknown): ArcpError {
  const error = ArcpError.from(thrown);
  if (error === thrown) return error;
  return new ArcpError(error.code, `${name} failed: ${nameOf(thrown)}`);
}

/** A refusal in the midst of an operation comes as the cause of an error of whoever carried it out. */
function rethrow(error: unknown): never {
  throw error instanceof Error && error.cause instanceof ArcpError ? error.cause : error;
}
