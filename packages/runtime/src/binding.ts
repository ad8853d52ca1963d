import { ArcpError } from "@arcp/core";
import { type Announcement, announce } from "./announcement.ts";
import { closedVault, type OpenVault } from "./authority/vault.ts";
import type { IdleWatch, Watched } from "./idle-watch.ts";
import { Intake } from "./intake.ts";
import type { MissedAcceptances } from "./missed-acceptances.ts";
import type { PendingWork } from "./pending-work.ts";
import { Heartbeat } from "./session/heartbeat.ts";
import { withCredentials } from "./session/introduction.ts";
import type { Loss } from "./session/losses.ts";
import type { ProjectorHost } from "./session/projector.ts";
import type { Link, Session } from "./session/session.ts";
import { refuse } from "./verbs/reject.ts";
import type { Services } from "./verbs/services.ts";

/** Milliseconds to wait for pending replies before a goodbye. A client that leaves waits for one second (R-6.7-7). */
const DEPARTURE_MS = 500;

export interface BindingContext {
  readonly services: Services;
  readonly projector: ProjectorHost;
  /**
   * The part of a welcome that does not depend on the connection: runtime, resume window in seconds, agents open to the principal.
   */
  readonly welcome: (session: Session) => object;
  /** Milliseconds between two heartbeats, where heartbeats were negotiated. */
  readonly heartbeatInterval: number;
  readonly idleWatch: IdleWatch;
}

export interface BindingOptions {
  readonly context: BindingContext;
  readonly link: Link;
  readonly session: Session;
  /** The resume token that the welcome hands out. */
  readonly token: string;
  /** Whether the peer may see job credentials. */
  readonly confidential: boolean;
  /** Work in progress on the connection. */
  readonly work: PendingWork;
}

/** A connection while it is bound to a session: its intake, its outbox, and the timers that run meanwhile. */
export class Binding implements Watched {
  readonly session: Session;
  readonly intake: Intake;
  /** Undefined if heartbeats were not negotiated. */
  readonly heartbeat: Heartbeat | undefined;
  readonly #options: BindingOptions;
  #departure: Promise<void> | undefined;
  #isLeft = false;
  /** The session's highest `event_seq` at the last call of {@link used}. */
  #issued = 0;

  constructor(options: BindingOptions) {
    const { context, link, session, token, work } = options;
    this.#options = options;
    this.session = session;
    this.intake = new Intake({
      services: context.services,
      session,
      dialect: link.dialect,
      token,
      depart: (word) => {
        this.#departure = this.#depart(word);
      },
      fail: (error) => link.fail(error, "refused"),
      track: (request) => work.add(request),
    });
    this.heartbeat = session.features.has("heartbeat") ? this.#beat() : undefined;
  }

  /**
   * Sends the welcome, then resumes the stream where the client left off.
   * @param welcome the payload of the welcome, without the token
   * @param after the highest `event_seq` that the client has
   * @param missed the acceptances to repeat; undefined if the client's dialect has none repeated
   */
  begin(welcome: object, after: number, missed: MissedAcceptances | undefined): void {
    const { context, link, session, token } = this.#options;
    const { outbox, dialect } = link;
    context.idleWatch.watch(this);
    const vault = this.#vault();
    const payload = { ...welcome, resume_token: token };
    void outbox.send([
      announce(session.id, { type: "session.welcome", payload }),
      ...(missed?.list() ?? []).map((acceptance) =>
        announce(session.id, withCredentials(acceptance, session.features, vault)),
      ),
    ]);
    const { losses } = session.stream;
    session.connect(link, after, {
      ...context.projector,
      vault,
      lost: (loss) => {
        losses.add(loss, session.stream.issued);
        this.#tellLoss(loss);
      },
    });
    for (const loss of losses.since(after)) {
      // In other dialects a loss closes the connection. Closing it again at every resume would keep the client from ever getting
      // past it.
      if (loss.isReported && !dialect.losesSubscriptions) continue;
      losses.add(loss, loss.at);
      this.#tellLoss(loss);
    }
  }

  /** Leaves the session and frees its place among the connected ones at once. Resolves when nothing more is sent for it. */
  async leave(): Promise<void> {
    const { session } = this;
    const { context, link } = this.#options;
    this.#isLeft = true;
    this.heartbeat?.stop();
    context.idleWatch.unwatch(this);
    const silent = session.park(link);
    if (!session.connected) context.services.sessions.disconnected(session);
    await silent;
  }

  /** Leaves the session so that it can be resumed. Its resume window starts once nothing more is sent for it. */
  async park(): Promise<void> {
    await this.leave();
    if (!this.session.connected) this.#options.context.services.sessions.parked(this.session);
  }

  /**
   * Set once the client has said goodbye; resolves when the connection has ended. Earlier requests are answered first (R-5.4-4),
   * and whatever follows the goodbye is not read (R-6.7-5).
   */
  get departure(): Promise<void> | undefined {
    return this.#departure;
  }

  /** Resolves once everything requested so far has been answered (R-5.4-4), a goodbye included, or a time limit has passed. */
  async answered(): Promise<void> {
    await this.#settled();
    await this.#departure;
  }

  used(): boolean {
    const { stream, id } = this.session;
    const used = this.intake.exchanged() || stream.issued > this.#issued;
    this.#issued = stream.issued;
    return used || this.#options.context.services.jobs.has(id);
  }

  idle(): void {
    this.#options.link.part("nothing but heartbeats was exchanged", "going-away");
  }

  async #depart(word: Announcement | undefined): Promise<void> {
    await this.#settled();
    if (this.#isLeft) return;
    if (word !== undefined) this.session.say(word);
    this.#options.link.hangUp("normal");
  }

  async #settled(): Promise<void> {
    const { work } = this.#options;
    if (work.any) await this.intake.wait(work.settled(), DEPARTURE_MS);
  }

  #tellLoss({ job, request }: Loss): void {
    const { context, link } = this.#options;
    if (!link.dialect.losesSubscriptions) return link.ended({ kind: "behind" });
    const error = new ArcpError(
      "RESUME_WINDOW_EXPIRED",
      "events that this subscription had yet to see are gone",
    );
    refuse(context.services, this.session, { id: request, job_id: job }, error.toPayload());
  }

  #beat(): Heartbeat {
    const { context, link, session } = this.#options;
    return new Heartbeat({
      clock: context.services.clock,
      interval: context.heartbeatInterval,
      say: (ping) => session.say(ping),
      lost: () =>
        link.fail(new ArcpError("HEARTBEAT_LOST", "the client fell silent"), "going-away"),
    });
  }

  /** Gives access to the credentials that this client may read, even if they were negotiated on another connection (R-4.1-5). */
  #vault(): OpenVault {
    const { context, link, session, confidential } = this.#options;
    if (!confidential) return closedVault;
    return context.services.vault.openTo(session.principal, link.dialect);
  }
}
