import { setImmediate as turn } from "node:timers/promises";
import { ArcpError } from "@arcp/core";
import { type AgentContext, createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { pino } from "pino";
import { expect } from "vitest";
import { sqliteStore } from "../src/sqlite-store.ts";
import type { HonestStep } from "./honest-step.ts";
import { crashed } from "./host.ts";
import type { Scratch } from "./scratch.ts";
import { type Frame, Viewer } from "./viewer.ts";

interface Work {
  readonly ctx: AgentContext;
  readonly over: PromiseWithResolvers<unknown>;
}

/** Errors that are the agents' own doing: a job may end while it delegates. */
const MEANT = /an agent failed|a credential was not issued/;

const FEATURES = [
  "subscribe",
  "progress",
  "result_chunk",
  "cost.budget",
  "list_jobs",
  "provisioned_credentials",
  "agent_versions",
];

function processOn(file: string) {
  const store = sqliteStore(file);
  const complaints: string[] = [];
  const works: Work[] = [];
  const led = (name: string, attempts: number) =>
    defineAgent({
      name,
      attempts,
      run(ctx) {
        const over = Promise.withResolvers<unknown>();
        works.push({ ctx, over });
        ctx.signal.addEventListener("abort", () => over.reject(ctx.signal.reason));
        return over.promise;
      },
    });
  const runtime = createRuntime({
    agents: [led("once", 1), led("again", 99)],
    auth: tokenTable({ secret: "alice\ud800" }),
    store,
    logger: pino(
      { level: "error" },
      { write: (line: string) => void (MEANT.test(line) || complaints.push(line)) },
    ),
    provisioners: {
      gateway: {
        issue: async ({ alias }) => ({ value: `key-${alias}`, endpoint: "https://x.example/" }),
        revoke: async () => true,
      },
    },
  });
  return { store, runtime, works, complaints };
}

/** Two sessions of one principal, and the jobs of consecutive processes, whose file is never damaged. */
export class HonestHouse {
  readonly #scratch: Scratch;
  #process: ReturnType<typeof processOn>;
  readonly #viewers: Viewer[] = [];
  readonly #welcomes: Frame[] = [];
  readonly #jobs = new Set<string>();

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
    this.#process = processOn(scratch.newFile());
  }

  async play(steps: readonly HonestStep[]): Promise<void> {
    try {
      for (const place of [0, 1]) await this.#begin(place);
      for (const step of steps) await this.#act(step);
      await this.#crash();
      await this.#endAll();
      await this.#crash();
      await this.#readAll();
    } finally {
      await this.#process.runtime.close({ finishSec: 0 });
    }
  }

  async #act(step: HonestStep): Promise<void> {
    switch (step.do) {
      case "submit":
        return this.#submit(step);
      case "say":
        return this.#lead(step.which, ({ ctx }) => [
          ctx.log.info(step.text, { of: step.value }),
          ctx.thought(step.text),
          ctx.emit("x-vendor.odd.type", {
            type: "job.result",
            payload: { final_status: "sad" },
            of: step.value,
          }),
        ]);
      case "spend":
        return this.#lead(step.which, ({ ctx }) => [
          ctx.metric({ name: "cost.search", value: step.amount, unit: "USD" }),
          ctx.metric({ name: "cost.search", value: step.amount, unit: "EUR" }),
        ]);
      case "stream":
        return this.#lead(step.which, ({ ctx }) => [
          ctx.result.write(step.long ? step.text.padEnd(99_999, "x") : step.text),
          ctx.result.write(Buffer.from(step.text)),
        ]);
      case "delegate":
        return this.#lead(step.which, ({ ctx }) => [ctx.delegate("once", step.value)]);
      case "checkpoint":
        return this.#lead(step.which, ({ ctx }) => [ctx.checkpoint(step.value)]);
      case "end":
        return this.#lead(step.which, ({ over }) => {
          const details = { of: step.value };
          if (step.fails) over.reject(new ArcpError("INVALID_REQUEST", "it fails", { details }));
          else over.resolve(step.value);
          return [];
        });
      case "cancel":
        return this.#ask(step, "job.cancel", { reason: step.text });
      case "subscribe":
        return this.#ask(step, "job.subscribe", {
          ...(step.history !== undefined && { history: true, from_job_seq: step.history }),
        });
      case "leave":
        return this.#resume(step.session);
      case "close":
        return this.#begin(step.session);
      case "pause":
        for (let turns = 0; turns < 5; turns++) await turn();
        return;
      case "crash":
        return this.#crash();
    }
  }

  async #submit(step: Extract<HonestStep, { do: "submit" }>): Promise<void> {
    const { agent, input, patient, key, seconds, trace, money } = step;
    const traceparent = `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`;
    const reply = this.#viewer(step.session).submit(agent, {
      input,
      lease_request: { "agent.delegate": ["once"], ...(money && { "cost.budget": [money] }) },
      ...(key !== undefined && { idempotency_key: key }),
      ...(seconds !== undefined && { max_runtime_sec: seconds }),
      ...(trace && {
        extensions: { "x-vendor.opentelemetry.tracecontext": { traceparent, ...trace } },
      }),
    });
    const known = reply.then(({ job_id }) => job_id !== undefined && this.#jobs.add(job_id));
    if (patient) await known;
  }

  /** Has an agent do something, without waiting for it: what it may not do, it is told. */
  async #lead(which: number, act: (work: Work) => ReadonlyArray<Promise<unknown>>): Promise<void> {
    await turn();
    const { works } = this.#process;
    const work = works[which % Math.max(1, works.length)];
    if (work === undefined) return;
    try {
      for (const done of act(work)) done.catch(() => {});
    } catch {
      // It is refused at once.
    }
  }

  async #ask(
    { session: of, which: job }: { session: number; which: number },
    type: string,
    payload: object,
  ): Promise<void> {
    const job_id = [...this.#jobs][job % Math.max(1, this.#jobs.size)];
    if (job_id === undefined) return;
    const viewer = this.#viewer(of);
    const rest = type === "job.cancel" ? { job_id } : {};
    const asked = type === "job.cancel" ? payload : { job_id, ...payload };
    const { payload: reply } = await viewer.reply(viewer.send(type, asked, rest));
    expect(reply.details?.reason, reply.message).not.toBe("job_damaged");
    expect(reply).not.toHaveProperty("truncated");
  }

  #viewer(of: number): Viewer {
    return this.#viewers[of] ?? expect.fail("there is no such session");
  }

  async #begin(of: number): Promise<void> {
    const former = this.#viewers[of];
    if (former !== undefined) await former.reply(former.send("session.close", {}));
    const viewer = new Viewer(this.#process.runtime);
    this.#welcomes[of] = await viewer.hello("secret", FEATURES);
    this.#viewers[of] = viewer;
  }

  async #resume(of: number): Promise<void> {
    this.#viewer(of).close();
    const viewer = new Viewer(this.#process.runtime);
    const former = this.#welcomes[of] ?? expect.fail("there is no such session");
    const welcome = await viewer.resume(former, 0);
    expect(welcome.type, welcome.payload.message).toBe("session.welcome");
    this.#welcomes[of] = welcome;
    this.#viewers[of] = viewer;
  }

  /** The process dies as it is, and the next one finds what was committed. */
  async #crash(): Promise<void> {
    const { runtime, complaints } = this.#process;
    const file = await crashed(this.#process, this.#scratch, () => {});
    expect(complaints).toEqual([]);
    await runtime.close({ finishSec: 0 });
    this.#process = processOn(file);
    for (const place of this.#viewers.keys()) await this.#resume(place);
  }

  async #endAll(): Promise<void> {
    const { store, works } = this.#process;
    const statuses = ["pending", "running"] as const;
    while ((await store.jobs.list({ statuses, limit: 1 })).length > 0) {
      for (const { over } of works) over.resolve(null);
      await turn();
    }
  }

  /** Whoever reads a history to its end has read everything that is kept. */
  async #readAll(): Promise<void> {
    const { runtime, store, complaints } = this.#process;
    const reader = new Viewer(runtime);
    await reader.hello("secret", FEATURES);
    for (const { id, status } of await store.jobs.list({ limit: 999 })) {
      expect((await store.jobs.get(id))?.status).toBe(status);
      const { payload } = await reader.reply(
        reader.send("job.subscribe", { job_id: id, history: true }),
      );
      expect(payload, payload.message).toMatchObject({ job_id: id });
      expect(payload).not.toHaveProperty("truncated");
      const end = (await reader.terminal(id)).payload;
      expect(end.details?.reason, end.message).not.toBe("job_damaged");
    }
    for (const place of this.#viewers.keys()) {
      await this.#resume(place);
      await this.#readOwn(place);
      const { stream } = this.#viewer(place);
      expect(stream.map(({ event_seq }) => event_seq)).toEqual(stream.map((_, i) => i + 1));
    }
    expect(complaints).toEqual([]);
  }

  /** An owner has all of its jobs, adopted ones too. A crash may come before a delegated one is announced. */
  async #readOwn(place: number): Promise<void> {
    const { store } = this.#process;
    const viewer = this.#viewer(place);
    const session = this.#welcomes[place]?.session_id;
    for (const row of await store.jobs.list({ limit: 999 })) {
      if (row.session !== session || row.parent !== undefined) continue;
      await viewer.terminal(row.id);
      const { records } = await store.logs.read(row.id, 0, { records: 9999, characters: 1e9 });
      const seen = new Set(
        viewer.stream.filter(({ job_id }) => job_id === row.id).map(({ job_seq }) => job_seq),
      );
      const due = records.flatMap(({ kind }, i) => (kind === "credential_rotated" ? [] : [i + 1]));
      expect(
        due.filter((seq) => !seen.has(seq)),
        row.id,
      ).toEqual([]);
    }
  }
}
