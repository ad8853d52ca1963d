import type { JobId } from "@arcp/core";
import { jsonWeight } from "../json-weight.ts";
import { DamagedRow } from "../store/damage.ts";
import type { JobRow } from "../store/index.ts";
import type { AgentHost } from "./agent-host.ts";

interface RestartInput extends Pick<JobRow, "input" | "checkpoint"> {
  /** Of the input, from {@link jsonWeight}. */
  readonly weight: number;
}

/** The input and checkpoint for another attempt. Listings omit them, and they may be damaged in an otherwise readable row. */
export async function restartInput(
  { store, logger }: Pick<AgentHost, "store" | "logger">,
  id: JobId,
): Promise<RestartInput | "damaged"> {
  try {
    const { input, checkpoint } = (await store.jobs.get(id)) ?? {};
    // Parsed now: later, a damaged text could not be told from a failure of the agent.
    if (checkpoint !== undefined) JSON.parse(checkpoint);
    const weight = input === undefined ? 0 : jsonWeight(JSON.parse(input), input.length);
    return { input, checkpoint, weight };
  } catch (error) {
    if (!(error instanceof DamagedRow || error instanceof SyntaxError)) throw error;
    logger.error({ job: id, err: error }, "a job cannot be read: it is not restarted");
    return "damaged";
  }
}
