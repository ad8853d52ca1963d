import type { CommitOutcome, SessionChange } from "../store/index.ts";
import type { ReadableLogStore } from "../store/readable-logs.ts";
import type { Attachment } from "./attachment.ts";
import type { Child } from "./attachments.ts";
import type { Batch } from "./batch.ts";
import { Gathering, type GatheringContext } from "./gathering.ts";
import { childOf, type NewcomersContext } from "./newcomers.ts";
import type { Outbox } from "./outbox.ts";
import type { ProjectorEnd } from "./projector-end.ts";
import { ReadyList } from "./ready-list.ts";
import { Replay } from "./replay.ts";
import type { Stream } from "./stream.ts";
import { framePrefix } from "./view.ts";

/** What all projectors of a runtime share. */
export interface ProjectorHost extends NewcomersContext {
  readonly logs: ReadableLogStore;
}

export interface ProjectorContext extends ProjectorHost, GatheringContext {
  /** Called when a subscription fell behind the kept log and has ended (P3). */
  lost(attachment: Attachment): void;
}

/**
 * The loop of one connected session: it gathers the ready records that the viewer may see, stores what their numbers stand for, and
 * hands the frames to the outbox. After the replay, catching up and live delivery are the same path.
 *
 * - **J2** The store returns durable records only, so nothing else is ever seen.
 * - **P1** Only this class allots numbers, and they leave only after the runs that explain them are durable.
 * - **P5** Once `stop` has resolved, it sends nothing more.
 */
export class Projector {
  readonly #stream: Stream;
  readonly #outbox: Outbox;
  readonly #context: ProjectorContext;
  readonly #prefix: string;
  readonly #epoch: number;
  readonly #ready: ReadyList;
  readonly #gathering: Gathering;
  readonly #ended: Promise<ProjectorEnd>;
  /** True between the first read of a batch and its hand-over, while nobody else may advance the stream. */
  #building = false;
  #changes: Array<() => void> = [];

  /** @param after the last `event_seq` that the client has; whatever was issued after it is replayed first */
  constructor(stream: Stream, outbox: Outbox, after: number, context: ProjectorContext) {
    this.#stream = stream;
    this.#outbox = outbox;
    this.#context = context;
    this.#prefix = framePrefix(stream.session);
    this.#epoch = stream.writer.epoch;
    this.#ready = new ReadyList(context.logs);
    this.#gathering = new Gathering(stream, this.#prefix, this.#ready, context);
    stream.repeated = after;
    this.#ended = this.#run(after);
  }

  /** The session's epoch when the projector was created. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Resolves with the reason for its end. Never rejects. */
  get ended(): Promise<ProjectorEnd> {
    return this.#ended;
  }

  /** Resolves once the connection has taken everything there is to read, or the projector has ended. */
  idle(): Promise<void> {
    return this.#ready.idle();
  }

