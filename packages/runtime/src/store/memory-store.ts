import { type JobId, LocalError, type MessageId, type SessionId } from "@arcp/core";
import { AcceptanceOrder, comparePlaces, type Place } from "./acceptance-order.ts";
import type { CredentialRow, CredentialStore } from "./credential-store.ts";
import type { IdempotencyRecord, IdempotencyStore } from "./idempotency-store.ts";
import type { JobChange, JobIndex, JobQuery, JobRow, ListedJob } from "./job-index.ts";
import type { LogLimits } from "./memory-log.ts";
import { type LoggedJobs, MemoryLogs } from "./memory-logs.ts";
import type {
  AttachmentRow,
  CommitOutcome,
  Cut,
  Run,
  SessionChange,
  SessionRow,
  SessionStore,
} from "./session-store.ts";
import type { Store } from "./store.ts";

/** What a store in memory keeps at most. */
export interface MemoryStoreOptions {
  /** What is kept of one job's log; beyond it the oldest records go. */
  readonly logLimits?: Partial<LogLimits>;
  /**
   * Characters of text kept of all logs together, chunks of results included. Beyond it the largest log of the principal
   * that holds most loses its oldest records. The newest record of a log stays, and whoever holds no more than an equal
   * share loses nothing (R-14-2): so it may be exceeded by one record per kept job. Default 1 Gi.
   */
  readonly totalLogCharacters?: number;
}

const DEFAULT_LOG_LIMITS: LogLimits = { records: 250_000, characters: 256 * 1024 * 1024 };
const DEFAULT_TOTAL = 1024 * 1024 * 1024;

/**
 * A store in memory: durable means written, and everything ends with the process.
 *
 * @throws LocalError `MISUSE` with a limit that is not a positive number
 */
export function memoryStore({
  logLimits,
  totalLogCharacters = DEFAULT_TOTAL,
}: MemoryStoreOptions = {}): Store {
  const jobs = new MemoryJobs();
  const limits = { ...DEFAULT_LOG_LIMITS, ...logLimits };
  for (const [name, limit] of Object.entries({ ...limits, totalLogCharacters })) {
    if (!(limit > 0)) throw new LocalError("MISUSE", `${name} must be a number above zero`);
  }
  return {
    logs: new MemoryLogs(limits, totalLogCharacters, jobs),
    jobs,
    sessions: new MemorySessions(),
    idempotency: new MemoryIdempotency(),
    credentials: new MemoryCredentials(),
    durable: false,
    close: async () => {},
  };
}

class MemoryJobs implements JobIndex, LoggedJobs {
  readonly #rows = new Map<JobId, JobRow>();
  readonly #all = new AcceptanceOrder();
  /** What a principal lists: its own, however many there are of others. */
  readonly #byPrincipal = new Map<string, AcceptanceOrder>();
  /** The ids by session: a session that goes asks for its own jobs, however many others there are. */
  readonly #bySession = new Map<SessionId, Set<JobId>>();

  async insert(row: JobRow): Promise<void> {
    this.#put(row);
  }

  async update(id: JobId, change: JobChange): Promise<void> {
    this.change(id, change);
  }

  async get(id: JobId): Promise<JobRow | undefined> {
    return this.#rows.get(id);
  }

  async list(query: JobQuery): Promise<readonly ListedJob[]> {
    const listed: ListedJob[] = [];
    for (const { id } of this.#candidates(query)) {
      if (listed.length >= query.limit) break;
      const row = this.#rows.get(id);
      if (row === undefined || !fitsQuery(row, query)) continue;
      const { input: _, checkpoint: __, ...kept } = row;
      listed.push(kept);
    }
    return listed;
  }

  async remove(id: JobId): Promise<void> {
    this.#drop(id);
  }

