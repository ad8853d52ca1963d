import type { ArcpError, CloseReason, JobId, SessionId } from "@arcp/core";
import { type Announcement, announce } from "../announcement.ts";
import type { OpenVault } from "../authority/vault.ts";
import type { Dialect } from "../dialect/dialect.ts";
import type { Role } from "../store/index.ts";
import type { Attachment } from "./attachment.ts";
import type { Origin } from "./attachments.ts";
import { withCredentials } from "./introduction.ts";
import type { Outbox } from "./outbox.ts";
import { Projector, type ProjectorContext } from "./projector.ts";
import type { ProjectorEnd } from "./projector-end.ts";
import type { Requests } from "./requests.ts";
import { Sequence } from "./sequence.ts";
import type { Stream } from "./stream.ts";
import { SubmitLog } from "./submit-log.ts";
import { hashToken, type TokenRing } from "./token-ring.ts";

/** The connection that a session sends through. */
export interface Link {
  readonly outbox: Outbox;
  /** The dialect of the peer. */
  readonly dialect: Dialect;
  /** Called when the projector has ended by itself, so the connection has to end too. */
  ended(end: ProjectorEnd): void;
  /** Silences this connection because another one takes the session over: nothing more may be read or sent here (R-6.3-15). */
  replace(): void;
  /** Sends a farewell, with the reason if there is one, and hangs up. */
  part(why: string | undefined, reason: CloseReason): void;
  /** Sends an error as the last message (R-12-5) and hangs up. */
  fail(error: ArcpError, reason: CloseReason): void;
  /** Closes the connection once everything queued is delivered. */
  hangUp(reason: CloseReason): void;
}

/** What a projector needs besides the dialect, which its link knows. */
export type SessionContext = Omit<ProjectorContext, "dialect" | "introduces">;

type State =
  | { readonly kind: "parked" }
  | {
      readonly kind: "connected";
      readonly link: Link;
      readonly projector: Projector;
      readonly vault: OpenVault;
    };

/** One session of a principal, connected or parked. */
export class Session {
  readonly id: SessionId;
  readonly principal: string;
  readonly stream: Stream;
  /** Whether replies to its submits have to be looked up in the store. */
  readonly restored: boolean;
  readonly submits = new SubmitLog();
  /** Subscribes and unsubscribes, in the order of the requests. */
  readonly subscriptions = new Sequence();
  /** Listings, one page at a time. */
  readonly listings = new Sequence();
  readonly requests: Requests;
  readonly #tokens: TokenRing;
  #state: State = { kind: "parked" };
  /** Resolves once the last projector that was stopped has ended. */
  #silent: Promise<void> = Promise.resolve();

  /** @param restored whether the previous process opened it */
  constructor(
    principal: string,
    stream: Stream,
    tokens: TokenRing,
    requests: Requests,
    restored = false,
  ) {
    this.id = stream.session;
    this.principal = principal;
    this.stream = stream;
    this.#tokens = tokens;
    this.requests = requests;
    this.restored = restored;
  }

  get features(): ReadonlySet<string> {
    return this.stream.features;
  }

  get connected(): boolean {
    return this.#state.kind === "connected";
  }

  /** Whether the session has never followed anything: such a fresh session may be left for another one (R-6.3-3). */
  get untouched(): boolean {
    const { issued, attachments } = this.stream;
    return issued === 0 && attachments.size === 0 && !this.submits.pending;
  }

  /**
   * Connects the session: replays what was issued after `after`, then continues live. The caller has queued the welcome in the same
   * outbox, and no other connection is attached.
   */
  connect(link: Link, after: number, context: SessionContext): void {
    const projector = new Projector(this.stream, link.outbox, after, {
      ...context,
      dialect: link.dialect,
      introduces: () => link.dialect.introduces(this.submits.pending),
    });
    this.#state = { kind: "connected", link, projector, vault: context.vault };
    void projector.ended.then((end) => {
      if (end.kind !== "stopped") link.ended(end);
    });
  }

  /** Disconnects `link`, unless another connection has taken over. Resolves once its projector sends nothing more. */
  async park(link: Link): Promise<void> {
    if (this.#state.kind === "connected" && this.#state.link === link) {
      const { projector } = this.#state;
      this.#state = { kind: "parked" };
      this.#silent = projector.stop().then(() => this.stream.parked(projector.epoch));
    }
    await this.#silent;
  }

