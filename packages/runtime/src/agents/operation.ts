import { ArcpError, LocalError } from "@arcp/core";
import { nameOf } from "../authority/upstream.ts";
import { wireError } from "../jobs/ending.ts";
import type { Job } from "../jobs/job.ts";
import { shown } from "./shown.ts";

/** Shows operations on the job's stream, each as a `tool_call` and a `tool_result`. */
export class Operations {
  readonly #job: Job;
  readonly #showsAll: boolean;
  #count = 0;

  /** @param showsAll whether the runtime's own operations are shown even if they are not refused */
  constructor(job: Job, showsAll: boolean) {
    this.#job = job;
    this.#showsAll = showsAll;
  }

  /**
   * Runs one of the runtime's own operations for an agent. It is shown if it is refused (R-9.3-3), and always if the agent asks for
   * that.
   * @param args what others may see of the operation, without content
   * @param act checks its authority itself, directly before it acts
   * @param outcome what others may see of the result: sizes, no content
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
   * Runs an operation and shows it, whatever its outcome.
   * @param act must flush the job's events before any effect that the stream has to announce first (J2)
   * @param outcome what the stream shows of the result of `act`
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
      await this.#job.events.say("tool_result", body);
      return value;
    } catch (thrown) {
      await this.#report(callId, told(name, thrown));
      throw thrown;
    }
  }

  /**
   * Shows a refused operation. If the stream accepts nothing more because the agent floods it, the agent still gets the refusal.
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
    // Unique within the job: earlier attempts also counted from 1.
    const { attempt } = this.#job;
    const callId = attempt === 1 ? `call_${this.#count}` : `call_${attempt}.${this.#count}`;
    void this.#job.events.emit("tool_call", { tool, call_id: callId, args: shown(args) });
    return callId;
  }

  #report(callId: string, error: ArcpError): Promise<void> {
    const { details, ...said } = wireError(error);
    const body = { call_id: callId, error: { ...said, details: shown(details) } };
    return this.#job.events.say("tool_result", body);
  }
}

/** What the stream says of a failure. Only the agent gets the full error of a system call or a server: no log tells of it. */
function told(name: string, thrown: unknown): ArcpError {
  const error = ArcpError.from(thrown);
  if (error === thrown) return error;
  return new ArcpError(error.code, `${name} failed: ${nameOf(thrown)}`);
}

/** A refusal in the middle of an operation arrives as the cause of another error; this unwraps it. */
function rethrow(error: unknown): never {
  throw error instanceof Error && error.cause instanceof ArcpError ? error.cause : error;
}
