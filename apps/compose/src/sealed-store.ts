import type { JobChange, JobIndex, JobRow, LogRecord, LogStore, Store } from "@arcp/runtime/store";
import { Seal } from "./seal.ts";

// The store interfaces are small, so that one can be wrapped and the others passed on as they are.

/**
 * A store whose file does not reveal what agents say: records, inputs and checkpoints are encrypted before they get to the inner
 * store. What it is searched by stays readable: ids, principals, names of agents, leases and times.
 */
export function sealedStore(store: Store, key: Uint8Array): Store {
  const seal = new Seal(key);
  const { sessions, idempotency, credentials, durable, failed } = store;
  return {
    logs: sealedLogs(store.logs, seal),
    jobs: sealedJobs(store.jobs, seal),
    sessions,
    idempotency,
    credentials,
    durable,
    failed,
    close: () => store.close(),
  };
}

/** A record is sealed for its place in its log: one that was moved does not open. */
function sealedLogs(logs: LogStore, seal: Seal): LogStore {
  return {
    append: (batches) =>
      logs.append(
        batches.map(({ job, after, records, change }) => ({
          job,
          after,
          records: records.map(({ kind, text }, i) => ({
            kind,
            text: seal.close(text, `${job} ${after + 1 + i}`),
          })),
          change: change && sealedChange(change, job, seal),
        })),
      ),
    async read(job, after, limits) {
      // The limit is for the opened text, which is no longer than this.
      const characters = 4 * limits.characters + 40 * limits.records;
      const page = await logs.read(job, after, { ...limits, characters });
      const first = Math.max(after, page.floor) + 1;
      const records: LogRecord[] = [];
      let room = limits.characters;
      for (const [i, { kind, text: sealed }] of page.records.entries()) {
        const text = seal.open(sealed, `${job} ${first + i}`);
        room -= text.length;
        if (room < 0 && i > 0) break;
        records.push({ kind, text });
      }
      return { ...page, records };
    },
    listen: (job, ring) => logs.listen(job, ring),
    remove: (job) => logs.remove(job),
  };
}

function sealedJobs(jobs: JobIndex, seal: Seal): JobIndex {
  return {
    insert: (row) => jobs.insert({ ...row, ...sealedChange(row, row.id, seal) }),
    update: (id, change) => jobs.update(id, sealedChange(change, id, seal)),
    async get(id) {
      const row = await jobs.get(id);
      return row && openedRow(row, seal);
    },
    // A listing has neither input nor checkpoint.
    list: (query, damaged) => jobs.list(query, damaged),
    remove: (id) => jobs.remove(id),
  };
}

/** An undefined value deletes something: it stays undefined. */
function sealedChange(change: JobChange & Pick<JobRow, "checkpoint">, job: string, seal: Seal) {
  const { input, checkpoint } = change;
  return {
    ...change,
    ...(input !== undefined && { input: seal.close(input, `${job} input`) }),
    ...(checkpoint !== undefined && { checkpoint: seal.close(checkpoint, `${job} checkpoint`) }),
  };
}

function openedRow(row: JobRow, seal: Seal): JobRow {
  const { id, input, checkpoint } = row;
  return {
    ...row,
    ...(input !== undefined && { input: seal.open(input, `${id} input`) }),
    ...(checkpoint !== undefined && { checkpoint: seal.open(checkpoint, `${id} checkpoint`) }),
  };
}
