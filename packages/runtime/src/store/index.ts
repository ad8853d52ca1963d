export { comparePlaces, type Place } from "./acceptance-order.ts";
export { Bells } from "./bells.ts";
export type { CredentialRow, CredentialStore } from "./credential-store.ts";
export { type DamagedJob, DamagedLog, DamagedRow } from "./damage.ts";
export type { IdempotencyRecord, IdempotencyStore } from "./idempotency-store.ts";
export type { Cancel, JobChange, JobIndex, JobQuery, JobRow, ListedJob } from "./job-index.ts";
export { fitsQuery } from "./job-query.ts";
export type {
  AppendOutcome,
  LogBatch,
  LogPage,
  LogRecord,
  LogStore,
  PageLimits,
  RecordKind,
} from "./log-store.ts";
export type { LongText } from "./long-text.ts";
export type {
  AttachmentRow,
  CommitOutcome,
  Cut,
  Role,
  Run,
  SessionChange,
  SessionRow,
  SessionStore,
} from "./session-store.ts";
export type { Store } from "./store.ts";
export { STRIDE, Strides } from "./strides.ts";
