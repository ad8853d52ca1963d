import { ArcpError, type SessionId } from "@arcp/core";
import type { Session } from "./session.ts";

export interface SessionLimits {
  /** Sessions that one principal may have connected at a time. */
  readonly connectedSessionsPerPrincipal: number;
  /** Sessions that one principal may have, connected or not. */
  readonly sessionsPerPrincipal: number;
}

interface Holding {
  /** Never parked sessions in the order in which they were opened, then parked ones, longest first. */
  readonly sessions: Map<SessionId, Session>;
  readonly connected: Set<SessionId>;
  /** Sessions that handshakes are about to connect, with the number of handshakes. They count as connected. */
  readonly arriving: Map<SessionId, number>;
}

/** Counts the sessions of each principal and enforces the limits (R-14-1). */
export class SessionQuota {
  readonly #limits: SessionLimits;
  readonly #holdings = new Map<string, Holding>();

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  add(session: Session): void {
    this.#holding(session.principal).sessions.set(session.id, session);
  }

  remove({ id, principal }: Session): void {
    const { sessions, connected } = this.#holding(principal);
    sessions.delete(id);
    connected.delete(id);
    this.#tidy(principal);
  }

  disconnected({ id, principal }: Session): void {
    this.#holdings.get(principal)?.connected.delete(id);
  }

  parked(session: Session): void {
    const { sessions } = this.#holding(session.principal);
    sessions.delete(session.id);
    sessions.set(session.id, session);
  }

  /**
   * Takes a slot among the connected sessions, for a new or a known session, until {@link arrived}.
   * @param forget gives up the first parked session that it may; returns whether there was one
   * @returns the error if there is no slot
   */
  arrive(
    principal: string,
    id: SessionId,
    forget: (parked: Iterable<Session>) => boolean = () => false,
  ): ArcpError | undefined {
    const { sessions, connected, arriving } = this.#holding(principal);
    const isNew = !arriving.has(id);
    if (
      isNew &&
      !connected.has(id) &&
      withArriving(connected, arriving) >= this.#limits.connectedSessionsPerPrincipal
    ) {
      return full("connected_sessions_per_principal", "this principal has too many sessions");
    }
    if (
      isNew &&
      !sessions.has(id) &&
      withArriving(sessions, arriving) >= this.#limits.sessionsPerPrincipal &&
      !forget(parkedOf(this.#holding(principal)))
    ) {
      return full("sessions_per_principal", "this principal has too many sessions with jobs");
    }
    // Giving up the last session may have dropped the principal's entry, so look it up again.
    this.#holding(principal).arriving.set(id, (arriving.get(id) ?? 0) + 1);
    return undefined;
  }

  /** The handshake is over. @param connected whether it has connected the session */
  arrived(principal: string, id: SessionId, connected: boolean): void {
    const { connected: present, arriving } = this.#holding(principal);
    if (connected) present.add(id);
    const others = (arriving.get(id) ?? 0) - 1;
    if (others > 0) arriving.set(id, others);
    else arriving.delete(id);
    this.#tidy(principal);
  }

  #holding(principal: string): Holding {
    const known = this.#holdings.get(principal);
    if (known !== undefined) return known;
    const holding: Holding = { sessions: new Map(), connected: new Set(), arriving: new Map() };
    this.#holdings.set(principal, holding);
    return holding;
  }

  #tidy(principal: string): void {
    const holding = this.#holdings.get(principal);
    if (holding?.sessions.size === 0 && holding.arriving.size === 0) {
      this.#holdings.delete(principal);
    }
  }
}

/** The sum of known and arriving sessions. Loops over the arriving ones because these are few, however many sessions there are. */
function withArriving(
  known: { readonly size: number; has(id: SessionId): boolean },
  arriving: ReadonlyMap<SessionId, number>,
): number {
  let count = known.size;
  for (const id of arriving.keys()) if (!known.has(id)) count += 1;
  return count;
}

function* parkedOf({ sessions, connected, arriving }: Holding): Generator<Session> {
  for (const session of sessions.values()) {
    if (!connected.has(session.id) && !arriving.has(session.id)) yield session;
  }
}

function full(reason: string, message: string): ArcpError {
  return new ArcpError("INTERNAL_ERROR", message, { retryable: true, details: { reason } });
}
