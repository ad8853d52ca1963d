import type { JobId } from "@arcp/core";
import { DamagedRow } from "../store/damage.ts";
import type { JobRow } from "../store/index.ts";
import type { AgentHost } from "./agent-host.ts";

/** What an agent is started again with: a listing leaves it out, and it may be damaged where all else can be read. */
export async function restartInput(
  { store, logger }: Pick<AgentHost, "store" | "logger">,
  id: JobId,
): Promise<Pick<JobRow, "input" | "checkpoint"> | "damaged"> {
  try {
    const { input, checkpoint } = (await store.jobs.get(id)) ?? {};
    // They are read much later, when nobody could tell a damaged text from an agent that fails.
    for (const text of [input, checkpoint]) if (text !== undefined) JSON.parse(text);
    return { input, checkpoint };
  } catch (error) {
    if (!(error instanceof DamagedRow || error instanceof SyntaxError)) throw error;
    logger.error({ job: id, err: error }, "a job cannot be read: it is not restarted");
    return "damaged";
  }
}
