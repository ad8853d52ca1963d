import {
  ArcpError,
  type Clock,
  type Dial,
  linkedPair,
  REQUEST_ID_FEATURE,
  systemClock,
  type Transport,
} from "@arcp/core";
import { createRuntime, defineAgent, type Profile, tokenTable } from "@arcp/runtime";
import { describe, expect, test } from "vitest";
import { expectNoUnhandledRejections } from "../../test/no-unhandled-rejections.ts";
import { collect } from "../../test/scripted-runtime.ts";
import { type Client, connect } from "../index.ts";

expectNoUnhandledRejections();

/** A timer of this many milliseconds or more is a timeout, for what never comes, and not a pause. */
const LONG = 5_000;
/** The client's pauses are short. */
const hasty: Clock = {
  ...systemClock,
  after: (ms, fire) => systemClock.after(ms < LONG ? ms / 50 : ms, fire),
};

/** A number below `n`, on each call. */
type Below = (n: number) => number;

/** The same numbers for the same seed (mulberry32). */
function randomOf(seed: number): Below {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

const echo = defineAgent({
  name: "echo",
  run: async (ctx, input) => {
    for (let n = 0; n <= Number(input) % 4; n++) await ctx.log.info(`${input}`);
    return input;
  },
});
const failing = defineAgent({
  name: "failing",
  run: async (ctx, input) => {
    await ctx.log.info(`${input}`);
    throw new ArcpError("PERMISSION_DENIED", `${input}`);
  },
});
const endless = defineAgent({
  name: "endless",
  run: (ctx) =>
    new Promise((_, reject) => {
      if (ctx.signal.aborted) reject(ctx.signal.reason);
      ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason), { once: true });
    }),
});

/** Our runtime and our client, without its mark, over connections that break at any frame of either side. */
class World {
  readonly below: Below;
  readonly runtime;
  readonly profile: Profile;
  drops: number;
  #left: number;

  constructor(profile: Profile, seed: number) {
    this.below = randomOf(seed);
    this.profile = profile;
    this.drops = this.below(8);
    this.#left = 1 + this.below(12);
    this.runtime = createRuntime({
      auth: tokenTable({ secret: "alice" }),
      agents: [echo, failing, endless],
      policy: { dialect: () => profile },
    });
  }

  readonly dial: Dial = async () => {
    const line = linkedPair();
    const brittle = ({ frames, close, send }: Transport, end: Transport): Transport => ({
      frames,
      close: close.bind(end),
      send: (all) => {
        const first = all.findIndex(() => this.#breaks());
        const sent = first < 0 ? all : all.slice(0, first);
        const done = send.call(
          end,
          sent.map((frame) => frame.replaceAll(`,"${REQUEST_ID_FEATURE}"`, "")),
        );
        if (first >= 0) void Promise.resolve().then(() => line.sever());
        return done;
      },
    });
    this.runtime.serve(brittle(line.runtime, line.runtime));
    return brittle(line.client, line.client);
  };

  #breaks(): boolean {
    if (this.drops === 0 || --this.#left > 0) return false;
    this.drops -= 1;
    this.#left = 1 + this.below(15);
    return true;
  }

  async connected(): Promise<Client> {
    for (;;) {
      try {
        return await connect(this.dial, { token: "secret", clock: hasty });
      } catch (error) {
        if (this.drops === 0) throw error;
      }
    }
  }
}

/** The outcomes that a request may have if its connection was lost. */
function lost(error: unknown): undefined {
  expect(error).toMatchObject({ code: "SESSION_LOST" });
}

/** One caller, which checks that it gets only its own replies. */
async function call(client: Client, { below, profile }: World, n: number): Promise<void> {
  switch (below(7)) {
    case 0:
    case 1: {
      const job = await client.submit("echo", n, { idempotencyKey: `key ${n}` });
      expect(await job.result()).toBe(n);
      const logged = (await collect(job.events)).filter(({ kind }) => kind === "log");
      expect(logged.map(({ body }) => "message" in body && body.message)).toEqual(
        Array.from({ length: 1 + (n % 4) }, () => `${n}`),
      );
      return;
    }
    case 2: {
      const job = await client.submit("echo", n).catch(lost);
      if (job === undefined) return;
      expect(await job.result()).toBe(n);
      const watched = await client.subscribe(job.id, { history: true });
      expect(await watched.result()).toBe(n);
      return;
    }
    case 3: {
      const job = await client.submit("failing", n).catch(lost);
      const end = job?.result() ?? Promise.reject({ message: `${n}` });
      return expect(end).rejects.toMatchObject({ message: `${n}` });
    }
    case 4: {
      const error = await client.submit("nobody", n).catch((thrown) => thrown);
      // It is accepted for form's sake, and the error that fails it may be lost with a connection.
      if (profile === "csharp" && !("code" in error)) return;
      if (error.code !== "AGENT_NOT_AVAILABLE") lost(error);
      return;
    }
    case 5: {
      const job = await client.submit("endless", n).catch(lost);
      if (job === undefined) return;
      const ended = expect(job.result()).rejects.toMatchObject({ code: "CANCELLED" });
      await job.cancel();
      return ended;
    }
    default:
      await collect(client.jobs());
  }
}

describe.each(["draft", "typescript", "java", "go", "csharp"] as const)("as %s", (profile) => {
  test.each([20, 21, 22, 24, 25, 26])(
    "R-5.4-6, R-5.4-8, R-8.3-1: over lost connections every caller gets its own replies, seed %i",
    async (seed) => {
      const world = new World(profile, seed);
      const client = await world.connected();
      const calls: Promise<void>[] = [];
      for (let n = 0; n < 12; n++) {
        calls.push(call(client, world, n));
        if (world.below(3) === 0) await new Promise(setImmediate);
      }
      for (const each of await Promise.allSettled(calls)) {
        if (each.status === "rejected") throw each.reason;
      }
      await client.close();
      await world.runtime.close();
    },
  );
});
