import type { JobId } from "@arcp/core";
import type { AttachmentRow, RecordKind, Role, Run, SessionChange } from "../../src/store/index.ts";

/**
 * What the network, the machine and the clients may still do to the runtime: a limited supply, so that the state space
 * is finite.
 */
export interface Adversary {
  /** Connections that break, or that the client leaves for another one. */
  drops: number;
  /** Processes that die. */
  crashes: number;
  /** Commits of a session with an unknown outcome. */
  failures: number;
  /** Records that a log loses at its old end. */
  evictions: number;
  subscriptions: number;
  acks: number;
  cancels: number;
}

/** One job: its log in the store, and what its process holds of it. */
export interface ModelJob {
  readonly id: JobId;
  /** The durable records; evicted ones stay here, below `floor`, for the checks to compare with. */
  readonly log: string[];
  floor: number;
  /** Accepted, but not durable. */
  accepted: string[];
  /** How many records its writer has written, as far as the writer knows. */
  written: number;
  /** Whether an ending has won. */
  ended: boolean;
  /** A write of a dead process that the store may still get. */
  late: { readonly after: number; readonly record: string } | undefined;
}

/** A step in flight to the store: a session's changes are made in the order of the calls. */
export interface PendingStep {
  readonly epoch: number;
  /** Undefined: a claim by the connection `conn`. */
  readonly change?: SessionChange;
  /** The job of the subscription that waits for it. */
  readonly subscribes?: JobId;
  readonly claim?: { readonly conn: number; readonly tokens: readonly string[] };
  /** Whether a projector waits for it. */
  readonly batch?: boolean;
}

/** An attachment: what it was made from, and how far it has come. */
export interface Place {
  readonly row: AttachmentRow;
  readonly seen?: number | undefined;
  readonly introduced?: number | undefined;
  readonly head?: number | undefined;
  readonly truncated?: boolean | undefined;
  /** What its subscription waits for: to become durable, then to be answered; until then nothing is read. */
  waiting?: "store" | "answer" | undefined;
  /** Until then: it was requested without history. */
  live?: true | undefined;
  cursor: number;
}

/** What a projector has numbered and not yet sent. */
export interface Numbered {
  readonly frames: readonly string[];
  readonly runs: readonly Run[];
  readonly cursors: readonly (readonly [JobId, number])[];
  readonly ended: readonly JobId[];
  /** Those of these jobs, or of the ones that go on, that have lost records. */
  readonly lost: readonly JobId[];
  readonly last: number;
  committed: boolean;
}

/** The runtime's end of a connection, and its projector. */
export interface Conn {
  readonly no: number;
  readonly epoch: number;
  stopped: boolean;
  /** The next number to repeat; undefined once it is live. */
  replay: number | undefined;
  /** What is to be repeated in one write with what follows. */
  repeated: { readonly frame: string; readonly visible: boolean }[];
  batch: Numbered | undefined;
}

/** What dies with the process. */
export interface Memory {
  epoch: number;
  runs: Run[];
  sealed: boolean;
  issued: number;
  acked: number;
  tokens: readonly string[];
  places: Place[];
  /** Subscriptions that wait for the end of a batch. `floor`: of the requested history. */
  asked: { readonly job: JobId; readonly floor: number | undefined }[];
  /** The lost subscriptions that were reported, and how far the numbers went then: a resume from there gets the report again. */
  words: { readonly job: JobId; readonly at: number }[];
  conns: Conn[];
  /** Resumes that wait for their turn to claim, for their claim, or for their predecessor to fall silent. */
  arriving: {
    readonly no: number;
    readonly after: number;
    /** The token that it presented, until it is its turn. */
    presented: string | undefined;
    epoch: number | undefined;
  }[];
  /** Changes that hold under any epoch, and wait for a claim in flight. */
  held: Omit<PendingStep, "epoch">[];
}

export interface ModelSession {
  readonly features: readonly string[];
  /** The jobs that it submitted. */
  readonly owns: readonly JobId[];
  row: {
    epoch: number;
    tokens: readonly string[];
    issued: number | undefined;
    acked: number;
    attachments: AttachmentRow[];
    runs: Run[];
  };
  queue: PendingStep[];
  /** Undefined while the process is down. */
  memory: Memory | undefined;
  client: {
    /** The connection that it reads; undefined if it has none. */
    wire: number | undefined;
    /** What is in flight to it there. */
    flight: string[];
    /** The highest number that it has received. */
    has: number;
    /** The newest token that it has, and the one before. */
    tokens: readonly string[];
    /** Whether it was told that its session is gone. */
    refused: boolean;
  };
  /** What only the checks look at. */
  ghost: {
    /** Which record left under which number; the first number is at index 0. */
    sent: string[];
    /** For each job, the last record that it was given or may do without; missing if it is owed nothing. */
    read: Record<string, number>;
    /** The jobs that its client knows are followed. */
    owed: JobId[];
    /** Up to which record it was told that some are missing. */
    excused: Record<string, number>;
    /** The highest number that its client acknowledged. */
    acked: number;
    conns: number;
    tokens: number;
    /** The highest connection that was welcomed. */
    welcomed: number;
  };
}

