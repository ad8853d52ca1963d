import { linkedPair, newMessageId } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { expect, test } from "vitest";
import { sqliteStore } from "./index.ts";

interface Frame {
  readonly type: string;
  readonly job_id?: string;
  readonly session_id?: string;
  readonly payload: { readonly resume_token?: string };
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/**
 * Subscribes and resumes, this many turns apart.
 * @returns whether the subscription is stored if it was acknowledged
 */
async function isKept(first: "subscribe" | "resume", apart: number): Promise<boolean> {
  const store = sqliteStore(":memory:");
  const runtime = createRuntime({
    agents: [defineAgent({ name: "wait", run: () => new Promise(() => {}) })],
    auth: tokenTable({ secret: "alice" }),
    store,
  });
  const open = () => {
    const pair = linkedPair();
    const frames: Frame[] = [];
    runtime.serve(pair.runtime);
    const read = async (): Promise<void> => {
      for await (const text of pair.client.frames) frames.push(JSON.parse(text));
    };
    read().catch(() => {});
    const send = (type: string, payload: object): void => {
      const text = JSON.stringify({ arcp: "1.1", id: newMessageId("req_"), type, payload });
      pair.client.send([text]).catch(() => {});
    };
    return { frames, send };
  };
  const auth = { scheme: "bearer", token: "secret" };
  const hello = { auth, capabilities: { features: ["subscribe"] } };
  const owner = open();
  owner.send("session.hello", hello);
  await turns(20);
  owner.send("job.submit", { agent: "wait", input: null });
  await turns(20);
  const job = owner.frames.find(({ type }) => type === "job.accepted")?.job_id;
  const viewer = open();
  viewer.send("session.hello", hello);
  await turns(20);
  const [welcome] = viewer.frames;
  const back = open();
  const acts = [
    () => viewer.send("job.subscribe", { job_id: job }),
    () =>
      back.send("session.resume", {
        auth,
        resume_token: welcome?.payload.resume_token,
        last_event_seq: 0,
      }),
  ];
  if (first === "resume") acts.reverse();
  for (const act of acts) {
    act();
    await turns(apart);
  }
  await turns(30);
  const told = viewer.frames.some(({ type }) => type === "job.subscribed");
  const stored = await store.sessions.attachments(welcome?.session_id as never);
  await runtime.close();
  return !told || stored.length > 0;
}

test("R-6.3-14: an acknowledged subscription is stored, even if a resume comes at the same time", async () => {
  const lost: string[] = [];
  for (const first of ["subscribe", "resume"] as const) {
    for (let apart = 0; apart < 8; apart++) {
      if (!(await isKept(first, apart))) lost.push(`${first} first, then ${apart} turns`);
    }
  }
  expect(lost).toEqual([]);
});
