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
  /** A subscription fell behind the kept log and has ended (P3). */
  lost(attachment: Attachment): void;
}

/**
 * The loop of one connected session: it gathers what the viewer may see of what is ready, writes down what the numbers mean,
 * and hands the bytes on. Catching up and live are one path, behind the replay.
 *
 * - **J2** It sees only what the store gives it, and the store gives only what is durable.
 * - **P1** Numbers are allotted here alone, and leave only after the runs that explain them are durable.
 * - **P5** After `stop` has resolved it hands out nothing more.
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
  /** Between the first read of a batch and its hand-over nobody else may move the stream. */
  #building = false;
  #changes: Array<() => void> = [];

  /** @param after the last `event_seq` that the client has; what was issued beyond it is replayed first */
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

  /** The session's epoch when it began. */
  get epoch(): number {
    return this.#epoch;
  }

  /** How it ended. Never rejects. */
  get ended(): Promise<ProjectorEnd> {
    return this.#ended;
  }

  /** Resolves once the connection has taken all that is there to read, or the projector has ended. */
  idle(): Promise<void> {
    return this.#ready.idle();
  }

  /** Runs `change` at a moment at which no batch is being built: at once, or right behind that batch. @returns what it returned */
  change<T>(change: () => T): T | Promise<T> {
    if (!this.#building) return change();
    return new Promise((resolve, reject) => {
      this.#changes.push(() => {
        try {
          resolve(change());
        } catch (error) {
          // Those that wait beside it take place all the same.
          reject(error);
        }
      });
    });
  }

  /**
   * Reads an attachment from now on, whenever its bell rings. One that cannot be armed ends the projector.
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
    // The constructor returns first: whoever made this projector follows up with what belongs in front.
    await undefined;
    const { attachments, openedAhead: ahead } = this.#stream;
    try {
      const end = await this.#replay().run(after);
      if (end !== undefined) return end;
      for (const attachment of attachments) this.follow(attachment);
      while (!this.#ready.isStopped) {
        if (this.#ready.broken !== undefined) return { kind: "failed", ...this.#ready.broken };
        // Waited for here and no deeper: an idle session holds what is suspended.
        if (this.#ready.isEmpty) await this.#ready.rung();
        // What was opened ahead has to be durable before anything is numbered by it (P1).
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
      // Changes that waited for a batch take place even if the batch did not: nobody else would make them.
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

  /** Hands one batch of what is ready to the connection. @returns why that was the last one, if it was */
  async #deliver(): Promise<ProjectorEnd | undefined> {
    this.#building = true;
    const batch = await this.#gathering.next();
    if (batch === "behind") return { kind: "behind" };
    // Whoever takes over need not wait for a commit that would be fenced off.
    if (this.#ready.isStopped) return { kind: "stopped" };
    const children = batch.children.map((child) => childOf(child, batch.last));
    const stored =
      batch.runs.length + children.length === 0 || (await this.#store(batch, children));
    if (!stored) return { kind: "fenced" };
    if (this.#ready.isStopped) return { kind: "stopped" };
    this.#issue(batch, children);
    const sent = batch.frames.length > 0 ? this.#outbox.send(batch.frames) : undefined;
    this.#leave(batch);
    for (const attachment of batch.lost) {
      this.#context.lost(attachment);
      // What is live comes behind that word, or it would pass for what follows in the history.
      this.#ready.add(attachment);
    }
    this.#settle();
    const delivered = sent === undefined || (await sent);
    for (const { job } of batch.cursors.keys()) this.#stream.deliveries?.end(job);
    if (delivered) for (const text of batch.lent) text.giveBack();
    return delivered ? undefined : { kind: "stopped" };
  }

  /** Makes durable what the numbers mean. @returns false when another resume owns the session */
  async #store({ runs }: Batch, children: readonly Child[]): Promise<boolean> {
    const outcome = await this.#commit({
      ...(runs.length > 0 && { runs }),
      ...(children.length > 0 && { attach: children.map(({ row }) => row) }),
    });
    if (outcome === "fenced") return false;
    // Also when stopped meanwhile: what the store says must be what the next projector builds upon.
    this.#stream.journal.open(runs);
    return true;
  }

  /** Moves the stream: from here on the numbers are issued. */
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

  /** Its end is handed over: until then the job counts as followed. */
  #leave({ ended }: Batch): void {
    const { attachments } = this.#stream;
    for (const attachment of ended) {
      if (attachments.get(attachment.job) === attachment) attachments.detach(attachment.job);
    }
  }

  /** A batch is handed over, or given up: whoever waited to move the stream may do so. */
  #settle(): void {
    this.#building = false;
    for (const change of this.#changes.splice(0)) change();
  }
}
