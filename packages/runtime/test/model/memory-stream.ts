import { ManualClock, type SessionId } from "@arcp/core";
import type { OpenVault } from "../../src/authority/vault.ts";
import { Attachment } from "../../src/session/attachment.ts";
import { Lag } from "../../src/session/lag.ts";
import { Stream } from "../../src/session/stream.ts";
import type { LogPage, LogStore, SessionStore } from "../../src/store/index.ts";
import { memoryStore } from "../../src/store/memory-store.ts";
import { kindOf, type Memory, type ModelSession, SECRET, textOf, type World } from "./world.ts";

const ID = "s" as SessionId;
const CLOCK = new ManualClock();
const { sessions: NOTHING } = memoryStore();

/** The runtime's own stream, built from the session's memory: what it stores goes to the end of the session's queue. */
export function streamOf(session: ModelSession, memory: Memory): Stream {
  const lag = new Lag({ threshold: 1_000_000, clock: CLOCK });
  lag.restore(memory.acked, memory.issued, false);
  const stream = freshStream(session, memory.epoch, lag);
  stream.journal.open(memory.runs);
  if (memory.sealed) stream.journal.seal();
  stream.journal.issue(memory.issued);
  const { replay, repeated = [] } = memory.conns.at(-1) ?? {};
  if (replay !== undefined) stream.repeated = replay - 1 - repeated.length;
  for (const place of memory.places) {
    const attachment = new Attachment(place.row, place);
    attachment.reach(place.cursor);
    stream.attachments.restore(attachment);
  }
  return stream;
}

export function freshStream(session: ModelSession, epoch: number, lag?: Lag): Stream {
  return new Stream({
    session: ID,
    features: new Set(session.features),
    epoch,
    host: { store: storeOf(session), failed: () => {} },
    lag: lag ?? new Lag({ threshold: 1_000_000, clock: CLOCK }),
  });
}

/** Writes back what may have changed in a stream, except the places, which each step updates itself. */
export function keep(memory: Memory, { journal, issued, lag }: Stream): void {
  memory.runs = [...journal.runs(0, Number.POSITIVE_INFINITY)];
  const { last } = journal;
  memory.sealed = last !== undefined && last.to === undefined && journal.current === undefined;
  memory.issued = issued;
  memory.acked = lag?.acked ?? 0;
}

/** The store as a stream sees it: its commits wait in the session's queue. */
export function storeOf(session: ModelSession): SessionStore {
  return {
    ...NOTHING,
    runs: async () => session.row.runs,
    attachments: async () => session.row.attachments,
    async commit(_, epoch, change) {
      const { queue, memory } = session;
      const held = queue.some(({ claim }) => claim !== undefined) ? memory?.held : undefined;
      if (held === undefined) queue.push({ epoch, change });
      else held.push({ change });
      return "committed";
    },
  };
}

export function readPage({ jobs }: World, job: string, after: number, records: number): LogPage {
  const { log = [], floor = 0 } = jobs.find(({ id }) => id === job) ?? {};
  const from = Math.max(after, floor);
  const page = log.slice(from, from + records);
  return {
    floor,
    head: log.length,
    records: page.map((record) => ({ kind: kindOf(record), text: textOf(record) })),
  };
}

export function logsOf(world: World): LogStore {
  return {
    append: async () => [],
    read: async (job, after, { records }) => readPage(world, job, after, records),
    listen: () => () => {},
    remove: async () => {},
  };
}

/** Holds one credential of every job that has not ended. */
export function vaultOf({ jobs }: World): OpenVault {
  return {
    reveal: (job) => (jobs.find(({ id }) => id === job)?.ended ? undefined : SECRET),
    shown: () => [],
  };
}
