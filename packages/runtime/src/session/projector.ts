import { HIGH_WATER_MARK, type JobId } from "@arcp/core";
import type { OpenVault } from "../authority/vault.ts";
import type { Dialect } from "../dialect/dialect.ts";
import type {
  CommitOutcome,
  LogPage,
  LogRecord,
  LogStore,
  PageLimits,
  SessionChange,
} from "../store/index.ts";
import type { Turn } from "../turn.ts";
import { type Attachment, isFinished } from "./attachment.ts";
import { Batch } from "./batch.ts";
import type { Introduction, Newcomer } from "./introduction.ts";
import type { Outbox } from "./outbox.ts";
import type { Stream } from "./stream.ts";
import { framePrefix, renderFrame } from "./view.ts";

/** Records of one job in one batch while other jobs wait, so that a flood delays them by a batch (J4). */
const QUANTUM = 64;
const LIMITS: PageLimits = { records: 256, characters: HIGH_WATER_MARK };

/** Why a projector ended. */
export type ProjectorEnd =
  /** It was stopped, or the connection is gone. */
  | { readonly kind: "stopped" }
  /** A later resume owns the session (P5). */
  | { readonly kind: "fenced" }
  /** The log no longer holds what this session had still to see, as the owner of the job or in a replay (P3). */
  | { readonly kind: "behind" }
  /** The store failed. */
  | { readonly kind: "failed"; readonly error: unknown };

export interface ProjectorContext {
  readonly logs: LogStore;
  readonly turn: Turn;
  readonly vault: OpenVault;
  readonly dialect: Dialect;
  /** Whether the client can be told of a delegated job at this moment. */
  introduces(): boolean;
  /** What introduces a delegated job to its owner; undefined when it is kept no longer. */
  introduction(job: JobId): Promise<Introduction | undefined>;
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
  readonly #ready = new Set<Attachment>();
  readonly #ended: Promise<ProjectorEnd>;
  #stopped = false;
  /** Between the first read of a batch and its hand-over nobody else may move the stream. */
  #building = false;
  #changes: Array<() => void> = [];
  /** Set while nothing is left to read. */
  #wake: (() => void) | undefined;
  #onIdle: Array<() => void> = [];
  #broken: { readonly error: unknown } | undefined;

