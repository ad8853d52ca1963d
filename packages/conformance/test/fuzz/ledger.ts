import type { Answers } from "./answers.ts";
import { Breach } from "./breach.ts";
import { JobRecord } from "./job-record.ts";
import { SessionRecord } from "./session-record.ts";

/** What looks like an id or a secret of somebody. */
const TELLTALE = /\b(?:job_|sess_|rt_)?[0-9A-Za-z]{26,64}\b|\b[a-z]+-key-\d/g;

/** One connection, and the session that it has. */
export interface Watched {
  readonly session: SessionRecord | undefined;
  /** Whose token it presented; undefined when it is nobody's. */
  readonly principal: string | undefined;
  readonly answers: Answers;
  /** Whether its client has sent this text. */
  hasSaid(text: string): boolean;
}

/** What is known of a program's sessions, jobs and secrets, whoever saw them. */
export class Ledger {
  readonly sessions = new Map<string, SessionRecord>();
  readonly conversations: Watched[] = [];
  readonly jobs = new Map<string, JobRecord>();
  /** Whose an id or a secret is. */
  readonly #owners = new Map<string, string>();
  /** In the order in which they were heard of. */
  readonly #jobsOf = new Map<string, string[]>();
  /** What each principal was shown. */
  readonly #shown: Array<{ principal: string; telltale: string; text: string }> = [];

  session(id: string, principal: string): SessionRecord {
    const session = this.sessions.get(id) ?? new SessionRecord(id, principal);
    if (session.principal !== principal) {
      throw new Breach("R-6.3-4", `${principal} got ${id}, a session of ${session.principal}`);
    }
    this.sessions.set(id, session);
    this.own(id, principal);
    return session;
  }

  job(id: string, principal: string): JobRecord {
    const job = this.jobs.get(id) ?? new JobRecord(id);
    if (!this.jobs.has(id)) {
      this.jobs.set(id, job);
      this.#jobsOf.set(principal, [...this.jobsOf(principal), id]);
      this.own(id, principal);
    }
    return job;
  }

  jobsOf(principal: string): readonly string[] {
    return this.#jobsOf.get(principal) ?? [];
  }

  sessionsOf(principal: string): readonly SessionRecord[] {
    return [...this.sessions.values()].filter((session) => session.principal === principal);
  }

  own(telltale: string, principal: string): void {
    if (!this.#owners.has(telltale)) this.#owners.set(telltale, principal);
  }

  ownerOf(telltale: string): string | undefined {
    return this.#owners.get(telltale) ?? /^([a-z]+)-key-/.exec(telltale)?.[1];
  }

  /** @param said by this client itself, so that it may be told again */
  show(principal: string, text: string, said: (telltale: string) => boolean): void {
    for (const [telltale] of text.matchAll(TELLTALE)) {
      if (!said(telltale)) this.#shown.push({ principal, telltale, text });
    }
  }

  /** Insists that nobody was shown what is another's: whose it is may have come out later. */
  judge(): void {
    for (const { principal, telltale, text } of this.#shown) {
      const owner = this.ownerOf(telltale);
      if (owner !== undefined && owner !== principal) {
        throw new Breach("R-6.6-2", `${principal} was shown ${telltale} of ${owner} in ${text}`);
      }
    }
  }
}