  change(id: JobId, change: JobChange): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    // Nearly all of them leave its places in all orders as they are.
    if (change.session === undefined && change.submittedIn === undefined) {
      this.#rows.set(id, { ...row, ...change });
    } else this.#put({ ...row, ...change });
  }

  principalOf(id: JobId): string | undefined {
    return this.#rows.get(id)?.principal;
  }

  /** In the order in which they were accepted. */
  #candidates({ principal, session, submittedIn = session, after }: JobQuery): Iterable<Place> {
    if (submittedIn !== undefined) {
      const ids = [...(this.#bySession.get(submittedIn) ?? [])];
      return ids.flatMap((id) => this.#rows.get(id) ?? []).sort(comparePlaces);
    }
    const order = principal === undefined ? this.#all : this.#byPrincipal.get(principal);
    return order?.from(after) ?? [];
  }

  #put(row: JobRow): void {
    const { id, session, submittedIn = session, principal, acceptedAt } = row;
    this.#drop(id);
    const place = { id, acceptedAt };
    const own = this.#byPrincipal.get(principal) ?? new AcceptanceOrder();
    this.#byPrincipal.set(principal, own);
    for (const order of [this.#all, own]) order.add(place);
    this.#rows.set(id, row);
    this.#file(session, id);
    if (submittedIn !== session) this.#file(submittedIn, id);
  }

  #file(session: SessionId, id: JobId): void {
    const siblings = this.#bySession.get(session) ?? new Set();
    this.#bySession.set(session, siblings.add(id));
  }

  #drop(id: JobId): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.delete(id);
    this.#all.remove(row);
    const own = this.#byPrincipal.get(row.principal);
    own?.remove(row);
    if (own?.isEmpty) this.#byPrincipal.delete(row.principal);
    for (const key of [row.session, row.submittedIn ?? row.session]) {
      const siblings = this.#bySession.get(key);
      siblings?.delete(id);
      if (siblings?.size === 0) this.#bySession.delete(key);
    }
  }
}

function fitsQuery(row: JobRow, query: JobQuery): boolean {
  const { acceptedAfter = -Infinity, acceptedBefore = Infinity } = query;
  return (
    (query.principal === undefined || row.principal === query.principal) &&
    (query.session === undefined || row.session === query.session) &&
    (query.submittedIn === undefined || row.submittedIn === query.submittedIn) &&
    (query.request === undefined || row.request === query.request) &&
    (query.statuses === undefined || query.statuses.includes(row.status)) &&
    (query.agent === undefined ||
      row.agent === query.agent ||
      row.agent.startsWith(`${query.agent}@`)) &&
    row.acceptedAt > acceptedAfter &&
    row.acceptedAt < acceptedBefore &&
    (query.after === undefined || comparePlaces(row, query.after) > 0)
  );
}

class MemoryIdempotency implements IdempotencyStore {
  readonly #records = new Map<string, IdempotencyRecord>();
  readonly #byJob = new Map<JobId, readonly string[]>();

  async get(principal: string, key: string): Promise<IdempotencyRecord | undefined> {
    return this.#records.get(pair(principal, key));
  }

  async put(record: IdempotencyRecord): Promise<void> {
    const name = pair(record.principal, record.key);
    const replaced = this.#records.get(name);
    if (replaced !== undefined) this.#forget(replaced.job, name);
    this.#records.set(name, record);
    this.#byJob.set(record.job, [...(this.#byJob.get(record.job) ?? []), name]);
  }

  async removeJob(job: JobId): Promise<void> {
    for (const name of this.#byJob.get(job) ?? []) this.#records.delete(name);
    this.#byJob.delete(job);
  }

  #forget(job: JobId, name: string): void {
    const names = (this.#byJob.get(job) ?? []).filter((other) => other !== name);
    if (names.length > 0) this.#byJob.set(job, names);
    else this.#byJob.delete(job);
  }
}

class MemoryCredentials implements CredentialStore {
  readonly #rows = new Map<string, CredentialRow>();

  async insert(row: CredentialRow): Promise<void> {
    this.#rows.set(row.alias, row);
  }

  async list(): Promise<readonly CredentialRow[]> {
    return [...this.#rows.values()].sort((a, b) => (a.alias < b.alias ? -1 : 1));
  }

  async remove(alias: string): Promise<void> {
    this.#rows.delete(alias);
  }
}

/** No pair of strings looks like another one (R-7.2-1). */
function pair(principal: string, key: string): string {
  return JSON.stringify([principal, key]);
}

/** Refused submits that are remembered of one session (R-5.4-8). */
const MAX_REFUSALS = 1000;

type Refusal = NonNullable<SessionChange["refused"]>;

interface StoredSession {
  row: SessionRow;
  /** Made with the first entry, like the refusals: sessions that only wait are many. */
  attachments?: Map<JobId, AttachmentRow>;
  refused?: Map<MessageId, string>;
}

class MemorySessions implements SessionStore {
  readonly #sessions = new Map<SessionId, StoredSession>();
  readonly #byToken = new Map<string, SessionId>();
  readonly #runs = new Map<SessionId, Run[]>();