/** A state of the model. Plain data: its JSON is its identity. */
export interface World {
  /** How many processes there have been. */
  life: number;
  up: boolean;
  readonly jobs: ModelJob[];
  readonly sessions: ModelSession[];
  readonly left: Adversary;
}

/** A world to explore. */
export interface Configuration {
  /** The kinds of the records that each job's agent emits, in order, before its result. */
  readonly scripts: readonly (readonly RecordKind[])[];
  readonly sessions: readonly {
    readonly features: readonly string[];
    /** Which jobs it submitted. */
    readonly owns: readonly number[];
    /** Which it follows from the beginning without having submitted them. */
    readonly watches?: readonly number[];
  }[];
  readonly left: Partial<Adversary>;
  /** Whether a write of a dead process may still reach the store. */
  readonly lateWrites?: boolean;
}

/** Stands in for a credential's value: in no log, and on the wire to the owner alone (P4). */
export const SECRET = "hush";

const LETTERS: Readonly<Record<string, RecordKind>> = {
  e: "event",
  p: "progress",
  r: "credential_rotated",
  t: "terminal",
};

/** A record is named by its kind, its number, its job, and its writer. */
export function recordName(kind: RecordKind, jobSeq: number, job: JobId, by: string): string {
  const letter = Object.keys(LETTERS).find((key) => LETTERS[key] === kind);
  return `${letter}${jobSeq}${job}.${by}`;
}

export function kindOf(record: string): RecordKind {
  return LETTERS[record[0] ?? ""] ?? "event";
}

/** Its text in the log. */
export function textOf(record: string): string {
  const payload = kindOf(record) === "credential_rotated" ? ',"payload":{"body":{"id":"c"}}' : "";
  return `"id":${JSON.stringify(record)}${payload}}`;
}

export function roleIn(session: ModelSession, job: JobId): Role {
  return session.owns.includes(job) ? "owner" : "observer";
}

/** All jobs accepted, all sessions connected, and nothing emitted. */
export function beginning({ scripts, sessions, left }: Configuration): World {
  const ids = scripts.map((_, i) => `j${i}` as JobId);
  return {
    life: 0,
    up: true,
    jobs: ids.map((id) => ({
      id,
      log: [],
      floor: 0,
      accepted: [],
      written: 0,
      ended: false,
      late: undefined,
    })),
    sessions: sessions.map(({ features, owns, watches = [] }) => {
      const named = (numbers: readonly number[]) => numbers.flatMap((i) => ids[i] ?? []);
      return session(features, named(owns), named(watches));
    }),
    left: {
      drops: 0,
      crashes: 0,
      failures: 0,
      evictions: 0,
      subscriptions: 0,
      acks: 0,
      cancels: 0,
      ...left,
    },
  };
}

function session(
  features: readonly string[],
  owns: readonly JobId[],
  watches: readonly JobId[],
): ModelSession {
  const follows = [...owns, ...watches];
  const attachments = follows.map((job): AttachmentRow => {
    return { job, role: owns.includes(job) ? "owner" : "observer", after: 0, since: 0 };
  });
  return {
    features,
    owns,
    row: { epoch: 1, tokens: ["t0"], issued: undefined, acked: 0, attachments, runs: [] },
    queue: [],
    memory: {
      epoch: 1,
      runs: [],
      sealed: false,
      issued: 0,
      acked: 0,
      tokens: ["t0"],
      places: attachments.map((row) => ({ row, cursor: 0 })),
      asked: [],
      words: [],
      conns: [
        { no: 0, epoch: 1, stopped: false, replay: undefined, repeated: [], batch: undefined },
      ],
      arriving: [],
      held: [],
    },
    client: { wire: 0, flight: [], has: 0, tokens: ["t0"], refused: false },
    ghost: {
      sent: [],
      read: Object.fromEntries(follows.map((job) => [job, 0])),
      owed: follows,
      excused: {},
      acked: 0,
      conns: 1,
      tokens: 1,
      welcomed: 0,
    },
  };
}
