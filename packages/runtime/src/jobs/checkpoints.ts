import { ArcpError } from "@arcp/core";
import type { Secrets } from "../authority/secrets.ts";
import { Backlog } from "./backlog.ts";
import { shuttingDown } from "./ending.ts";
import type { JobLog } from "./job-log.ts";
import type { JobState } from "./job-state.ts";
import { isLostAsJson, objectTag } from "./json-loss.ts";

export interface CheckpointsOptions {
  readonly state: JobState;
  readonly log: JobLog;
  readonly secrets: Secrets;
}

/** The most bytes of JSON per checkpoint. */
const MAX_CHECKPOINT = 1024 * 1024;

/** What a job saves for its next attempt. */
export class Checkpoints {
  readonly #options: CheckpointsOptions;
  /** Checkpoints on their way to the store. */
  readonly #waiting = new Backlog("checkpoints wait to be stored");
  #saving: Promise<void> = Promise.resolve();

  constructor(options: CheckpointsOptions) {
    this.#options = options;
  }

  /** Resolves once no checkpoint is on its way to the store. */
  get settled(): Promise<void> {
    return this.#saving;
  }

  /**
   * Resolves when the checkpoint is durable, along with everything emitted before it.
   * @param value any JSON value
   * @throws ArcpError `INVALID_REQUEST` if it is not JSON, or too large; BackpressureError if too many are waiting
   * @returns rejects with an ArcpError `INTERNAL_ERROR` once the job is left to the next process
   */
  save(value: unknown): Promise<void> {
    const json = checkpointText(value);
    const { state, log } = this.#options;
    if (state.leaving === "done") return log.pass().then(() => Promise.reject(shuttingDown()));
    if (!state.live) return log.pass();
    this.#waiting.check();
    this.#waiting.add(json.length);
    const saved = this.#store(json).finally(() => this.#waiting.remove(1, json.length));
    // Drop the outcomes: each promise would otherwise retain all earlier ones.
    this.#saving = Promise.allSettled([this.#saving, saved]).then(() => {});
    return saved;
  }

  async #store(json: string): Promise<void> {
    const { state, log, secrets } = this.#options;
    await log.flush();
    if (state.hasEnded) return;
    await log.set({ checkpoint: secrets.clean(json) });
  }
}

/** @throws ArcpError `INVALID_REQUEST` if it is not JSON, or too large */
function checkpointText(value: unknown): string {
  if (isLostAsJson(value)) {
    const problem = `a checkpoint must be a JSON value: of ${objectTag(value)} nothing would be left`;
    throw new ArcpError("INVALID_REQUEST", problem);
  }
  const text = jsonText(value);
  if (text === undefined) {
    throw new ArcpError("INVALID_REQUEST", "a checkpoint must be a JSON value");
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_CHECKPOINT) {
    throw new ArcpError(
      "INVALID_REQUEST",
      `a checkpoint may have at most 1 MiB of JSON, not ${bytes} bytes`,
    );
  }
  return text;
}

function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