  async insert(row: SessionRow): Promise<void> {
    this.#sessions.set(row.id, { row });
    for (const token of row.tokens) this.#byToken.set(token, row.id);
  }

  async findByToken(hash: string): Promise<SessionRow | undefined> {
    const id = this.#byToken.get(hash);
    return id === undefined ? undefined : this.#sessions.get(id)?.row;
  }

  async get(id: SessionId): Promise<SessionRow | undefined> {
    return this.#sessions.get(id)?.row;
  }

  async list(): Promise<readonly SessionId[]> {
    return [...this.#sessions.keys()];
  }

  async attachments(id: SessionId): Promise<readonly AttachmentRow[]> {
    return [...(this.#sessions.get(id)?.attachments?.values() ?? [])];
  }

  async refusal(id: SessionId, request: MessageId): Promise<string | undefined> {
    return this.#sessions.get(id)?.refused?.get(request);
  }

  async claim(id: SessionId, epoch: number, tokens: readonly string[]): Promise<CommitOutcome> {
    const stored = this.#sessions.get(id);
    if (stored?.row.epoch !== epoch) return "fenced";
    this.#setTokens(stored, tokens);
    stored.row = { ...stored.row, epoch: epoch + 1, issued: undefined };
    return "committed";
  }

  async commit(id: SessionId, epoch: number, change: SessionChange): Promise<CommitOutcome> {
    const stored = this.#sessions.get(id);
    if (stored?.row.epoch !== epoch) return "fenced";
    if (change.runs?.[0] !== undefined) {
      const { from } = change.runs[0];
      const runs = this.#runs.get(id) ?? [];
      while ((runs.at(-1)?.from ?? 0) >= from) runs.pop();
      runs.push(...change.runs);
      this.#runs.set(id, runs);
    }
    if (change.cut !== undefined) this.#cut(id, change.cut);
    for (const row of change.attach ?? []) {
      stored.attachments ??= new Map();
      stored.attachments.delete(row.job);
      stored.attachments.set(row.job, row);
    }
    for (const job of change.detach ?? []) stored.attachments?.delete(job);
    if (change.tokens !== undefined) this.#setTokens(stored, change.tokens);
    if (change.refused !== undefined) this.#refuse(stored, change.refused);
    const { issued, acked = stored.row.acked } = change;
    stored.row = {
      ...stored.row,
      acked,
      issued: issued === undefined ? stored.row.issued : (issued ?? undefined),
    };
    return "committed";
  }

  async runs(id: SessionId): Promise<readonly Run[]> {
    return [...(this.#runs.get(id) ?? [])];
  }

  async forget(id: SessionId): Promise<void> {
    const stored = this.#sessions.get(id);
    if (stored === undefined) return;
    this.#setTokens(stored, []);
    this.#sessions.delete(id);
  }

  async removeRuns(id: SessionId): Promise<void> {
    if (!this.#sessions.has(id)) this.#runs.delete(id);
  }

  #cut(id: SessionId, cuts: readonly Cut[]): void {
    const kept: Run[] = [];
    let next = 0;
    const end = (before: number): void => {
      for (let cut = cuts[next]; cut !== undefined; cut = cuts[++next]) {
        if (Math.max(cut.to, cut.from - 1) >= before) return;
        const last = kept.pop();
        if (last !== undefined)
          kept.push({ ...last, to: Math.min(last.to ?? Infinity, cut.from - 1) });
      }
    };
    for (const run of this.#runs.get(id) ?? []) {
      end(run.from);
      if (run.from < (cuts[next]?.from ?? Infinity)) kept.push(run);
    }
    end(Infinity);
    this.#runs.set(id, kept);
  }

  #refuse(stored: StoredSession, { request, reply }: Refusal): void {
    stored.refused ??= new Map();
    const { refused } = stored;
    refused.delete(request);
    refused.set(request, reply);
    const [oldest] = refused.keys();
    if (refused.size > MAX_REFUSALS && oldest !== undefined) refused.delete(oldest);
  }

  #setTokens(stored: StoredSession, tokens: readonly string[]): void {
    for (const token of stored.row.tokens) this.#byToken.delete(token);
    for (const token of tokens) this.#byToken.set(token, stored.row.id);
    stored.row = { ...stored.row, tokens };
  }
}
