import { once } from "node:events";
import type { Client, Job, JobOutcome } from "@arcp/client";
import { LocalError, type Timer } from "@arcp/core";
import type { CommandContext } from "./context.ts";
import { failureOf } from "./failure.ts";
import type { Interrupt } from "./interrupts.ts";
import { showLosses } from "./losses.ts";
import type { Sink } from "./surroundings.ts";
import type { View } from "./view/view.ts";

/** A job that is shown until it ends, or until the user leaves. */
export interface Followed {
  readonly client: Pick<Client, "states">;
  readonly job: Pick<Job, "events" | "outcome">;
  /** Absent if the user only watches: then every Ctrl-C leaves. */
  readonly cancel?: (reason: string) => Promise<void>;
}

/** How long after a first Ctrl-C a second one still cancels the job, before this process leaves the job, in ms. */
const SECOND_THOUGHTS = 2_000;

/**
 * Shows a job, including its end.
 *
 * @returns how it ended; undefined if the user left it
 * @throws the error that keeps its events away for good
 */
export async function follow(
  { client, job, cancel }: Followed,
  view: View,
  context: CommandContext,
): Promise<JobOutcome | undefined> {
  const leaving = new Leaving(cancel, view, context);
  using _taken = context.interrupts.take((interrupt) => leaving.press(interrupt));
  void showLosses(client, view, () => leaving.isOver);
  const shown = (async () => {
    for await (const event of job.events) {
      if (leaving.isOver) return undefined;
      view.event(event);
      await room(context.stdout);
    }
    return job.outcome();
  })();
  // A user who has left does not need what still comes.
  shown.catch(() => {});
  const outcome = await Promise.race([shown, leaving.over]).finally(() => leaving.stop());
  if (outcome !== undefined) view.end(outcome);
  return outcome;
}

/** Waits for a reader that is slower than the job. That holds up this process only. */
async function room(sink: Sink): Promise<void> {
  if (sink.writableNeedDrain === true) await once(sink, "drain");
}

type Stage = "looking" | "thinking twice" | "cancelling" | "over";

/** What interrupts mean: the first leaves the job, a second one soon after cancels it, a third leaves at once. */
class Leaving {
  readonly #cancel: Followed["cancel"];
  readonly #view: View;
  readonly #context: CommandContext;
  readonly #over = Promise.withResolvers<undefined>();
  #stage: Stage = "looking";
  #timer: Timer | undefined;

  constructor(cancel: Followed["cancel"], view: View, context: CommandContext) {
    this.#cancel = cancel;
    this.#view = view;
    this.#context = context;
  }

  /** Resolves once this process is to leave. */
  get over(): Promise<undefined> {
    return this.#over.promise;
  }

  get isOver(): boolean {
    return this.#stage === "over";
  }

  press(interrupt: Interrupt): void {
    if (interrupt === "SIGTERM" || this.#cancel === undefined) return this.stop();
    switch (this.#stage) {
      case "looking":
        this.#stage = "thinking twice";
        this.#view.note("the job continues; press Ctrl-C again to cancel it");
        this.#view.keys("Ctrl-C cancels the job");
        this.#timer = this.#context.clock.after(SECOND_THOUGHTS, () => this.stop());
        return;
      case "thinking twice":
        this.#stage = "cancelling";
        this.#timer?.cancel();
        this.#view.note("cancelling the job; press Ctrl-C again to exit now");
        this.#view.keys("Ctrl-C exits now");
        this.#cancel("cancelled by Ctrl-C").catch((error: unknown) => this.#refused(error));
        return;
      default:
        this.stop();
    }
  }

  stop(): void {
    this.#timer?.cancel();
    this.#stage = "over";
    this.#over.resolve(undefined);
  }

  #refused(error: unknown): void {
    if (this.isOver || (error instanceof LocalError && error.code === "CLOSED")) return;
    this.#view.note(`the job cannot be cancelled: ${failureOf(error).text}`);
    this.stop();
  }
}
