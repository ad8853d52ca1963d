import type { Job, JobEvent, WatchedJob } from "@arcp/client";
import type { Screen } from "./screen.ts";

/** What a viewer took from a job's events. */
export interface Viewing {
  readonly events: readonly JobEvent[];
  /** Credits left, as last reported by the runtime. */
  readonly credits: number;
}

export interface ViewingOptions {
  readonly viewer: string;
  readonly screen: Screen;
  /** Credits at the start. */
  readonly credits: number;
  /** Whether phases and refusals become lines on the screen: one viewer prints them, the other only moves its bar. */
  readonly tells: boolean;
}

/** Shows a job's events until it ends. */
export async function view(
  job: Job | WatchedJob,
  { viewer, screen, credits, tells }: ViewingOptions,
): Promise<Viewing> {
  const events: JobEvent[] = [];
  const calls = new Map<string, { tool: string; args?: unknown }>();
  let left = credits;
  let progress: { current: number; total: number } | undefined;
  for await (const event of job.events) {
    events.push(event);
    if (event.kind === "progress") {
      const { current, total = current } = event.body;
      progress = { current, total };
      screen.progress(viewer, { ...progress, credits: left });
    } else if (event.kind === "metric" && event.body.name === "cost.budget.remaining") {
      left = event.body.value;
      if (progress !== undefined) screen.progress(viewer, { ...progress, credits: left });
    } else if (!tells) {
      // The other viewer prints the rest.
    } else if (event.kind === "status") {
      screen.say([event.body.phase, event.body.message ?? ""].join(" ").trimEnd(), "step");
    } else if (event.kind === "tool_call") {
      calls.set(event.body.call_id, event.body);
    } else if (event.kind === "tool_result" && event.body.error !== undefined) {
      const call = calls.get(event.body.call_id);
      screen.say(
        `${call?.tool} ${JSON.stringify(call?.args)}: ${event.body.error.code}`,
        "refused",
      );
    }
  }
  return { events, credits: left };
}