  /** Throws out the current connection, if any. Resolves once it sends nothing more (P5). */
  async takeOver(): Promise<void> {
    if (this.#state.kind === "connected") this.#state.link.replace();
    await this.#silent;
  }

  /** Closes the connection, if any, with a farewell to the client. */
  dismiss(why: string | undefined): void {
    if (this.#state.kind === "connected") this.#state.link.part(why, "refused");
  }

  /** Closes the connection, if any, with an error that asks the client to reconnect. */
  fail(error: ArcpError): void {
    if (this.#state.kind === "connected") this.#state.link.fail(error, "fault");
  }

  /** Resolves once the connected client, if any, has been sent everything there is. */
  async idle(): Promise<void> {
    if (this.#state.kind === "connected") await this.#state.projector.idle();
  }

  /** The dialect of the connected client; undefined while parked. */
  get dialect(): Dialect | undefined {
    return this.#state.kind === "connected" ? this.#state.link.dialect : undefined;
  }

  /** Sends a message to the connected client; dropped while parked. */
  say(message: Announcement): void {
    if (this.#state.kind !== "connected") return;
    const { link, vault } = this.#state;
    link.outbox.reply(announce(this.id, withCredentials(message, this.features, vault)));
  }

  /** What to wait for before preparing a long reply, so that replies do not pile up for a client that does not read. */
  get pressure(): Promise<unknown> | undefined {
    return this.#state.kind === "connected" ? this.#state.link.outbox.pressure() : undefined;
  }

  /**
   * Runs `change` while no number is being allotted: what it sends gets a fixed position between two stream envelopes, and what it
   * attaches begins directly after.
   * @returns what `change` returns; a promise if it could not run immediately
   * @throws what `change` throws, likewise; other changes in the queue still run
   */
  change<T>(change: () => T): T | Promise<T> {
    return this.#state.kind === "connected" ? this.#state.projector.change(change) : change();
  }

  /** Follows a job from after `after`, unless that cannot be stored: call it within {@link confirm}. */
  follow(job: JobId, role: Role, after: number, origin?: Origin): void {
    const attachment = this.stream.attachments.try(job, role, after, origin);
    if (attachment !== undefined) this.#read(attachment);
  }

  /** Skips what lies before `after`. Call it within {@link change}. A crash before that is stored brings it after all. */
  skip({ job, role }: Attachment, after: number, origin: Origin): void {
    const attachment = this.stream.attachments.attach(job, role, after, origin);
    if (attachment !== undefined) this.#read(attachment);
  }

  /**
   * Follows a job that was just accepted for this session. Call it within {@link change}.
   * @param silent whether the job has no record yet, so that there is nothing to read
   */
  own(job: JobId, silent = false): void {
    const attachment = this.stream.own(job, this.connected);
    if (attachment !== undefined) this.#read(attachment, silent);
  }

  /**
   * Attaches the session to a job and replies once that is durable: what a client was told must survive a restart (R-6.3-20). Until
   * then the job is not read, so that all its events come after the reply (R-7.6-3), even if another request attaches the session
   * meanwhile.
   *
   * @param follow attaches the session by {@link follow}, or leaves things as they are; runs within {@link change}
   * @param answer sends the reply; runs within {@link change}, in the same one if nothing has to be stored and the client reads
   * @returns once the reply is sent
   * @throws Error if it could not be stored; no reply was sent, and nothing new is followed
   */
  async confirm(job: JobId, follow: () => void, answer: () => void): Promise<void> {
    const { attachments } = this.stream;
    const { begun, stored, isSaid } = await this.change(() => {
      follow();
      const begun = attachments.get(job);
      const stored = begun?.stored;
      const isSaid = stored === undefined && this.pressure === undefined;
      if (isSaid) answer();
      else this.stream.pauses.begin(job);
      return { begun, stored, isSaid };
    });
    if (isSaid) return;
    try {
      await stored;
    } catch (error) {
      await this.change(() => {
        if (begun !== undefined) attachments.undo(begun);
        this.#unpause(job);
      });
      throw error;
    }
    const answered = (): boolean => {
      if (this.pressure !== undefined) return false;
      answer();
      this.#unpause(job);
      return true;
    };
    // Changes that became durable together, or waited for the same batch, are answered only as fast as the client reads: replies
    // may be large (R-4.1-10).
    while (!(await this.change(answered))) await this.pressure;
  }

  /** Reads what there is of a job, if it is followed, whether or not its bell has rung. */
  readOn(job: JobId): void {
    const attachment = this.stream.attachments.get(job);
    if (attachment !== undefined) this.#read(attachment);
  }

  #unpause(job: JobId): void {
    if (this.stream.pauses.end(job)) this.readOn(job);
  }

  #read(attachment: Attachment, silent = false): void {
    if (this.#state.kind === "connected") this.#state.projector.follow(attachment, silent);
  }

  /** The client has this token, so older ones become invalid (R-6.3-7). */
  async confirmToken(token: string): Promise<void> {
    const before = this.#tokens.hashes.length;
    this.#tokens.confirm(hashToken(token));
    if (this.#tokens.hashes.length === before) return;
    await this.stream.writer.commit({ tokens: this.#tokens.hashes });
  }

  /** Resumes with this token: confirms it, issues a new one, and raises the epoch, in one step (P5). */
  async claim(presented: string): Promise<{ token: string; epoch: number } | "fenced"> {
    let token = "";
    const outcome = await this.stream.writer.claim(() => {
      // While this claim waited, another one may have invalidated the token.
      if (!this.#tokens.confirm(hashToken(presented))) return undefined;
      token = this.#tokens.issue();
      return this.#tokens.hashes;
    });
    return outcome === "fenced" ? outcome : { token, epoch: this.stream.writer.epoch };
  }
}
