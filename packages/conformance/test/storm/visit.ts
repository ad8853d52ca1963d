import { type LinkedPair, linkedPair, newMessageId } from "@arcp/core";
import type { Runtime } from "@arcp/runtime";
import type { Frame } from "./frame.ts";

/** One connection of a client that is nothing but frames. */
export class Visit {
  readonly frames: Frame[] = [];
  readonly #pair: LinkedPair = linkedPair();
  #over = false;

  constructor(runtime: Runtime) {
    runtime.serve(this.#pair.runtime);
    void this.#read();
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** The answer to the hello or the resume. */
  get opening(): Frame | undefined {
    return this.frames.find(({ type }) => type === "session.welcome" || type === "session.error");
  }

  reply(id: string): Frame | undefined {
    return this.frames.find(({ payload }) => payload?.request_id === id);
  }

  /** @returns its id */
  send(type: string, payload: object, rest: { id?: string; job_id?: string } = {}): string {
    const envelope = { arcp: "1.1", id: newMessageId("req_"), type, payload, ...rest };
    // What cannot be sent shows by the end.
    this.#pair.client.send([JSON.stringify(envelope)]).catch(() => {});
    return envelope.id;
  }

  sever(): void {
    this.#pair.sever();
  }

  async #read(): Promise<void> {
    try {
      for await (const text of this.#pair.client.frames) this.frames.push(JSON.parse(text));
    } catch {
      // However it ended.
    }
    this.#over = true;
  }
}
