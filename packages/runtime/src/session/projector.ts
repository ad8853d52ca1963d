import type { JobId } from "@arcp/core";
import type { OpenVault } from "../authority/vault.ts";
import type { Dialect } from "../dialect/dialect.ts";
import type { CommitOutcome, LogRecord, SessionChange } from "../store/index.ts";
import type { ReadableLogStore, ReadablePage } from "../store/readable-logs.ts";
import { type Attachment, isFinished } from "./attachment.ts";
import type { Child } from "./attachments.ts";
import { BATCH_LIMITS, Batch } from "./batch.ts";
import {
  childOf,
  mayBring,
  type Newcomers,
  type NewcomersContext,
  newcomersIn,
} from "./newcomers.ts";
import type { Outbox } from "./outbox.ts";
import type { ProjectorEnd } from "./projector-end.ts";
import { ReadyList } from "./ready-list.ts";
import { Replay } from "./replay.ts";
import type { Stream } from "./stream.ts";
import { framePrefix } from "./view.ts";

/** Records of one job in one batch while other jobs wait, so that a flood delays them by a batch (J4). */
const QUANTUM = 64;

/** What all projectors of a runtime share. */
export interface ProjectorHost extends NewcomersContext {
  readonly logs: ReadableLogStore;
}

export interface ProjectorContext extends ProjectorHost {
  readonly vault: OpenVault;
  readonly dialect: Dialect;
  /** Whether the client can be told of a delegated job at this moment. */
  introduces(): boolean;
  /** A subscription fell behind the kept log and has ended (P3). */
  lost(attachment: Attachment): void;
}

/**
 * The loop of one connected session: it pulls records behind the cursors, numbers what the viewer may see, writes down
 * what the numbers mean, and hands the bytes on. Replay, catching up and live are one path.
 *
 * - **J2** It sees only what the store gives it, and the store gives only what is durable.
 * - **J4** It spends from the runtime's turn like the jobs do.
 * - **P1** Numbers are allotted here alone, and leave only after the runs that explain them are durable.
 * - **P3** A cursor below the kept log ends the attachment or the connection, loudly; nothing is skipped.
 * - **P5** After `stop` has resolved it hands out nothing more.
 */
export class Projector {
  readonly #stream: Stream;
  readonly #outbox: Outbox;
  readonly #context: ProjectorContext;
  readonly #prefix: string;
  readonly #epoch: number;
  readonly #ready: ReadyList;
  readonly #ended: Promise<ProjectorEnd>;
  #stopped = false;
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

  /** Whether a batch is being built. */
  get building(): boolean {
    return this.#building;
  }

  /** Runs `change`, which must not throw, at the next moment at which no batch is being built: at once, or right behind that batch. */
  change(change: () => void): void {
    if (this.#building) this.#changes.push(change);
    else change();
  }

  /**
   * Reads an attachment from now on, whenever its bell rings. One that cannot be armed ends the projector.
   * @param silent whether there is nothing to read yet
   */
  follow(attachment: Attachment, silent = false): void {
    this.#ready.follow(attachment, silent);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#ready.rouse();
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
      while (!this.#stopped) {
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
    const { logs, turn, vault, dialect } = this.#context;
    return new Replay({
      stream: this.#stream,
      outbox: this.#outbox,
      logs,
      turn,
      vault,
      dialect,
      prefix: this.#prefix,
      stopped: () => this.#stopped,
    });
  }

  /** Hands one batch of what is ready to the connection. @returns why that was the last one, if it was */
  async #deliver(): Promise<ProjectorEnd | undefined> {
    this.#building = true;
    const batch = await this.#gather();
    if (batch === "behind") return { kind: "behind" };
    // Whoever takes over need not wait for a commit that would be fenced off.
    if (this.#stopped) return { kind: "stopped" };
    const children = batch.children.map((child) => childOf(child, batch.last));
    const stored =
      batch.runs.length + children.length === 0 || (await this.#store(batch, children));
    if (!stored) return { kind: "fenced" };
    if (this.#stopped) return { kind: "stopped" };
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

  /** Reads round-robin over what is ready, a quantum each, and numbers it, touching nothing yet. */
  async #gather(): Promise<Batch | "behind"> {
    const batch = new Batch(this.#stream, this.#prefix, this.#context);
    for (const attachment of this.#ready) {
      const room = BATCH_LIMITS.records - batch.read;
      if (room <= 0 || batch.characters >= BATCH_LIMITS.characters || this.#stopped) break;
      this.#ready.delete(attachment);
      if (this.#stream.attachments.get(attachment.job) !== attachment) continue;
      // Whoever lets it be read again rings.
      if (this.#stream.pauses.has(attachment.job)) continue;
      // The bell of what is lost rings on until that is told.
      if (batch.ended.has(attachment) || batch.lost.includes(attachment)) continue;
      const cursor = batch.cursors.get(attachment) ?? attachment.cursor;
      const page = await this.#context.logs.read(attachment.job, cursor, {
        records: this.#ready.isEmpty ? room : Math.min(room, QUANTUM),
        characters: BATCH_LIMITS.characters - batch.characters,
      });
      if (attachment.isBehind(page, cursor)) {
        if (!(await this.#lose(attachment, cursor, page, batch))) return "behind";
        continue;
      }
      const start = attachment.startIn(page.floor, cursor);
      const coming = this.#newcomers(attachment, start, page.records, batch);
      const newcomers = coming && (await coming);
      while (this.#waits) await this.#context.turn.next();
      batch.add(attachment, start, page.records, newcomers);
      void this.#context.turn.spend("projecting", page.records.length);
      if (start + page.records.length < page.head) this.#ready.add(attachment);
    }
    return batch;
  }

  /** Records that it has still to see are gone (P3). @returns false when the whole connection has to end for it */
  async #lose(
    attachment: Attachment,
    cursor: number,
    page: ReadablePage,
    batch: Batch,
  ): Promise<boolean> {
    const { dialect, logs } = this.#context;
    const live = attachment.liveIn(page, cursor);
    const mayBeLost = attachment.role === "observer" && dialect.losesSubscriptions;
    if (live === undefined && !mayBeLost) return false;
    // Where the job has ended, nothing is left to go on with.
    const over = live === page.head && (await isFinished(attachment.job, live, logs)) !== false;
    const newcomers = await this.#newcomers(attachment, live ?? 0, [], batch);
    batch.lose(attachment, over ? undefined : live, newcomers);
    return true;
  }

  /** The jobs that it comes across with these records, or with what it skips; undefined when there can be none. */
  #newcomers(
    attachment: Attachment,
    start: number,
    records: readonly LogRecord[],
    batch: Batch,
  ): Promise<Newcomers> | undefined {
    const stretch = { attachment, introduced: batch.introducedOf(attachment), start, records };
    if (!mayBring(stretch)) return undefined;
    const knows = (job: JobId) => batch.knows(job);
    return newcomersIn(stretch, this.#stream.session, knows, this.#context);
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

  /**
   * Whether this turn of the event loop has nothing left (J4). Asked right before the work that spends from it, or all
   * who waited for the turn would take it for theirs.
   */
  get #waits(): boolean {
    return this.#context.turn.spent("projecting") && !this.#stopped;
  }
}
