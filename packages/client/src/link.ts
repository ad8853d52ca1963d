import {
  ArcpError,
  type Clock,
  type Decoded,
  type Dial,
  decode,
  type Envelope,
  encode,
  LocalError,
  newMessageId,
  type Transport,
  TransportClosedError,
} from "@arcp/core";
import { Acknowledgement } from "./acknowledgement.ts";
import { MAX_PAUSE, pauseBefore } from "./backoff.ts";
import { type Opened, openConnection, pong } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import { asError, explain, isFinal } from "./link-outcome.ts";
import {
  type ConnectionState,
  connecting,
  type LinkState,
  leave,
  publicState,
  retrying,
} from "./link-state.ts";
import { type Introduction, openingFrame } from "./opening.ts";
import { type Session, welcomed } from "./session.ts";
import { StateChanges } from "./state-changes.ts";

/** How long a runtime may take to answer `session.close`, in ms (R-6.7-7). */
const CLOSE_TIMEOUT = 1_000;

export interface LinkOptions {
  readonly dial: Dial;
  readonly introduction: Introduction;
  /** For dialling and greeting together, in ms. */
  readonly handshakeTimeout: number;
  readonly clock: Clock;
}

/** Whoever asks through a link and hears through it. */
export interface LinkUser {
  /** The frames of all requests that have no answer yet, oldest first: they open every connection (R-5.4-8). */
  unanswered(): readonly string[];
  /** One message, each stream envelope once and in order. Pings and duplicates do not come this far. */
  received(message: Decoded): void;
  /** The link is down for good; called once. */
  ended(error: Error): void;
}

