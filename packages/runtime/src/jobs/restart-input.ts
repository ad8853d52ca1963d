import type { JobId } from "@arcp/core";
import { DamagedRow } from "../store/damage.ts";
import type { JobRow } from "../store/index.ts";
import type { RunOptions } from "./run.ts";

/** What an agent is started again with: a listing leaves it out, and it may be damaged where all else can be read. */
export async function restartInput(
  { store, logger }: Pick<RunOptions, "store" | "logger">,
  id: JobId,
): Promise<Pick<JobRow, "input" | "checkpoint"> | "damaged"> {
  try {
    const { input, checkpoint } = (await store.jobs.get(id)) ?? {};
    for (const text of [input, checkpoint]) checkJson(text);
    return { input, checkpoint };
  } catch (error) {
    if (!(error instanceof DamagedRow)) throw error;
    logger.error({ job: id, err: error }, "a job cannot be read: it is not run again");
    return "damaged";
  }
}

/** It is read much later, when nobody could tell a damaged text from an agent that fails. */
function checkJson(text: string | undefined): void {
  try {
    if (text !== undefined) JSON.parse(text);
  } catch (cause) {
    throw new DamagedRow("its input, or its checkpoint, is no JSON", undefined, { cause });
  }
}
