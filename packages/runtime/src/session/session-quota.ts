import { ArcpError, type SessionId } from "@arcp/core";
import type { Session } from "./session.ts";

export interface SessionLimits {
  /** Sessions that one principal may have connected at a time. */
  readonly connectedSessionsPerPrincipal: number;
  /** Sessions that one principal may have, connected or not. */
  readonly sessionsPerPrincipal: number;
}

interface Holding {
  /** Those that were never parked in the order in which they were opened, then parked ones, longest first. */
  readonly sessions: Map<SessionId, Session>;
  /** Those that a handshake is about to connect, and how many handshakes. They count as connected. */
  readonly arriving: Map<SessionId, number>;
}

/** How many sessions each principal has, and may have (R-14-1). */
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
    this.#holding(principal).sessions.delete(id);
    this.#tidy(principal);
  }

  parked(session: Session): void {
    const { sessions } = this.#holding(session.principal);
    sessions.delete(session.id);
    sessions.set(session.id, session);
  }

  /**
   * Takes a place among the connected for a session, new or known, until {@link arrived}.
   * @param forget gives up one of the parked sessions, the first of them that may go; says whether there was one
   * @returns why there is no place, if there is none
   */
  arrive(
    principal: string,
    id: SessionId,
    forget: (parked: Iterable<Session>) => boolean = () => false,
  ): ArcpError | undefined {
    const { sessions, arriving } = this.#holding(principal);
    const connected = new Set(arriving.keys());
    for (const session of sessions.values()) if (session.connected) connected.add(session.id);
    if (!connected.has(id) && connected.size >= this.#limits.connectedSessionsPerPrincipal) {
      return full("connected_sessions_per_principal", "this principal has too many sessions");
    }
    const all = new Set([...sessions.keys(), ...arriving.keys()]);
    if (!all.has(id) && all.size >= this.#limits.sessionsPerPrincipal) {
      const parked = [...sessions.values()].filter((session) => !connected.has(session.id));
      if (!forget(parked)) {
        return full("sessions_per_principal", "this principal has too many sessions with jobs");
      }
    }
    arriving.set(id, (arriving.get(id) ?? 0) + 1);
    return undefined;
  }

  /** The handshake is over, however it went. */
  arrived(principal: string, id: SessionId): void {
    const { arriving } = this.#holding(principal);
    const others = (arriving.get(id) ?? 0) - 1;
    if (others > 0) arriving.set(id, others);
    else arriving.delete(id);
    this.#tidy(principal);
  }

  #holding(principal: string): Holding {
    const known = this.#holdings.get(principal);
    if (known !== undefined) return known;
    const holding: Holding = { sessions: new Map(), arriving: new Map() };
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

function full(reason: string, message: string): ArcpError {
  return new ArcpError("INTERNAL_ERROR", message, { retryable: true, details: { reason } });
}
