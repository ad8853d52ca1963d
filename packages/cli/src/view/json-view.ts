import type { JobEvent, JobOutcome } from "@arcp/client";
import type { Surroundings } from "../surroundings.ts";
import { json, printable } from "./printable.ts";
import type { Connected, View, ViewedJob } from "./view.ts";

/** Writes one JSON object per line, for programs. Notes are for people, and go to standard error. */
export class JsonView implements View {
  readonly #surroundings: Surroundings;
  #job = "";

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  begin({ id: job, agent, lease, budget }: ViewedJob): void {
    this.#job = job;
    this.#write({ type: "job", job, agent, lease, budget });
  }

  event({ seq: _seq, jobSeq: job_seq, ts, ...event }: JobEvent): void {
    this.#write({ type: "event", job: this.#job, job_seq, ts, ...event });
  }

  connection(state: Connected): void {
    const error = state.kind === "retrying" ? state.error.message : undefined;
    this.#write({ type: "connection", state: state.kind, error });
  }

  keys(): void {}

  note(text: string): void {
    this.#surroundings.stderr.write(`arcp: ${printable(text)}\n`);
  }

  end(outcome: JobOutcome): void {
    const { status } = outcome;
    const end = { type: "end", job: this.#job, status };
    if (outcome.status === "success") {
      const { result, stream, summary } = outcome;
      this.#write({ ...end, result, stream, summary });
    } else {
      this.#write({ ...end, error: outcome.error.toPayload() });
    }
  }

  [Symbol.dispose](): void {}

  #write(value: unknown): void {
    this.#surroundings.stdout.write(`${json(value)}\n`);
  }
}
