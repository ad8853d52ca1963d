import type { JobId, MessageId, SessionId } from "@arcp/core";
import type {
  AttachmentRow,
  CommitOutcome,
  Cut,
  Run,
  SessionChange,
  SessionRow,
  SessionStore,
} from "./session-store.ts";

/** The number of refused submits remembered per session (R-5.4-8). */
const MAX_REFUSALS = 1000;

type Refusal = NonNullable<SessionChange["refused"]>;

interface StoredSession {
  row: SessionRow;
  /** Allocated with the first entry, like the refusals: there are many sessions that only wait. */
  attachments?: Map<JobId, AttachmentRow>;
  refused?: Map<MessageId, string>;
}

/** Sessions and their journals, in memory. */
export class MemorySessions implements SessionStore {
  readonly #sessions = new Map<SessionId, StoredSession>();
  readonly #byToken = new Map<string, SessionId>();
  readonly #runs = new Map<SessionId, Run[]>();

  async insert(row: SessionRow): Promise<void> {
    this.#sessions.set(row.id, { row });
    for (const token of row.tokens) this.#byToken.set(token, row.id);
  }

  async findByToken(hash: string): Promise<SessionId | undefined> {
    return this.#byToken.get(hash);
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
    const { issued, acked } = change;
    if (acked !== undefined) stored.row = { ...stored.row, acked };
    if (issued !== undefined) stored.row = { ...stored.row, issued };
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
