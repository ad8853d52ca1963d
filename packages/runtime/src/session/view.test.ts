import type { JobId } from "@arcp/core";
import { linkedPair, newJobId, newSessionId, systemClock } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { Dialect } from "../dialect/dialect.ts";
import { Committer } from "../jobs/committer.ts";
import { recordStems, writeRecord } from "../jobs/record.ts";
import type { RecordKind, Role } from "../store/index.ts";
import { memoryStore } from "../store/memory-store.ts";
import { Outbox } from "./outbox.ts";
import { Projector } from "./projector.ts";
import { Stream } from "./stream.ts";
import { isVisible } from "./view.ts";

const SECRET = "sk-very-secret";

/** A vault with one credential per job, until the job ends. */
function smallVault(values: Map<JobId, string>) {
  const reveal = (job: JobId, id: string) => (id === "cred-1" ? values.get(job) : undefined);
  return { reveal, shown: () => [] };
}

const fail = (error: unknown): never => {
  throw error;
};

const ALL: ReadonlySet<string> = new Set(["provisioned_credentials", "progress", "result_chunk"]);

async function rotated() {
  const store = memoryStore();
  const job = newJobId();
  const values = new Map([[job, SECRET]]);
  const event = (jobSeq: number, kind: RecordKind, body: object) =>
    writeRecord({
      stems: recordStems(job, "0".repeat(31).concat("1")),
      jobSeq,
      kind,
      type: "job.event",
      payload: JSON.stringify({ kind: "status", ts: "2026-01-01T00:00:00.000Z", body }),
    });
  await store.logs.append([
    {
      job,
      after: 0,
      records: [
        event(1, "event", { phase: "running" }),
        event(2, "credential_rotated", { phase: "credential_rotated", id: "cred-1" }),
        event(3, "event", { phase: "going on" }),
      ],
    },
  ]);

  /** Connects a viewer and returns what it was sent, as text and parsed. */
  const look = async (role: Role, features: ReadonlySet<string>, stream?: Stream, after = 0) => {
    const { client, runtime } = linkedPair();
    const seen =
      stream ??
      new Stream({
        session: newSessionId(),
        features,
        epoch: 1,
        host: { store: store.sessions, failed: (_, error) => fail(error) },
      });
    if (stream === undefined) {
      await store.sessions.insert({
        id: seen.session,
        principal: "alice",
        features: [...features],
        epoch: 1,
        tokens: [],
        acked: 0,
      });
      seen.attachments.attach(job, role, 0);
    }
    const { turn } = new Committer(store.logs, systemClock);
    const outbox = new Outbox(runtime, systemClock, turn);
    const projector = new Projector(seen, outbox, after, {
      logs: store.logs,
      turn,
      vault: smallVault(values),
      dialect: new Dialect("draft"),
      introduces: () => true,
      introduction: async () => undefined,
      children: async () => [],
      lost: () => {},
    });
    await settled();
    await projector.stop();
    outbox.close("normal");
    const frames: string[] = [];
    for await (const frame of client.frames) frames.push(frame);
    return { stream: seen, frames, parsed: frames.map((frame) => JSON.parse(frame)) };
  };
  return { store, job, values, look };
}

test("P4: the log contains no secret", async () => {
  const { store, job } = await rotated();
  const page = await store.logs.read(job, 0, { records: 10, characters: 1e6 });
  expect(page.records).toHaveLength(3);
  expect(page.records.some(({ text }) => text.includes(SECRET))).toBe(false);
});

test("P4: the owner gets the current value, and nobody else gets the event at all", async () => {
  const { look, values, job } = await rotated();
  const owner = await look("owner", ALL);
  expect(owner.parsed.map(({ event_seq }) => event_seq)).toEqual([1, 2, 3]);
  expect(owner.parsed[1]).toMatchObject({
    session_id: owner.stream.session,
    job_seq: 2,
    payload: { kind: "status", body: { phase: "credential_rotated", id: "cred-1", value: SECRET } },
  });

  const observer = await look("observer", ALL);
  expect(observer.parsed.map(({ event_seq, job_seq }) => [event_seq, job_seq])).toEqual([
    [1, 1],
    [2, 3],
  ]);
  const unaware = await look("owner", new Set());
  expect(unaware.parsed.map(({ job_seq }) => job_seq)).toEqual([1, 3]);
  expect([...observer.frames, ...unaware.frames].some((text) => text.includes(SECRET))).toBe(false);

  // R-9.8-11: a replay keeps the number and shows the value of that moment, and none once the job has ended.
  values.set(job, "sk-newer");
  const replay = await look("owner", ALL, owner.stream, 1);
  expect(replay.parsed[0]).toMatchObject({
    event_seq: 2,
    payload: { body: { value: "sk-newer" } },
  });
  values.delete(job);
  const afterwards = await look("owner", ALL, owner.stream, 1);
  expect(afterwards.parsed[0].event_seq).toBe(2);
  expect(afterwards.parsed[0].payload.body).toEqual({ phase: "credential_rotated", id: "cred-1" });
});

test("P2, R-6.2-5: each kind of record needs its feature, and a rotation needs the owner", () => {
  const visible = (kind: RecordKind, features: readonly string[], role: Role) =>
    isVisible({ kind, text: "" }, { features: new Set(features), role });
  for (const role of ["owner", "observer"] as const) {
    expect(visible("event", [], role)).toBe(true);
    expect(visible("terminal", [], role)).toBe(true);
    for (const [kind, feature] of [
      ["progress", "progress"],
      ["result_chunk", "result_chunk"],
      ["budget", "cost.budget"],
    ] as const) {
      expect(visible(kind, [], role)).toBe(false);
      expect(visible(kind, [feature], role)).toBe(true);
    }
    expect(visible("credential_rotated", [], role)).toBe(false);
    expect(visible("credential_rotated", ["provisioned_credentials"], role)).toBe(role === "owner");
  }
});
