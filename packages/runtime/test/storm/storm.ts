import { ManualClock, sleep } from "@arcp/core";
import { pino } from "pino";
import type { ToolCall } from "../../src/agents/tool.ts";
import { tokenTable } from "../../src/auth.ts";
import type { Observer } from "../../src/observer.ts";
import { createRuntime, type Runtime } from "../../src/runtime.ts";
import type { RuntimeOptions } from "../../src/runtime-options.ts";
import { memoryStore } from "../../src/store/memory-store.ts";
import { Random } from "../chance/random.ts";
import { settled } from "../held-store.ts";
import { stormAgents } from "./agents.ts";
import { leaseOf } from "./deeds.ts";
import type { Program, Step } from "./program.ts";
import { StormClient } from "./storm-client.ts";
import { stormStore } from "./storm-store.ts";
import { StormUpstream } from "./upstream.ts";
import { judge } from "./verdict.ts";
import { World } from "./world.ts";

/** Milliseconds in which the runtime does everything that it still does by itself, however slowly. */
const LONG = 60_000;
const HOUR = 3_600_000;

/** What is logged as an error when agents, upstreams and stores fail, as they are meant to. */
const MEANT =
  /an agent failed|what an agent ended with is not JSON|credential|lost its log|could not be stored|could not be restarted|removed yet/;

/**
 * Agents use everything that agents can use, at odd moments and in any way, while a client submits, repeats, cancels
 * and drops, processes die, and store and upstream are late or fail. The guarantees are checked while it happens
 * (`World`) and when all is over (`judge`): nothing takes place before it is durable or after its end, and the index,
 * the logs, the money, the results and what the client was told agree.
 *
 * @returns with what was broken
 */
export async function playStorm(program: Program): Promise<World> {
  const rejections: unknown[] = [];
  const rejected = (reason: unknown): void => void rejections.push(reason);
  process.on("unhandledRejection", rejected);
  const storm = new Storm(program);
  try {
    await storm.play();
  } catch (error) {
    storm.world.breach("player", error instanceof Error ? (error.stack ?? "") : `${error}`);
  } finally {
    await settled(2);
    storm.world.restart();
    process.off("unhandledRejection", rejected);
  }
  for (const reason of rejections) storm.world.breach("unhandled rejection", `${reason}`);
  return storm.world;
}

class Storm {
  readonly world: World;
  readonly #program: Program;
  readonly #clock = new ManualClock();
  readonly #luck: Random;
  readonly #store = memoryStore();
  readonly #upstream: StormUpstream | undefined;
  /** What was submitted with each key. */
  readonly #keyed = new Map<number, object>();
  #runtime: Runtime;
  #client: StormClient;
  /** Whether nothing fails any more. */
  #isOver = false;
  /** A store that fails while it is being taken over is a matter for the operator. */
  #isTakenOver = false;

