import type { Message } from "../raw-socket.ts";
import { Breach } from "./breach.ts";
import type { SentFrame } from "./sent-frame.ts";

/** What may answer a request, by its type; each may be refused instead. */
const REPLIES: ReadonlyMap<string, string> = new Map([
  ["session.jobs", "session.list_jobs"],
  ["session.closed", "session.close"],
  ["job.accepted", "job.submit"],
  ["job.cancelled", "job.cancel"],
  ["job.subscribed", "job.subscribe"],
]);

/** The frames of one connection, and how often each was answered. */
export class Answers {
  readonly #frames: SentFrame[] = [];
  readonly #byId = new Map<string, SentFrame[]>();
  /** By the id of the request; pongs apart, which have none. */
  readonly #counts = new Map<string, number>();
  readonly #pinged = new Map<unknown, SentFrame[]>();
  /** Errors that name no request. */
  #anonymous = 0;
  /** Acceptances that came once more behind the welcome of a resumed session (R-6.3-8). */
  readonly #repeated = new Set<string>();
  /** Those of other connections that may have had the same session. */
  readonly #kin: () => readonly Answers[];
  /** Requests that were answered. */
  answered = 0;

  constructor(kin: () => readonly Answers[]) {
    this.#kin = kin;
  }

  sent(frame: SentFrame): void {
    this.#frames.push(frame);
    if (frame.id === undefined) return;
    push(this.#byId, frame.id, frame);
    if (frame.type === "session.ping") push(this.#pinged, frame.payload["nonce"], frame);
  }

  get hasFarewell(): boolean {
    return this.#frames.some(({ type }) => type === "session.bye" || type === "session.close");
  }

  welcomed(request: SentFrame): void {
    this.#count(request.id);
  }

  /** Whether it may have been given a job to follow without having been told. */
  get isVague(): boolean {
    return this.#frames.some(({ id, type }) => {
      const attaches = type === "job.subscribe" || type === "job.submit";
      return attaches && id !== undefined && this.#isDue(id);
    });
  }

  /**
   * @returns whether it was an acceptance that is repeated
   * @throws Breach for an answer that nobody waits for
   */
  received({ type, payload }: Message): boolean {
    if (type === "session.ping") return false;
    if (type === "session.pong") return this.#ponged(payload.ping_nonce);
    const { request_id: id } = payload;
    if (id === undefined) return this.#unnamed(type, payload);
    const request = REPLIES.get(type);
    if (request === undefined && type !== "session.error") {
      throw new Breach("R-5.3-3", `an answer of type ${type}`);
    }
    if (this.#take(id, request)) return false;
    const kin = this.#kin();
    const all = [this, ...kin];
    const isRepeated = !this.#repeated.has(id) && all.some((one) => one.#made(id, request));
    if (type === "job.accepted" && isRepeated) {
      this.#repeated.add(id);
      return true;
    }
    // What was under way when the connection was lost is answered on the next one.
    if (kin.some((other) => other.#take(id, request))) return false;
    // Not of the request: the subscription has fallen behind (R-6.3-17).
    const lagging = type === "session.error" && payload.code === "RESUME_WINDOW_EXPIRED";
    if (lagging && all.some((one) => one.#made(id, "job.subscribe"))) return false;
    throw new Breach(
      "R-5.4-2",
      `${type} for the request ${id}, which was not made, or is answered`,
    );
  }

  /**
   * @param session undefined when the connection had several
   * @returns what is not answered, in words
   */
  missing(session: string | undefined): string | undefined {
    const least = new Map<string, number>();
    let unreadable = 0;
    for (const frame of this.#frames) {
      const due = frame.due(session);
      if (due.id === undefined) {
        unreadable += due.least;
        continue;
      }
      if (due.parting && (this.#counts.get(due.id) ?? 0) === 0) return `an end after ${frame.text}`;
      least.set(due.id, (least.get(due.id) ?? 0) + due.least);
    }
    for (const [id, times] of least) {
      const had = this.#counts.get(id) ?? 0;
      if (had < times) return `${times} answers to ${id}, of which ${had} came`;
    }
    if (this.#anonymous < unreadable) {
      return `${unreadable} refusals of what cannot be read, of which ${this.#anonymous} came`;
    }
    return undefined;
  }

  #made(id: string, type: string | undefined): boolean {
    return (this.#byId.get(id) ?? []).some((frame) => type === undefined || frame.type === type);
  }

  /** @returns whether that many answers are due */
  #take(id: string, type: string | undefined): boolean {
    if (!this.#made(id, type) || !this.#isDue(id)) return false;
    this.#count(id);
    return true;
  }

  #isDue(id: string): boolean {
    return (this.#counts.get(id) ?? 0) < (this.#byId.get(id)?.length ?? 0);
  }

  #ponged(nonce: unknown): false {
    const pings = this.#pinged.get(nonce) ?? [];
    // One that was refused gets no pong.
    const due = pings.findIndex(({ id }) => id !== undefined && this.#isDue(id));
    const [ping] = due < 0 ? [] : pings.splice(due, 1);
    if (ping === undefined) throw new Breach("R-6.4-2", `a pong for ${nonce}, which was no ping`);
    this.#count(ping.id);
    return false;
  }

  #unnamed(type: string, payload: Message): false {
    if (type === "job.accepted" && payload.parent_job_id !== undefined) return false;
    if (type === "session.closed") return false;
    if (type !== "session.error") throw new Breach("R-5.4-1", `${type} names no request`);
    this.#anonymous += 1;
    return false;
  }

  #count(id: string | undefined): void {
    this.answered += 1;
    if (id !== undefined) this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
  }
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
