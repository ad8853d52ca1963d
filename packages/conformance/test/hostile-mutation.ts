import fc from "fast-check";
import { CANARY, type HostileFrame, hostileValues, type Knowledge } from "./hostile-corpus.ts";

/** A change to a message, or to its text. */
export type Edit =
  | { readonly replace: number; readonly by: unknown }
  | { readonly remove: number }
  | { readonly add: string; readonly at: number; readonly value: unknown }
  | { readonly cut: number }
  | { readonly insert: string; readonly at: number }
  | { readonly repeat: number };

const aValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...hostileValues) },
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: "binary" }),
);
const aKey = fc.constantFrom(
  "__proto__",
  "constructor",
  "toString",
  "payload",
  "job_id",
  "id",
  "zzz",
  `Bearer ${CANARY}`,
  "",
);

export const anEdit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ replace: fc.nat(), by: aValue }) },
  { weight: 2, arbitrary: fc.record({ remove: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ add: aKey, at: fc.nat(), value: aValue }) },
  fc.record({ cut: fc.nat() }),
  fc.record({
    insert: fc.constantFrom(
      '"',
      "\\",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "\u0000",
      "\ufeff",
      "1e999",
      "null",
      "\ud800",
      "-",
      "é",
    ),
    at: fc.nat(),
  }),
  fc.record({ repeat: fc.nat() }),
);

const aMutant = fc.record({
  base: fc.nat(),
  edits: fc.array(anEdit, { minLength: 1, maxLength: 3 }),
});
export type Mutant = typeof aMutant extends fc.Arbitrary<infer T> ? T : never;

/** The same mutants for the same seed. */
export function mutants(count: number, seed: number): Mutant[] {
  return fc.sample(aMutant, { numRuns: count, seed });
}

/** A valid frame, spoilt. Now and then it is still valid. */
export function spoilt({ base, edits }: Mutant, known: Knowledge, id: string): HostileFrame {
  const bases = validMessages(known);
  const message = { arcp: "1.1", id, session_id: known.session, ...bases[base % bases.length] };
  return { data: edited(message, edits) };
}

/** The text of a message, with these edits. */
export function edited(message: object, edits: readonly Edit[]): string {
  const copy = JSON.parse(JSON.stringify(message)) as object;
  for (const edit of edits) spoil(copy, edit);
  let text = JSON.stringify(copy);
  for (const edit of edits) text = scratch(text, edit);
  return text;
}

function validMessages({ job, foreignJob }: Knowledge): object[] {
  const lease_request = {
    "fs.read": ["/srv/**"],
    "tool.call": ["ocr.*"],
    "cost.budget": ["USD:1.50"],
  };
  return [
    {
      type: "session.hello",
      payload: {
        client: { name: "x", version: "1" },
        auth: { scheme: "bearer", token: CANARY },
        capabilities: { encodings: ["json"], features: ["ack"] },
      },
    },
    {
      type: "session.resume",
      payload: {
        resume_token: "rt_1",
        last_event_seq: 3,
        auth: { scheme: "bearer", token: CANARY },
      },
    },
    { type: "session.ping", payload: { nonce: "n-1", sent_at: "2026-11-02T08:16:00.000Z" } },
    { type: "session.ack", payload: { last_processed_seq: 1 } },
    {
      type: "session.list_jobs",
      payload: {
        filter: { status: ["running"], agent: "echo", created_after: "2026-11-02T08:16:00.000Z" },
        limit: 5,
      },
    },
    {
      type: "job.submit",
      payload: { agent: "echo", input: { a: [1, "x", null] }, lease_request, max_runtime_sec: 5 },
    },
    { type: "job.submit", payload: { agent: "echo", idempotency_key: "k", input: 1 } },
    { type: "job.cancel", job_id: job, payload: { job_id: job, reason: CANARY } },
    { type: "job.cancel", job_id: foreignJob, payload: { job_id: foreignJob } },
    {
      type: "job.subscribe",
      job_id: job,
      payload: { job_id: job, history: true, from_job_seq: 0 },
    },
    { type: "job.subscribe", job_id: foreignJob, payload: { job_id: foreignJob, history: true } },
    { type: "job.unsubscribe", job_id: foreignJob, payload: { job_id: foreignJob } },
    {
      type: "job.event",
      job_id: foreignJob,
      event_seq: 4,
      payload: {
        kind: "log",
        ts: "2026-11-02T08:16:00.000Z",
        body: { level: "info", message: "m" },
      },
    },
    { type: "x-vendor.acme.note", payload: {}, extensions: { optional: true } },
  ];
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/** Every member of the message and of what is in it. */
function places(holder: object): Place[] {
  return Object.entries(holder).flatMap(([key, value]) => [
    { holder: holder as Record<string, unknown>, key },
    ...(typeof value === "object" && value !== null ? places(value) : []),
  ]);
}

function spoil(message: object, edit: Edit): void {
  const at =
    "replace" in edit
      ? edit.replace
      : "remove" in edit
        ? edit.remove
        : "add" in edit
          ? edit.at
          : -1;
  const all = places(message);
  const place = all[at % all.length];
  if (place === undefined) return;
  const { holder, key } = place;
  if ("replace" in edit) set(holder, key, edit.by);
  else if ("remove" in edit) delete holder[key];
  else if ("add" in edit) set(holder, edit.add, edit.value);
}

/** As ordinary data, also for `__proto__`; a copy, for the values are shared. */
function set(holder: object, key: string, value: unknown): void {
  const own = value === undefined ? null : (JSON.parse(JSON.stringify(value)) as unknown);
  Object.defineProperty(holder, key, {
    value: own,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function scratch(text: string, edit: Edit): string {
  if ("cut" in edit) return text.slice(0, edit.cut % (text.length + 1));
  if ("insert" in edit) {
    const at = edit.at % (text.length + 1);
    return text.slice(0, at) + edit.insert + text.slice(at);
  }
  // The same member twice.
  if ("repeat" in edit) {
    const members = [...text.matchAll(/"\w+":(?:"[^"\\]*"|\d+|null),/g)];
    const member = members[edit.repeat % members.length];
    return member === undefined
      ? text
      : text.slice(0, member.index) + member[0] + text.slice(member.index);
  }
  return text;
}