  constructor(program: Program) {
    const { seed, upstream } = program;
    this.#program = program;
    this.#luck = new Random(seed + 1);
    this.world = new World(() => this.#clock.now(), program);
    this.#upstream =
      upstream &&
      new StormUpstream({
        world: this.world,
        luck: this.#luck,
        clock: this.#clock,
        odds: upstream,
        orders: this.#store.credentials,
        over: () => this.#isOver,
      });
    this.#runtime = this.#start();
    this.#client = new StormClient(this.#runtime, this.world, this.#clock);
  }

  async play(): Promise<void> {
    const { steps, failing, isObserved } = this.#program;
    const { world } = this;
    await this.#client.greet();
    for (const step of steps) await this.#act(step);
    await this.#pass(60, 100);
    this.#isOver = true;
    await this.#endAll();
    await this.#pass(60, LONG / 60);
    await settled(200);
    const crashed = steps.some((step) => step.do === "crash");
    judge(world, this.#client, failing > 0 ? "unknown" : crashed ? "careful" : "exact");
    const untold = isObserved ? world.ledger.untold() : [];
    if (untold.length > 0) world.breach("R-9.6-3", `spent and not told: ${untold.join("; ")}`);
    this.#judgeCredentials();
    world.count("jobs", world.rows.size);
    // A key is kept for a day, and a job for a week.
    for (let day = 0; day < 9 && world.rows.size > 0; day++) await this.#pass(26, HOUR);
    if (world.rows.size > 0) world.breach("R-14-3", `${world.rows.size} jobs are kept for ever`);
    const closed = this.#runtime.close();
    await this.#pass(100, 100);
    await closed;
  }

  #start(): Runtime {
    const { world } = this;
    const { late, failing, endsAtExhaustion, endsAtExpiry, isObserved } = this.#program;
    const { cancelsOrphans, showsErrorDetails } = this.#program;
    world.restart();
    return createRuntime({
      agents: stormAgents(world, this.#clock),
      tools: this.#tools(),
      models: { "m/1": { input: { USD: "1", EUR: "0.5" } } },
      auth: tokenTable({ secret: "alice" }),
      clock: this.#clock,
      store: stormStore({
        inner: this.#store,
        world,
        luck: this.#luck,
        late,
        failing: () => (this.#isOver || this.#isTakenOver ? 0 : failing),
      }),
      ...(this.#upstream && { provisioners: { llm: this.#upstream } }),
      limits: {
        provisionerSec: 2,
        cancelGraceSec: 1,
        delegationDepth: 3,
        credentialDoubtSec: 20,
        backPressureThreshold: 100_000,
      },
      endJobsAtExhaustion: endsAtExhaustion,
      endJobsAtExpiry: endsAtExpiry,
      cancelOrphans: cancelsOrphans,
      showErrorDetails: showsErrorDetails,
      ...(isObserved && { observer: this.#observer() }),
      logger: pino({ level: "debug" }, { write: (line: string) => this.#logged(line) }),
    });
  }

  #observer(): Observer {
    const { world } = this;
    const { generation } = world;
    return {
      job: ({ id }) => ({
        spent: (unit, amount) => world.costs(id, unit, amount, generation),
      }),
    };
  }

  #tools(): RuntimeOptions["tools"] & object {
    const { world } = this;
    const { generation } = world;
    const known = (args: unknown, { job }: ToolCall): void =>
      world.calls(job.id, (args as { mark: string }).mark, generation);
    return {
      ok: (args, call) => known(args, call),
      slow: async (args, call) => {
        known(args, call);
        await sleep(this.#clock, 150);
        return new Date(0);
      },
      denied: (_args, { job }) => {
        if (generation === world.generation) world.breach("R-9.3-2", `${job.id} may not call it`);
      },
      fails: (args, call) => {
        known(args, call);
        throw new Error("the tool failed");
      },
      spends: async (args, call) => {
        known(args, call);
        const reservation = call.spend.reserve({ USD: "0.2" });
        const free =
          generation === world.generation ? world.hold(call.job.id, { USD: "0.2" }) : () => {};
        await settled(2);
        free();
        world.ledger.spend(generation, call.job.id, { USD: "0.15" });
        await reservation.settle({ USD: "0.15" });
      },
    };
  }

  #logged(line: string): void {
    this.world.insistOnNoSecret(line);
    const { level, msg, tool } = JSON.parse(line) as { level: number; msg: string; tool?: string };
    if (level >= 50 && !MEANT.test(msg) && tool !== "fails") this.world.breach("log", line);
  }

  async #act(step: Step): Promise<void> {
    switch (step.do) {
      case "submit":
        return this.#submit(step);
      case "repeat":
        return this.#client.repeat(step.which);
      case "cancel": {
        const job = [...this.world.rows.keys()][step.which % this.world.rows.size];
        if (job !== undefined) this.#client.cancel(job);
        return;
      }
      case "rotate": {
        const live = [...this.world.rows.keys()].filter((job) => !this.world.hasEnded(job));
        const job = live[step.which % live.length];
        if (job === undefined || this.#upstream === undefined) return;
        const rotated = () => this.world.count("rotations");
        void this.#runtime.credentials.rotate(job).then(rotated, () => {});
        return;
      }
      case "pass":
        return this.#clock.advance(step.ms);
      case "turns":
        return settled(step.n);
      case "drop":
        this.world.count("drops");
        return this.#client.comeBack(this.#runtime, step.n);
      case "crash": {
        this.world.count("crashes");
        this.#isTakenOver = true;
        this.#runtime = this.#start();
        await this.#client.comeBack(this.#runtime, 0);
        this.#isTakenOver = false;
      }
    }
  }

  #submit({ agent, script, budget, maxRuntimeSec, expiresIn, key }: Step & { do: "submit" }): void {
    const expiry = expiresIn && new Date(this.#clock.now() + expiresIn).toISOString();
    const payload = {
      agent,
      input: { script },
      lease_request: leaseOf(budget),
      ...(maxRuntimeSec && { max_runtime_sec: maxRuntimeSec }),
      ...(expiry && { lease_constraints: { expires_at: expiry } }),
      ...(key !== undefined && { idempotency_key: `k${key}` }),
    };
    const known = key === undefined ? undefined : this.#keyed.get(key);
    if (key !== undefined) this.#keyed.set(key, known ?? payload);
    this.#client.submit(known ?? payload);
  }

  async #pass(times: number, ms: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      this.#clock.advance(ms);
      await settled(2);
    }
  }

  /** Some agents end only when told to. */
  async #endAll(): Promise<void> {
    for (let attempt = 0; attempt < 10; attempt++) {
      const cancelled = this.#runtime.jobs.cancelAll().catch(() => -1);
      await this.#pass(40, 100);
      if ((await cancelled) === 0) return;
    }
  }

  #judgeCredentials(): void {
    const alive = [...(this.#upstream?.alive.keys() ?? [])];
    if (alive.length > 0) this.world.breach("R-9.8-6", `${alive.join(", ")} are alive`);
    const listed = this.#runtime.credentials.list();
    if (listed.length > 0) this.world.breach("R-9.8-8", `${JSON.stringify(listed)} are listed`);
    const { pending, running } = this.#runtime.jobs.count();
    if (pending + running > 0) this.world.breach("J3", `${pending + running} jobs live on`);
  }
}