/**
 * Keeps one session connected: dial, greet or resume, pump, and again after a pause when the connection is lost.
 *
 * 1. One loop, {@link run}, makes all attempts; nothing else dials.
 * 2. Every change of state goes through `#enter`, which gives back the timers of the state before.
 * 3. A number is counted and its envelope handed on in one step, so a resume asks for exactly what is missing.
 * 4. After `closed` nothing is handed on, sent or dialled.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #user: LinkUser;
  readonly #online = Promise.withResolvers<Session>();
  readonly #over = Promise.withResolvers<void>();
  readonly states: StateChanges<ConnectionState>;
  #state: LinkState;
  #session: Session | undefined;
  #failures = 0;

  constructor(options: LinkOptions, user: LinkUser) {
    this.#options = options;
    this.#user = user;
    this.#state = this.#connecting();
    this.states = new StateChanges(publicState(this.#state));
    this.#online.promise.catch(() => {});
  }

  /** Why nothing can be asked any more; undefined while it can, connected or not. */
  get refusal(): Error | undefined {
    if (this.#state.kind === "closed") return this.#state.error;
    return this.#state.kind === "closing" ? closed() : undefined;
  }

  /** Resolves once the link is down for good. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Starts the link. @returns the session; rejects when the first attempt fails */
  open(): Promise<Session> {
    // Only a bug rejects; what it left undone must not look like an event that never was.
    this.#run().catch((bug: unknown) => this.end(asError(bug)));
    return this.#online.promise;
  }

  /** Sends when there is a connection; otherwise what matters goes out with the next one (see `unanswered`). */
  send(frame: string): void {
    if (this.#state.kind === "online") this.#transmit(this.#state.transport, [frame]);
  }

  /** Says goodbye, waits for the answer at most a second, and closes. Never rejects. */
  close(reason: string | undefined): Promise<void> {
    if (this.#state.kind === "online") {
      const { transport } = this.#state;
      const deadline = this.#options.clock.after(CLOSE_TIMEOUT, () => this.end(closed()));
      this.#enter({ kind: "closing", transport, deadline });
      const id = newMessageId("req_");
      const session_id = this.#session?.info.id;
      const goodbye = encode({ id, type: "session.close", session_id, payload: { reason } });
      this.#transmit(transport, [goodbye]);
    } else if (this.#state.kind !== "closing") {
      this.end(closed());
    }
    return this.over;
  }

  /** Takes the link down at once. Only the first call counts. */
  end(error: Error): void {
    const state = this.#state;
    if (state.kind === "closed") return;
    this.#enter({ kind: "closed", error });
    if (state.kind === "connecting") state.abort.abort(error);
    if (state.kind === "online" || state.kind === "closing") state.transport.close("normal");
    this.states.end();
    this.#user.ended(error);
    this.#online.reject(error);
    this.#over.resolve();
  }

  async #run(): Promise<void> {
    for (;;) {
      const error = await this.#attempt();
      if (this.#isClosing()) return this.end(closed());
      if (isFinal(error) || this.#session === undefined) return this.end(explain(error));
      if (this.#state.kind === "closed") return;
      const { state, over } = retrying(this.#options.clock, pauseBefore(this.#failures), error);
      this.#enter(state);
      await over;
      // Ended during the pause?
      if (this.#state !== state) return;
      this.#failures += 1;
      this.#enter(this.#connecting());
    }
  }

  /** One connection from dialling to its end. @returns how it ended */
  async #attempt(): Promise<Error> {
    const state = this.#state;
    if (state.kind !== "connecting") return closed();
    const { dial, introduction, clock } = this.#options;
    const opening = (): Promise<string> => openingFrame(introduction, this.#session);
    let opened: Opened;
    try {
      opened = await openConnection(dial, opening, clock, state.abort.signal);
    } catch (thrown) {
      return asError(thrown);
    }
    const { transport, frames, welcome } = opened;
    const session = welcomed(welcome, introduction.features, this.#session);
    // The link, or the attempt's time, may have ended in the same turn as the welcome came.
    if (state.abort.signal.aborted || session instanceof LocalError) {
      transport.close("normal");
      return session instanceof LocalError ? session : asError(state.abort.signal.reason);
    }
    this.#session = session;
    const position = session.position;
    const since = clock.monotonic();
    const heartbeat = this.#heartbeat(transport, session, welcome);
    this.#enter({ kind: "online", transport, heartbeat, acks: this.#acks(session) });
    this.#online.resolve(session);
    const unanswered = this.#user.unanswered();
    if (unanswered.length > 0) this.#transmit(transport, unanswered);
    const end = await this.#pump(session, transport, frames);
    transport.close(this.#isClosing() ? "normal" : "going-away");
    // A connection that got somewhere is not one more failure in a row.
    if (session.position > position || clock.monotonic() - since >= MAX_PAUSE) this.#failures = 0;
    return heartbeat?.loss ?? end;
  }

  async #pump(
    session: Session,
    transport: Transport,
    frames: AsyncIterator<string>,
  ): Promise<Error> {
    // An error that answers no request and is the connection's last word is the reason for its end (R-12-5).
    let lastWord: ArcpError | undefined;
    for (;;) {
      const frame = await nextFrame(frames);
      if (frame instanceof Error) return lastWord ?? frame;
      if (this.#state.kind === "closed") return this.#state.error;
      if (this.#state.kind === "online") this.#state.heartbeat?.heard();
      const decoded = decode(frame);
      lastWord = undefined;
      const header = decoded.kind === "ok" ? decoded.message : decoded.header;
      if (header?.event_seq !== undefined) {
        const place = session.take(header.event_seq);
        if (place === "gap") return new TransportClosedError();
        if (place === "seen") continue;
      }
      if (decoded.kind === "ok") {
        const { message } = decoded;
        if (message.type === "session.ping") {
          this.#transmit(transport, [pong(message, session.info.id, this.#options.clock)]);
          continue;
        }
        // Nothing follows a goodbye, whoever wanted it.
        if (message.type === "session.closed" || message.type === "session.bye") return closed();
        if (message.type === "session.error" && message.payload.request_id === undefined) {
          lastWord = ArcpError.fromPayload(message.payload);
        }
      }
      this.#user.received(decoded);
      if (header?.event_seq !== undefined && this.#state.kind === "online") {
        this.#state.acks?.handled(header.event_seq);
      }
    }
  }

  /** Where the session agreed on acks, sends them. */
  #acks({ info, position }: Session): Acknowledgement | undefined {
    if (!info.features.includes("ack")) return undefined;
    return new Acknowledgement(this.#options.clock, position, (last_processed_seq) => {
      const id = newMessageId("req_");
      const payload = { last_processed_seq };
      this.send(encode({ id, type: "session.ack", session_id: info.id, payload }));
    });
  }

  /** Looks after a connection as often as the runtime said, where both sides agreed to (section 6.4). */
  #heartbeat(
    transport: Transport,
    { info }: Session,
    { payload }: Envelope<"session.welcome">,
  ): Heartbeat | undefined {
    const seconds = payload.heartbeat_interval_sec;
    if (seconds === undefined || !info.features.includes("heartbeat")) return undefined;
    const { clock } = this.#options;
    return new Heartbeat({ transport, session: info.id, interval: seconds * 1000, clock });
  }

  /** A failure to send shows as the end of the connection's frames; what it carried is asked again on the next one. */
  #transmit(transport: Transport, frames: readonly string[]): void {
    if (this.#state.kind === "online") this.#state.heartbeat?.spoke();
    transport.send(frames).catch(() => {});
  }

  #isClosing(): boolean {
    return this.#state.kind === "closing";
  }

  #connecting(): LinkState {
    const { clock, handshakeTimeout } = this.#options;
    return connecting(clock, handshakeTimeout, () => {
      return new LocalError("REQUEST_TIMEOUT", `no welcome within ${handshakeTimeout} ms`);
    });
  }

  #enter(state: LinkState): void {
    const before = this.#state;
    this.#state = state;
    leave(before);
    this.states.set(publicState(state));
  }
}

function closed(): LocalError {
  return new LocalError("CLOSED", "the client was closed");
}

/** @returns the next frame, or how the connection ended */
async function nextFrame(frames: AsyncIterator<string>): Promise<string | Error> {
  try {
    const { value, done } = await frames.next();
    return done ? new TransportClosedError("normal") : value;
  } catch (thrown) {
    return asError(thrown);
  }
}
