import type { JobId } from "@arcp/core";
import { DamagedRow } from "../store/damage.ts";
import type { JobRow } from "../store/index.ts";
import type { AgentHost } from "./agent-host.ts";

/** The input and checkpoint for another attempt. Listings omit them, and they may be damaged in an otherwise readable row. */
export async function restartInput(
  { store, logger }: Pick<AgentHost, "store" | "logger">,
  id: JobId,
): Promise<Pick<JobRow, "input" | "checkpoint"> | "damaged"> {
  try {
    const { input, checkpoint } = (await store.jobs.get(id)) ?? {};
    // Parsed now: later, a damaged text could not be told from a failure of the agent.
    for (const text of [input, checkpoint]) if (text !== undefined) JSON.parse(text);
    return { input, checkpoint };
  } catch (error) {
    if (!(error instanceof DamagedRow || error instanceof SyntaxError)) throw error;
    logger.error({ job: id, err: error }, "a job cannot be read: it is not restarted");
    return "damaged";
  }
}