  /**
   * Runs `change` while no batch is being built: immediately, or directly after the current batch. @returns what `change` returns
   */
  change<T>(change: () => T): T | Promise<T> {
    if (!this.#building) return change();
    return new Promise((resolve, reject) => {
      this.#changes.push(() => {
        try {
          resolve(change());
        } catch (error) {
          // A failed change must not affect the others in the queue.
          reject(error);
        }
      });
    });
  }

  /**
   * Follows an attachment: reads it whenever its bell rings. If the bell cannot be armed, the projector ends.
   * @param silent whether there is nothing to read yet
   */
  follow(attachment: Attachment, silent = false): void {
    this.#ready.follow(attachment, silent);
  }

  async stop(): Promise<void> {
    this.#ready.stop();
    await this.#ended;
    for (const attachment of this.#stream.attachments) attachment.unlisten();
  }

  async #run(after: number): Promise<ProjectorEnd> {
    // Let the constructor return first: its caller queues what must come before the stream.
    await undefined;
    const { attachments, openedAhead: ahead } = this.#stream;
    try {
      const end = await this.#replay().run(after);
      if (end !== undefined) return end;
      for (const attachment of attachments) this.follow(attachment);
      while (!this.#ready.isStopped) {
        if (this.#ready.broken !== undefined) return { kind: "failed", ...this.#ready.broken };
        // Awaited here and no deeper, because an idle session keeps every suspended frame in memory.
        if (this.#ready.isEmpty) await this.#ready.rung();
        // A run that was opened ahead must be durable before anything is numbered in it (P1).
        else if (ahead.settled !== undefined) await ahead.settled;
        else {
          const end = await this.#deliver();
          if (end !== undefined) return end;
        }
      }
      return { kind: "stopped" };
    } catch (error) {
      return { kind: "failed", error };
    } finally {
      // Run pending changes even if the batch failed: nobody else would.
      this.#settle();
      this.#ready.end();
    }
  }

  #replay(): Replay {
    return new Replay({
      ...this.#context,
      stream: this.#stream,
      outbox: this.#outbox,
      prefix: this.#prefix,
      stopped: () => this.#ready.isStopped,
    });
  }

  /** Hands one batch of ready records to the connection. @returns the reason to end, if there is one */
  async #deliver(): Promise<ProjectorEnd | undefined> {
    this.#building = true;
    const batch = await this.#gathering.next();
    if (batch === "behind") return { kind: "behind" };
    // A takeover need not wait for a commit that would be fenced anyway.
    if (this.#ready.isStopped) return { kind: "stopped" };
    const children = batch.children.map((child) => childOf(child, batch.last));
    const stored =
      batch.runs.length + children.length === 0 || (await this.#store(batch, children));
    if (!stored) return { kind: "fenced" };
    if (this.#ready.isStopped) return { kind: "stopped" };
    this.#issue(batch, children);
    const sent = batch.frames.length > 0 ? this.#outbox.send(batch.frames) : undefined;
    this.#detachEnded(batch);
    for (const attachment of batch.lost) {
      this.#context.lost(attachment);
      // Live records come after the report of the loss, or they would look like a continuation of the history.
      this.#ready.add(attachment);
    }
    this.#settle();
    const delivered = sent === undefined || (await sent);
    for (const { job } of batch.cursors.keys()) this.#stream.deliveries?.end(job);
    if (delivered) for (const text of batch.lent) text.giveBack();
    return delivered ? undefined : { kind: "stopped" };
  }

  /** Makes the meaning of the numbers durable. @returns false if a later resume owns the session */
  async #store({ runs }: Batch, children: readonly Child[]): Promise<boolean> {
    const outcome = await this.#commit({
      ...(runs.length > 0 && { runs }),
      ...(children.length > 0 && { attach: children.map(({ row }) => row) }),
    });
    if (outcome === "fenced") return false;
    // Even if stopped meanwhile: the next projector must build on what the store contains.
    this.#stream.journal.open(runs);
    return true;
  }

  /** Advances the stream: from here on the numbers count as issued. */
  #issue(batch: Batch, children: readonly Child[]): void {
    const { journal, attachments, deliveries } = this.#stream;
    for (const [attachment, cursor] of batch.cursors) {
      attachment.reach(cursor);
      deliveries?.begin(attachment.job);
    }
    journal.issue(batch.last);
    for (const child of children) this.follow(attachments.attachChild(child));
    if (batch.warns) this.#stream.lag?.warned(batch.last);
    if (batch.runs.length > 0) this.#stream.trim();
  }

  async #commit(change: SessionChange): Promise<CommitOutcome> {
    try {
      return await this.#stream.writer.commit(change, this.#epoch);
    } catch (error) {
      this.#stream.journal.seal();
      throw error;
    }
  }

  /** Detaches ended jobs, which count as followed until their end is handed over. */
  #detachEnded({ ended }: Batch): void {
    const { attachments } = this.#stream;
    for (const attachment of ended) {
      if (attachments.get(attachment.job) === attachment) attachments.detach(attachment.job);
    }
  }

  /** Runs the changes that waited for the current batch, which was handed over or abandoned. */
  #settle(): void {
    this.#building = false;
    for (const change of this.#changes.splice(0)) change();
  }
}
