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
import { Requests } from "./requests.ts";
import { Sequence } from "./sequence.ts";
import type { Stream } from "./stream.ts";
import { SubmitLog } from "./submit-log.ts";
import { hashToken, type TokenRing } from "./token-ring.ts";

/** The connection that a session speaks through. */
export interface Link {
  readonly outbox: Outbox;
  /** How its peer is spoken to. */
  readonly dialect: Dialect;
  /** The projector ended by itself: the connection has to end too. */
  ended(end: ProjectorEnd): void;
  /** Another connection takes the session over: nothing more may be read or sent on this one (R-6.3-15). */
  replace(): void;
  /** Says goodbye, and perhaps why, and hangs up. */
  part(why: string | undefined, reason: CloseReason): void;
  /** Says an error as the last word (R-12-5) and hangs up. */
  fail(error: ArcpError, reason: CloseReason): void;
  /** Ends the connection once what was said on it is delivered. */
  hangUp(reason: CloseReason): void;
}

/** What a projector is given besides how to speak, which its link knows. */
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
  /** Whether what it was told by submit ids has to be looked up in the store. */
  readonly restored: boolean;
  readonly submits = new SubmitLog();
  /** Subscriptions and their ends, in the order in which they were asked for. */
  readonly subscriptions = new Sequence();
  /** Listings, one page at a time. */
  readonly listings = new Sequence();
  readonly requests: Requests;
  readonly #tokens: TokenRing;
  #state: State = { kind: "parked" };
  /** The last projector that was asked to stop has done so. */
  #silent: Promise<void> = Promise.resolve();

  /**
   * @param maxRequests that may be under way at a time
   * @param restored it was opened by the process before this one
   */
  constructor(
    principal: string,
    stream: Stream,
    tokens: TokenRing,
    maxRequests: number,
    restored = false,
  ) {
    this.id = stream.session;
    this.principal = principal;
    this.stream = stream;
    this.#tokens = tokens;
    this.requests = new Requests(maxRequests);
    this.restored = restored;
  }

  get features(): ReadonlySet<string> {
    return this.stream.features;
  }

  get connected(): boolean {
    return this.#state.kind === "connected";
  }

  /** Whether it follows nothing and never did: a fresh session may be left for another one (R-6.3-3). */
  get untouched(): boolean {
    const { issued, attachments } = this.stream;
    return issued === 0 && attachments.size === 0 && !this.submits.pending;
  }

  /**
   * Connects it: replays what was issued after `after`, then goes on. The caller has sent the welcome into the same
   * outbox before, and nobody else is connected.
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

  /** Disconnects `link`, unless another connection has taken over. Resolves once its projector is silent. */
  async park(link: Link): Promise<void> {
    if (this.#state.kind === "connected" && this.#state.link === link) {
      const { projector } = this.#state;
      this.#state = { kind: "parked" };
      this.#silent = projector.stop().then(() => this.stream.parked(projector.epoch));
    }
    await this.#silent;
  }

  /** Throws the present connection out, if there is one; afterwards it is silent (P5). */
  async takeOver(): Promise<void> {
    if (this.#state.kind === "connected") this.#state.link.replace();
    await this.#silent;
  }

  /** Ends the connection, if there is one, with a word to the client. */
  dismiss(why: string | undefined): void {
    if (this.#state.kind === "connected") this.#state.link.part(why, "refused");
  }

  /** Ends the connection, if there is one, with an error: the client is to come back. */
  fail(error: ArcpError): void {
    if (this.#state.kind === "connected") this.#state.link.fail(error, "fault");
  }

  /** Resolves once whoever is connected has got all that is there. */
  async idle(): Promise<void> {
    if (this.#state.kind === "connected") await this.#state.projector.idle();
  }

  /** How whoever is connected is spoken to; undefined while parked. */
  get dialect(): Dialect | undefined {
    return this.#state.kind === "connected" ? this.#state.link.dialect : undefined;
  }

  /** Says something to whoever is connected; to nobody while parked. */
  say(message: Announcement): void {
    if (this.#state.kind !== "connected") return;
    const { link, vault } = this.#state;
    link.outbox.reply(announce(this.id, withCredentials(message, this.features, vault)));
  }

  /** What to wait for before a long reply is worked out, so that none pile up behind a client that does not read. */
  get pressure(): Promise<unknown> | undefined {
    return this.#state.kind === "connected" ? this.#state.link.outbox.pressure() : undefined;
  }

  /**
   * Runs `change` at a moment at which no number is being allotted: what it says stands between two stream envelopes
   * for good, and what it attaches begins right behind.
   * @returns what it returned, as a promise where it could not be made at once
   * @throws what it threw, alike: whoever asked for it is told, and those that wait beside it take place
   */
  change<T>(change: () => T): T | Promise<T> {
    return this.#state.kind === "connected" ? this.#state.projector.change(change) : change();
  }

  /** Follows a job from behind `after`. Call it within {@link change}. */
  follow(job: JobId, role: Role, after: number, origin?: Origin): void {
    const attachment = this.stream.attachments.attach(job, role, after, origin);
    if (attachment !== undefined) this.#read(attachment);
  }

  /**
   * Follows a job that was just accepted for it. Call it within {@link change}.
   * @param silent whether the job has said nothing yet: then there is nothing to read until it does
   */
  own(job: JobId, silent = false): void {
    const attachment = this.stream.own(job, this.connected);
    if (attachment !== undefined) this.#read(attachment, silent);
  }

  /**
   * Lets the session follow a job and says so once that is durable: what a client was told of must be there when the next
   * process resumes its session (R-6.3-20). Until then nothing of the job is read, so that all that comes of it stands
   * behind the answer (R-7.6-3), whatever else begins to follow the job meanwhile.
   *
   * @param follow begins to follow the job, or leaves it as it is, within a {@link change}
   * @param answer says so, within a change: the same one where nothing has to be stored and the client reads
   * @returns once it was said
   * @throws Error when it could not be stored: nothing was said, and nothing new is watched
   */
  async confirm(job: JobId, follow: () => void, answer: () => void): Promise<void> {
    const { attachments } = this.stream;
    const { before, begun, stored, isSaid } = await this.change(() => {
      const before = attachments.get(job);
      follow();
      const begun = attachments.get(job);
      const stored = begun?.stored;
      const isSaid = stored === undefined && this.pressure === undefined;
      if (isSaid) answer();
      else this.stream.pauses.begin(job);
      return { before, begun, stored, isSaid };
    });
    if (isSaid) return;
    try {
      await stored;
    } catch (error) {
      await this.change(() => {
        // Who followed the job before goes on from where it was.
        if (begun !== undefined && begun !== before) attachments.undo(begun, before);
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
    // Of all that were stored together, or wait for the same batch, no more are answered than the client reads: an answer may be
    // large (R-4.1-10).
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

  /** The client has this token: older ones are void (R-6.3-7). */
  async confirmToken(token: string): Promise<void> {
    const before = this.#tokens.hashes.length;
    this.#tokens.confirm(hashToken(token));
    if (this.#tokens.hashes.length === before) return;
    await this.stream.writer.commit({ tokens: this.#tokens.hashes });
  }

  /** A resume with this token: confirms it, adds a fresh one, and raises the epoch, in one step (P5). */
  async claim(presented: string): Promise<{ token: string; epoch: number } | "fenced"> {
    let token = "";
    const outcome = await this.stream.writer.claim(() => {
      // While this claim waited for its turn, another may have voided the token.
      if (!this.#tokens.confirm(hashToken(presented))) return undefined;
      token = this.#tokens.issue();
      return this.#tokens.hashes;
    });
    return outcome === "fenced" ? outcome : { token, epoch: this.stream.writer.epoch };
  }
}
