import { ArcpError } from "@arcp/core";
import type { Job } from "../jobs/job.ts";
import type { LogStore } from "../store/index.ts";
import { tolerated } from "../tolerance.ts";
import type { Turn } from "../turn.ts";
import { readStreamedResult } from "./streamed-result.ts";

/** A delegated job, as the agent that delegated it sees it (R-10-7). */
export interface ChildJob<Output = unknown> {
  readonly id: string;
  /** What the stream calls the delegation. */
  readonly delegateId: string;
  /**
   * What the child returned, or wrote piece by piece: then text or bytes.
   * @throws ArcpError what the child failed with, which ends no other job (R-10-5); or the reason of the parent's own signal if
   *   that aborts first
   */
  result(): Promise<Output>;
  /** Asks the child to stop, like a client would. Resolves when that is durable. Does nothing if the child has ended. */
  cancel(reason?: string): Promise<void>;
}

/** Where streamed results of children are kept, and the turn that reading them is charged to. */
export interface KeptResults {
  readonly logs: LogStore;
  readonly turn: Turn;
}

export function childJob<Output>(
  parent: Job,
  child: Job,
  delegateId: string,
  kept: KeptResults,
): ChildJob<Output> {
  let result: Promise<Output> | undefined;
  return {
    id: child.id,
    delegateId,
    result() {
      // One promise for all calls: a parent that polls must not accumulate listeners on a long-running child.
      result ??= tolerated(
        unlessAborted(parent.life.signal, tolerated(resultOf<Output>(child, kept))),
      );
      return result;
    },
    cancel: (reason) => tolerated(cancelled(parent, child, reason)),
  };
}

async function cancelled(parent: Job, child: Job, reason: string | undefined): Promise<void> {
  await child.life.cancel({ reason }, () => {});
  // Cancelling an ended child waits for nothing, so charge the turn (J4).
  await parent.events.pass();
}

async function resultOf<Output>(child: Job, { logs, turn }: KeptResults): Promise<Output> {
  await child.ended;
  const { ending } = child.life;
  if (ending === undefined) {
    throw new ArcpError("INTERNAL_ERROR", `the outcome of ${child.id} is unknown`);
  }
  if (ending.status !== "success") {
    const { code, message, retryable, details } = ending.payload;
    throw new ArcpError(code, message, { retryable, ...(details && { details }) });
  }
  const { payload, text = "{}" } = ending;
  // The value has the agent's own type, which its output schema has checked if there is one. It went through JSON, as for any other
  // client.
  const value: unknown =
    payload.result_id === undefined
      ? (JSON.parse(text) as { result?: unknown }).result
      : await readStreamedResult(logs, turn, {
          job: child.id,
          lastSeq: child.lastSeq,
          size: payload.result_size ?? 0,
        });
  return value as Output;
}

/** Rejects with the signal's reason if the signal aborts first. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    void work.then(resolve, reject).then(() => signal.removeEventListener("abort", abort));
  });
}
