import assert from "node:assert/strict";
import type { Random } from "../chaos/random.ts";
import { Account } from "./account.ts";
import type { Frame } from "./frame.ts";
import type { House, principals } from "./house.ts";
import type { Story } from "./story.ts";
import { Visit } from "./visit.ts";

interface Payload {
  readonly job_id?: string;
  readonly idempotency_key?: string;
  readonly [other: string]: unknown;
}

/** A request without its answer. */
interface Asked {
  readonly type: string;
  readonly payload: Payload;
}

interface GuestOptions {
  readonly name: string;
  readonly token: keyof typeof principals;
  readonly features: readonly string[];
  /** Whether logs forget their beginnings. */
  readonly trims: boolean;
}

/** One session of one client, which drops, comes back, and repeats what was not answered. */
export class Guest {
  readonly name: string;
  readonly account: Account;
  /** Nothing more is expected of its session, which may be over. */
  isGone = false;
  session: string | undefined;
  readonly acks: boolean;
  /** Ids of requests that were answered by an error. */
  readonly refused = new Set<string>();
  readonly #house: House;
  readonly #story: Story;
  readonly #auth: object;
  readonly #features: readonly string[];
  readonly #tokens: string[] = [];
  readonly #waiting = new Map<string, Asked>();
  /** What it acknowledged at most: it can be resumed behind nothing that is lower. */
  #lowest = 0;
  /** What it came with when it got no answer: nobody but the runtime knows whether there is a newer one. */
  #unanswered: string | undefined;
  /** Whether anything was said on the connection that brought the newest token. */
  #hasSpoken = false;
  #visit: Visit | undefined;
  /** Frames of the visit that were looked at. */
  #noted = 0;

  constructor(house: House, story: Story, { name, token, features, trims }: GuestOptions) {
    this.name = name;
    this.#house = house;
    this.#story = story;
    this.#auth = { scheme: "bearer", token };
    this.#features = features;
    this.acks = features.includes("ack");
    this.account = new Account(features, house.chronicle, trims);
  }

  get isConnected(): boolean {
    return this.#visit !== undefined && !this.#visit.isOver;
  }

  get waiting(): readonly string[] {
    return [...this.#waiting.keys()];
  }

  async open(): Promise<void> {
    const visit = new Visit(this.#house.runtime);
    this.#visit = visit;
    visit.send("session.hello", {
      auth: this.#auth,
      capabilities: { features: this.#features },
    });
    await this.#house.until(() => visit.opening !== undefined || visit.isOver, 400);
    const { opening } = visit;
    if (opening?.type !== "session.welcome") {
      this.#story.tell(`${this.name} is not let in: ${JSON.stringify(opening?.payload)}`);
      this.isGone = true;
      return;
    }
    this.session = opening.session_id;
    this.#tokens.push(opening.payload.resume_token);
  }

  /**
   * Comes back, also while it is there.
   * @param mustWork whether nothing can stand in the way of that
   */
  async resume(random: Random, mustWork: boolean): Promise<void> {
    if (this.session === undefined) return;
    this.note();
    const token = this.#token(random);
    const { last } = this.account;
    const goesBack = !this.acks && random.chance(0.25);
    const after = goesBack ? Math.max(this.#lowest, last - random.integer(0, 4)) : last;
    const visit = new Visit(this.#house.runtime);
    visit.send("session.resume", {
      auth: this.#auth,
      resume_token: token,
      last_event_seq: after,
    });
    await this.#house.until(() => visit.opening !== undefined || visit.isOver, 600);
    // What came on the connection before came before the takeover.
    this.note();
    const { opening } = visit;
    const outcome = opening?.payload.code ?? opening?.type;
    this.#story.tell(`${this.name} resumes behind ${after}: ${outcome}`);
    this.#visit = undefined;
    this.#unanswered = opening === undefined ? token : undefined;
    if (opening?.type !== "session.welcome") {
      visit.sever();
      if (opening?.payload.code !== "RESUME_WINDOW_EXPIRED") return;
      assert.ok(!mustWork || after < last, `a resume behind ${after} was refused`);
      this.isGone = true;
      return;
    }
    assert.equal(opening.session_id, this.session);
    this.#visit = visit;
    this.#noted = 0;
    const { lastEventSeq = after } = this.#house.runtime.sessions.get(this.session) ?? {};
    this.account.begin(after, lastEventSeq);
    this.#tokens.push(opening.payload.resume_token);
    this.#hasSpoken = false;
    this.#repeat(visit);
  }

  request(type: string, payload: Payload): void {
    if (this.#visit === undefined) return;
    this.#follows(type, payload);
    const { job_id } = payload;
    const id = this.#visit.send(type, payload, job_id === undefined ? {} : { job_id });
    this.#hasSpoken = true;
    const isSilent = type === "job.unsubscribe" || type === "session.ack";
    if (!isSilent) this.#waiting.set(id, { type, payload });
    this.#story.tell(`${this.name} sends ${type} ${JSON.stringify(payload)}, ${id}`);
  }

  acknowledge(seq: number): void {
    this.#lowest = Math.max(this.#lowest, Math.min(seq, this.account.last));
    this.request("session.ack", { last_processed_seq: seq });
  }

  sever(): void {
    this.#visit?.sever();
  }

  /** Forgets its connection, whatever became of it. */
  leave(): void {
    this.note();
    this.#visit = undefined;
  }

  /** Looks at what came, in order. */
  note(): void {
    for (const frame of this.#visit?.frames.slice(this.#noted) ?? []) {
      this.#noted += 1;
      this.#take(frame);
    }
  }

  /** The one before is good as long as nothing was said on the connection that brought the newest. */
  #token(random: Random): string | undefined {
    if (this.#unanswered !== undefined) return this.#unanswered;
    const isNewest = this.#hasSpoken || this.#tokens.length < 2 || random.chance(0.6);
    return this.#tokens.at(isNewest ? -1 : -2);
  }

  #take(frame: Frame): void {
    const { type, event_seq = "", job_id = "", job_seq = "", payload } = frame;
    this.#story.tell(
      `    ${this.name} gets ${type} ${event_seq} ${job_id} ${job_seq} ${JSON.stringify(payload)}`,
    );
    this.#answered(frame);
    try {
      this.account.take(frame, this.#waiting.size > 0);
    } catch (error) {
      throw new Error(`${this.name}: ${(error as Error).message}`, { cause: error });
    }
  }

  #answered({ type, payload }: Frame): void {
    const { request_id } = payload ?? {};
    const asked = this.#waiting.get(request_id);
    this.#waiting.delete(request_id);
    if (asked === undefined || type !== "session.error") return;
    this.refused.add(request_id);
    const { job_id } = asked.payload;
    if (asked.type === "job.subscribe" && job_id !== undefined) this.account.refused(job_id);
  }

  /** What lets it follow jobs is repeated under its id when it has no answer; what else was asked for is not. */
  #repeat(visit: Visit): void {
    for (const [id, { type, payload }] of this.#waiting) {
      if (!this.#follows(type, payload)) this.#waiting.delete(id);
      else {
        const { job_id } = payload;
        visit.send(type, payload, { id, ...(job_id !== undefined && { job_id }) });
        this.#hasSpoken = true;
      }
    }
  }

  /** @returns whether the request may let it follow jobs, of which it takes note */
  #follows(type: string, { job_id, idempotency_key }: Payload): boolean {
    if (type === "job.subscribe" && job_id !== undefined) this.account.asksFor(job_id);
    else if (type !== "job.submit") return false;
    if (idempotency_key !== undefined) this.account.mayComeAgain();
    return true;
  }
}
