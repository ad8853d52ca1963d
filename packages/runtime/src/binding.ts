import { ArcpError } from "@arcp/core";
import { type Announcement, announce } from "./announcement.ts";
import { closedVault, type OpenVault } from "./authority/vault.ts";
import type { IdleWatch, Watched } from "./idle-watch.ts";
import { Intake } from "./intake.ts";
import { missedAcceptances, type StoredAcceptances } from "./missed-acceptances.ts";
import type { PendingWork } from "./pending-work.ts";
import { Heartbeat } from "./session/heartbeat.ts";
import { withCredentials } from "./session/introduction.ts";
import type { Loss } from "./session/losses.ts";
import type { ProjectorHost } from "./session/projector.ts";
import type { Link, Session } from "./session/session.ts";
import { refuse } from "./verbs/reject.ts";
import type { Services } from "./verbs/services.ts";

/** Milliseconds that the last answers before a goodbye may take: a client that leaves waits for a second (R-6.7-7). */
const DEPARTURE_MS = 500;

export interface BindingContext {
  readonly services: Services;
  readonly projector: ProjectorHost;
  /** What a welcome says besides the session: the runtime, its window in seconds, the agents of a principal. */
  readonly welcome: (session: Session) => object;
  /** Milliseconds between two signs of life, where heartbeats are agreed on. */
  readonly heartbeatInterval: number;
  readonly idleWatch: IdleWatch;
}

export interface BindingOptions {
  readonly context: BindingContext;
  readonly link: Link;
  readonly session: Session;
  /** The resume token that its welcome gives. */
  readonly token: string;
  /** Whether its peer may be shown the credentials of jobs. */
  readonly confidential: boolean;
  /** What is under way of its connection. */
  readonly work: PendingWork;
}

/** A connection as it is bound to a session: what is read for it and said to it, and what runs by the clock meanwhile. */
export class Binding implements Watched {
  readonly session: Session;
  readonly intake: Intake;
  /** Undefined where none was agreed on. */
  readonly heartbeat: Heartbeat | undefined;
  readonly #options: BindingOptions;
  #departure: Promise<void> | undefined;
  #isLeft = false;
  /** The session's highest number when it was asked last whether it is of use. */
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
   * Welcomes the client, and goes on with what it has still to see.
   * @param welcome what it is told besides its token
   * @param after the last number that it has
   * @param stored the acceptances that only the store remembers
   */
  begin(welcome: object, after: number, stored: StoredAcceptances): void {
    const { context, link, session, token } = this.#options;
    const { outbox, dialect } = link;
    context.idleWatch.watch(this);
    const vault = this.#vault();
    const payload = { ...welcome, resume_token: token };
    const missed = dialect.repeatsAcceptances ? missedAcceptances(session, after, stored) : [];
    void outbox.send([
      announce(session.id, { type: "session.welcome", payload }),
      ...missed.map((acceptance) =>
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
      // To others the connection has ended for it; ended again at each resume, they would never get any further.
      if (loss.isReported && !dialect.losesSubscriptions) continue;
      losses.add(loss, loss.at);
      this.#tellLoss(loss);
    }
  }

  /** Leaves the session, whose place among the connected is free at once. Resolves when it is silent. */
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

  /** Leaves the session to whoever resumes it: its window runs from when it is silent. */
  async park(): Promise<void> {
    await this.leave();
    if (!this.session.connected) this.#options.context.services.sessions.parked(this.session);
  }

  /**
   * Once the client has said goodbye: resolves when the connection is ended. What it asked before is answered first (R-5.4-4), and
   * what it says after is not to be read (R-6.7-5).
   */
  get departure(): Promise<void> | undefined {
    return this.#departure;
  }

  /** Resolves once what was asked until now is answered (R-5.4-4), a goodbye too, but does not wait for ever. */
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

  /** What the client may read of credentials, also in a session that agreed on them elsewhere (R-4.1-5). */
  #vault(): OpenVault {
    const { context, link, session, confidential } = this.#options;
    if (!confidential) return closedVault;
    return context.services.vault.openTo(session.principal, link.dialect);
  }
}
