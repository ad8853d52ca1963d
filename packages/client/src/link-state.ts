import type { Clock, Timer } from "@arcp/core";
import type { Connection } from "./connection.ts";
import type { Farewell } from "./farewell.ts";

/** The state of a link. A variant owns its timers; {@link leave} cancels them. */
export type LinkState =
  /** Dialling, or waiting for the welcome. `abort` ends either. */
  | { readonly kind: "connecting"; readonly abort: AbortController; readonly deadline: Timer }
  /** Connected. */
  | { readonly kind: "online"; readonly connection: Connection }
  /** Between two attempts. */
  | {
      readonly kind: "retrying";
      readonly in: number;
      readonly error: Error;
      readonly timer: Timer;
      readonly wake: () => void;
    }
  /** `session.close` has been sent. Ends with the runtime's reply, or without one at the deadline (R-6.7-7). */
  | { readonly kind: "closing"; readonly connection: Connection; readonly farewell: Farewell }
  | { readonly kind: "closed"; readonly error: Error };

/** The state of a client's connection. */
export type ConnectionState =
  | { readonly kind: "connecting" }
  | { readonly kind: "online" }
  /**
   * The connection is gone, or an attempt to connect failed. `error` says why; it is an `ArcpError` `HEARTBEAT_LOST` if one side
   * no longer heard the other (R-6.4-4). The next attempt starts `in` ms after this state began.
   */
  | { readonly kind: "retrying"; readonly in: number; readonly error: Error }
  | { readonly kind: "closing" }
  /** Closed for good. `error` says why; it is a `LocalError` `CLOSED` after `close()`. */
  | { readonly kind: "closed"; readonly error: Error };

export function connecting(
  clock: Clock,
  timeout: number,
  late: Error,
): LinkState & { kind: "connecting" } {
  const abort = new AbortController();
  return { kind: "connecting", abort, deadline: clock.after(timeout, () => abort.abort(late)) };
}

/**
 * @param error why there is no connection
 * @returns the state, and a promise that resolves when it ends: when its timer fires, or when the state is left
 */
export function retrying(
  clock: Clock,
  ms: number,
  error: Error,
): { state: LinkState; over: Promise<void> } {
  const { promise: over, resolve: wake } = Promise.withResolvers<void>();
  return { state: { kind: "retrying", in: ms, error, timer: clock.after(ms, wake), wake }, over };
}

/** Cancels the timers of a state that is being left. */
export function leave(state: LinkState): void {
  switch (state.kind) {
    case "online":
      state.connection.stop();
      break;
    case "connecting":
      state.deadline.cancel();
      break;
    case "closing":
      state.farewell.stop();
      break;
    case "retrying":
      state.timer.cancel();
      state.wake();
      break;
  }
}

export function publicState(state: LinkState): ConnectionState {
  switch (state.kind) {
    case "retrying":
      return { kind: "retrying", in: state.in, error: state.error };
    case "closed":
      return state;
    default:
      return { kind: state.kind };
  }
}
