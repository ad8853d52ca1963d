import type { JobId } from "@arcp/core";
import type {
  AppendOutcome,
  LogBatch,
  LogPage,
  LogRecord,
  LogStore,
  PageLimits,
  RecordKind,
} from "@arcp/runtime/store";
import { Bells } from "./bells.ts";
import { countLimit } from "./column.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { LogLimits } from "./log-limits.ts";
import type { Reclaimer } from "./reclaimer.ts";

/** As they are stored, by position: new kinds go to the end. */
const KINDS: readonly RecordKind[] = [
  "event",
  "progress",
  "result_chunk",
  "budget",
  "credential_rotated",
  "terminal",
];

/** A row of `logs`; `records` and `characters` are what counts for the limits. */
interface LogState {
  readonly key: number;
  floor: number;
  head: number;
  records: number;
  characters: number;
}

/** The logs of all jobs, a row per record. */
export class RecordLog implements LogStore {
  readonly #connection: Connection;
  readonly #group: GroupCommit;
  readonly #reclaimer: Reclaimer;
  readonly #limits: LogLimits;
  readonly #bells = new Bells();

  constructor(connection: Connection, group: GroupCommit, reclaimer: Reclaimer, limits: LogLimits) {
    this.#connection = connection;
    this.#group = group;
    this.#reclaimer = reclaimer;
    this.#limits = limits;
  }

  append(batches: readonly LogBatch[]): Promise<readonly AppendOutcome[]> {
    return this.#group.write(
      () => batches.map((batch) => this.#append(batch)),
      (outcomes) => {
        for (const [index, { job, records }] of batches.entries()) {
          if (outcomes[index] === "appended" && records.length > 0) this.#bells.ring(job);
        }
      },
    );
  }

  async read(job: JobId, after: number, limits: PageLimits): Promise<LogPage> {
    const log = this.#connection.get("SELECT key, floor, head FROM logs WHERE job = ?", job);
    if (log === undefined) return { floor: 0, head: 0, records: [] };
    const records: LogRecord[] = [];
    let characters = 0;
    for (const { kind, text } of this.#connection.each(
      "SELECT kind, text FROM records WHERE log = ? AND seq > ? ORDER BY seq LIMIT ?",
      Number(log["key"]),
      after,
      countLimit(limits.records),
    )) {
      const record = { kind: KINDS[Number(kind)] ?? "event", text: String(text) };
      characters += record.text.length;
      if (records.length > 0 && characters > limits.characters) break;
      records.push(record);
    }
    return { floor: Number(log["floor"]), head: Number(log["head"]), records };
  }

  listen(job: JobId, ring: () => void): () => void {
    return this.#bells.hang(job, ring);
  }

  async remove(job: JobId): Promise<void> {
    await this.#group.write(() =>
      this.#connection.run("UPDATE logs SET job = NULL WHERE job = ?", job),
    );
    this.#reclaimer.start();
  }

  #append({ job, after, records }: LogBatch): AppendOutcome {
    const known = this.#state(job);
    if ((known?.head ?? 0) !== after) return "fenced";
    if (records.length === 0) return "appended";
    const log = known ?? this.#begin(job);
    for (const { kind, text } of records) {
      log.head += 1;
      this.#count(log, kind, text, 1);
      this.#connection.run(
        "INSERT INTO records (log, seq, kind, text) VALUES (?, ?, ?, ?)",
        log.key,
        log.head,
        KINDS.indexOf(kind),
        text,
      );
    }
    this.#evict(log);
    this.#connection.run(
      "UPDATE logs SET floor = ?, head = ?, records = ?, characters = ? WHERE key = ?",
      log.floor,
      log.head,
      log.records,
      log.characters,
      log.key,
    );
    return "appended";
  }

  #state(job: JobId): LogState | undefined {
    const row = this.#connection.get(
      "SELECT key, floor, head, records, characters FROM logs WHERE job = ?",
      job,
    );
    if (row === undefined) return undefined;
    return {
      key: Number(row["key"]),
      floor: Number(row["floor"]),
      head: Number(row["head"]),
      records: Number(row["records"]),
      characters: Number(row["characters"]),
    };
  }

  #begin(job: JobId): LogState {
    const row = this.#connection.get(
      "INSERT INTO logs (job, floor, head, records, characters) VALUES (?, 0, 0, 0, 0) RETURNING key",
      job,
    );
    return { key: Number(row?.["key"]), floor: 0, head: 0, records: 0, characters: 0 };
  }

  /** Removes the oldest records until the log is within its limits; the newest one stays whatever its size. */
  #evict(log: LogState): void {
    const { records, characters } = this.#limits;
    while ((log.records > records || log.characters > characters) && log.head - log.floor > 1) {
      log.floor += 1;
      const row = this.#connection.get(
        "DELETE FROM records WHERE log = ? AND seq = ? RETURNING kind, text",
        log.key,
        log.floor,
      );
      this.#count(log, KINDS[Number(row?.["kind"])], String(row?.["text"]), -1);
    }
  }

  #count(log: LogState, kind: RecordKind | undefined, text: string, sign: 1 | -1): void {
    if (kind === "result_chunk") return;
    log.records += sign;
    log.characters += sign * text.length;
  }
}