  /** @param after the last `event_seq` that the client has; what was issued beyond it is replayed first */
  constructor(stream: Stream, outbox: Outbox, after: number, context: ProjectorContext) {
    this.#stream = stream;
    this.#outbox = outbox;
    this.#context = context;
    this.#prefix = framePrefix(stream.session);
    this.#epoch = stream.epoch;
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
    if (this.#wake !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
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
   * Arms the bell of an attachment and reads what is already there. A bell that fails ends the projector.
   * @param silent whether nothing is there: a batch of nothing would cost a submit as much as its records do
   */
  follow(attachment: Attachment, silent = false): void {
    attachment.unlisten?.();
    try {
      attachment.unlisten = this.#context.logs.listen(attachment.job, () => this.#ring(attachment));
    } catch (error) {
      this.#broken ??= { error };
    }
    if (!silent || this.#broken !== undefined) this.#ring(attachment);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#rouse();
    await this.#ended;
    for (const attachment of this.#stream.attachments.values()) {
      attachment.unlisten?.();
      attachment.unlisten = undefined;
    }
  }

  async #run(after: number): Promise<ProjectorEnd> {
    // The constructor returns first: whoever made this projector follows up with what belongs in front.
    await undefined;
    try {
      const end = await this.#replay(after);
      if (end !== undefined) return end;
      for (const attachment of this.#stream.attachments.values()) this.follow(attachment);
      while (!this.#stopped) {
        if (this.#broken !== undefined) return { kind: "failed", ...this.#broken };
        // Waited for here and no deeper: an idle session holds what is suspended.
        if (this.#ready.size === 0) await this.#rung();
        // What was opened ahead has to be durable before anything is numbered by it (P1).
        else if (this.#stream.opening !== undefined) await this.#stream.opening;
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
      this.#wake = () => {};
      for (const idle of this.#onIdle.splice(0)) idle();
    }
  }

  async #replay(after: number): Promise<ProjectorEnd | undefined> {
    const { journal, issued, deliveries } = this.#stream;
    let seq = after + 1;
    for (const span of journal.spans(seq, issued)) {
      if (span.said !== undefined) {
        while (this.#waits) await this.#context.turn.next();
        if (this.#stopped) return { kind: "stopped" };
        if (!(await this.#outbox.send([`${this.#prefix}${seq++},${span.said}`]))) {
          return { kind: "stopped" };
        }
        this.#stream.repeated = seq - 1;
        continue;
      }
      const last = span.jobFrom + span.count - 1;
      for (let cursor = span.jobFrom - 1; cursor < last; ) {
        const limits = { ...LIMITS, records: Math.min(LIMITS.records, last - cursor) };
        const page = await this.#context.logs.read(span.job, cursor, limits);
        while (this.#waits) await this.#context.turn.next();
        if (this.#stopped) return { kind: "stopped" };
        if (page.floor > cursor || page.records.length === 0) return { kind: "behind" };
        const frames = page.records.map((record) =>
          renderFrame(this.#prefix, seq++, span.job, record, this.#context),
        );
        cursor += page.records.length;
        void this.#context.turn.spend("projecting", frames.length);
        deliveries?.begin(span.job);
        const sent = await this.#outbox.send(frames);
        deliveries?.end(span.job);
        if (!sent) return { kind: "stopped" };
        this.#stream.repeated = seq - 1;
      }
    }
    // What some number meant went meanwhile.
    if (seq <= issued) return { kind: "behind" };
    this.#stream.repeated = Number.POSITIVE_INFINITY;
    return undefined;
  }

  /** Resolves once something is there to read, or it has to stop. */
  #rung(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      for (const idle of this.#onIdle.splice(0)) idle();
    });
  }

  /** Hands one batch of what is ready to the connection. @returns why that was the last one, if it was */
  async #deliver(): Promise<ProjectorEnd | undefined> {
    this.#building = true;
    const batch = await this.#gather();
    if (batch === "behind") return { kind: "behind" };
    // Whoever takes over need not wait for a commit that would be fenced off.
    if (this.#stopped) return { kind: "stopped" };
    const end = await this.#record(batch);
    if (end !== undefined) return end;
    const sent = batch.frames.length > 0 ? this.#outbox.send(batch.frames) : undefined;
    this.#leave(batch);
    for (const attachment of batch.lost) this.#context.lost(attachment);
    this.#settle();
    const delivered = sent === undefined || (await sent);
    for (const { job } of batch.cursors.keys()) this.#stream.deliveries?.end(job);
    return delivered ? undefined : { kind: "stopped" };
  }

  /**
   * Whether this turn of the event loop has nothing left (J4). Asked right before the work that spends from it, or all
   * who waited for the turn would take it for theirs.
   */
  get #waits(): boolean {
    return this.#context.turn.spent("projecting") && !this.#stopped;
  }

  /** A batch is handed over, or given up: whoever waited to move the stream may do so. */
  #settle(): void {
    this.#building = false;
    for (const change of this.#changes.splice(0)) change();
  }

  /** Reads round-robin over what is ready, a quantum each, and numbers it, touching nothing yet. */
  async #gather(): Promise<Batch | "behind"> {
    const batch = new Batch(this.#stream, this.#prefix, this.#context);
    for (const attachment of this.#ready) {
      const room = LIMITS.records - batch.read;
      if (room <= 0 || batch.characters >= LIMITS.characters || this.#stopped) break;
      this.#ready.delete(attachment);
      if (this.#stream.attachments.get(attachment.job) !== attachment) continue;
      // Whoever lets it be read again rings.
      if (this.#stream.isPaused(attachment.job)) continue;
      // The bell of a subscription that is lost rings on until the batch is recorded.
      if (batch.ended.has(attachment)) continue;
      const cursor = batch.cursors.get(attachment) ?? attachment.cursor;
      const page = await this.#context.logs.read(attachment.job, cursor, {
        records: this.#ready.size === 0 ? room : Math.min(room, QUANTUM),
        characters: LIMITS.characters - batch.characters,
      });
      const children = mayDelegate(attachment, page)
        ? await this.#newcomers(attachment, cursor, page)
        : undefined;
      while (this.#waits) await this.#context.turn.next();
      if (attachment.isBehind(page, cursor)) {
        const live = attachment.liveIn(page, cursor);
        const mayBeLost =
          attachment.role === "observer" && this.#context.dialect.losesSubscriptions;
        if (live === undefined && !mayBeLost) return "behind";
        // Where the job has ended, nothing is left to go on with.
        const over =
          live === page.head && (await isFinished(attachment.job, live, this.#context.logs));
        batch.lose(attachment, over ? undefined : live);
        if (live !== undefined && !over) this.#ready.add(attachment);
        continue;
      }
      const start = attachment.startIn(page.floor, cursor);
      batch.add(attachment, start, page.records, children);
      void this.#context.turn.spend("projecting", page.records.length);
      if (start + page.records.length < page.head) this.#ready.add(attachment);
    }
    return batch;
  }

  /** Of the jobs that are delegated in what the owner of their parent reads for the first time, unless it knows them. */
  async #newcomers(
    attachment: Attachment,
    cursor: number,
    { floor, records }: LogPage,
  ): Promise<ReadonlyMap<LogRecord, Newcomer>> {
    const newcomers = new Map<LogRecord, Newcomer>();
    const start = attachment.startIn(floor, cursor);
    for (const [index, record] of records.entries()) {
      if (record.kind !== "delegate" || start + index < attachment.told) continue;
      const child = delegatedIn(record);
      if (this.#stream.knows(child)) continue;
      const introduction = await this.#context.introduction(child);
      if (introduction === undefined) continue;
      const old = start + index < attachment.seen;
      newcomers.set(
        record,
        old ? await this.#inherited(introduction) : { introduction, history: undefined },
      );
    }
    return newcomers;
  }

  /** Of its history the owner has what is still there: it was delegated for somebody else (R-7.2-8). */
  async #inherited(introduction: Introduction): Promise<Newcomer> {
    const { job_id: job, payload } = introduction;
    const { floor, head } = await this.#context.logs.read(job, 0, { records: 0, characters: 0 });
    if (floor === 0) return { introduction, history: { floor, head } };
    const told = { ...introduction, payload: { ...payload, truncated: true } };
    return { introduction: told, history: { floor, head } };
  }

  /** Makes the numbers durable, then moves the stream: from here on they are issued. */
  async #record(batch: Batch): Promise<ProjectorEnd | undefined> {
    const { journal, deliveries } = this.#stream;
    const children = batch.children.map((child) => this.#stream.child(child, batch.last));
    if (batch.runs.length + children.length > 0) {
      const outcome = await this.#commit({
        ...(batch.runs.length > 0 && { runs: batch.runs }),
        ...(children.length > 0 && { attach: children.map(({ row }) => row) }),
      });
      if (outcome === "fenced") return { kind: "fenced" };
      // Also when stopped meanwhile: what the store says must be what the next projector builds upon.
      journal.open(batch.runs);
    }
    if (this.#stopped) return { kind: "stopped" };
    for (const [attachment, cursor] of batch.cursors) {
      attachment.cursor = cursor;
      deliveries?.begin(attachment.job);
    }
    this.#stream.issued = batch.last;
    for (const child of children) this.follow(this.#stream.attachChild(child));
    if (batch.warns) this.#stream.lag?.told(batch.last);
    return undefined;
  }

  /** Its end is handed over: until then the job counts as followed. */
  #leave({ ended }: Batch): void {
    const { attachments } = this.#stream;
    for (const attachment of ended) {
      if (attachments.get(attachment.job) === attachment) this.#stream.detach(attachment.job);
    }
  }

  async #commit(change: SessionChange): Promise<CommitOutcome> {
    try {
      return await this.#stream.commit(change, this.#epoch);
    } catch (error) {
      this.#stream.journal.seal();
      throw error;
    }
  }

  #ring(attachment: Attachment): void {
    this.#ready.add(attachment);
    this.#rouse();
  }

  #rouse(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** Whether a job is delegated in what its owner reads. Nearly no page has one, and each is asked. */
function mayDelegate({ role }: Attachment, { records }: LogPage): boolean {
  return role === "owner" && records.some(({ kind }) => kind === "delegate");
}

/** The child that a record of a delegation names. */
function delegatedIn({ text }: LogRecord): JobId {
  const { payload } = JSON.parse(`{${text}`) as { payload: { body: { child_job_id: JobId } } };
  return payload.body.child_job_id;
}
