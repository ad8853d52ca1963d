import type { Random } from "../chaos/random.ts";
import type { AgentName } from "./crew.ts";
import type { Guest } from "./guest.ts";
import type { Scene } from "./scene.ts";

interface Deed {
  /** How often it is done, in comparison to the others. */
  readonly weight: number;
  readonly act: (scene: Scene, random: Random) => void | Promise<void>;
}

const GUESTS = 10;
const KEYS = ["k0", "k1", "k2"];
const LEASE = { "agent.delegate": ["*"] };

const agent = (random: Random): AgentName => (random.chance(0.7) ? "led" : "again");

/** An agent may be over, too fast, or have a client that takes no chunks. */
function mayBeRefused(act: () => unknown): void {
  new Promise((resolve) => resolve(act())).catch(() => {});
}

/** Something that a guest who is there does. */
const byGuest =
  (act: (scene: Scene, random: Random, guest: Guest) => void | Promise<void>): Deed["act"] =>
  (scene, random) => {
    const guest = random.oneOf(scene.connected);
    return guest && act(scene, random, guest);
  };

/** Something that a guest does with a job. */
const withJob = (act: (random: Random, guest: Guest, job: string) => void): Deed["act"] =>
  byGuest(({ jobs }, random, guest) => {
    const job = random.oneOf([...jobs]);
    if (job !== undefined) act(random, guest, job);
  });

const table = {
  invite: {
    weight: 4,
    act: async (scene, random) => {
      if (scene.guests.length < GUESTS) await scene.invite(random);
    },
  },
  submit: {
    weight: 12,
    act: byGuest((scene, random, guest) => {
      const live = guest.account.owned.filter((job) => scene.house.runs.has(job));
      const parent = random.chance(0.35) ? random.oneOf(live) : undefined;
      const key = random.chance(0.4) ? random.pick(KEYS) : undefined;
      guest.request("job.submit", {
        agent: agent(random),
        input: null,
        lease_request: LEASE,
        ...(parent && { parent_job_id: parent }),
        ...(key && { idempotency_key: key }),
      });
    }),
  },
  speak: {
    weight: 30,
    act: ({ house, jobs }, random) => {
      const run = random.oneOf([...house.runs.values()]);
      if (run === undefined) return;
      const { ctx } = run;
      const kind = random.integer(0, 19);
      if (kind >= 17) mayBeRefused(() => ctx.status(`s${++run.said}`));
      else if (kind >= 14) {
        const options = random.chance(0.7) ? { lease: LEASE } : {};
        const name = agent(random);
        mayBeRefused(async () => jobs.add((await ctx.delegate(name, null, options)).id));
      } else {
        for (let times = random.integer(1, 4); times > 0; times--) {
          run.said += 1;
          if (kind < 2) mayBeRefused(() => ctx.result.write("chunk"));
          else if (kind < 8) mayBeRefused(() => ctx.log.info(`x${run.said}`));
          else mayBeRefused(() => ctx.progress({ current: run.said }));
        }
      }
    },
  },
  finish: {
    weight: 7,
    act: ({ house: { runs }, story }, random) => {
      const job = random.oneOf([...runs.keys()]);
      if (job === undefined) return;
      story.tell(`${job} returns`);
      runs.get(job)?.end();
      runs.delete(job);
    },
  },
  watch: {
    weight: 10,
    act: withJob((random, guest, job) => {
      const how = random.integer(0, 3);
      const payload = {
        job_id: job,
        ...(how > 0 && { history: true }),
        ...(how === 2 && { from_event_seq: random.integer(0, 19) }),
        ...(how === 3 && { from_job_seq: random.integer(0, 11) }),
      };
      guest.request("job.subscribe", payload);
    }),
  },
  unwatch: {
    weight: 4,
    act: withJob((_random, guest, job) => {
      guest.account.leaves(job);
      guest.request("job.unsubscribe", { job_id: job });
    }),
  },
  acknowledge: {
    weight: 5,
    act: byGuest((_scene, random, guest) => {
      guest.note();
      if (!guest.acks) return;
      const { last } = guest.account;
      const seq = random.chance(0.8) ? last : Math.max(0, last - random.integer(0, 5));
      guest.acknowledge(random.chance(0.1) ? seq + 1000 : seq);
    }),
  },
  comeBack: {
    weight: 10,
    act: async (scene, random) => {
      const guest = random.oneOf(scene.present);
      if (guest === undefined) return;
      if (guest.isConnected && random.chance(0.6)) {
        scene.story.tell(`${guest.name} drops`);
        guest.sever();
        if (random.chance(0.5)) await scene.house.settle(random.integer(0, 9));
        guest.leave();
        if (random.chance(0.5)) return;
      }
      await scene.resume(guest, random);
    },
  },
  crash: {
    weight: 2,
    act: async (scene, random) => {
      // Right when much is being forgotten.
      if (random.chance(0.3)) await scene.endWindows(random.integer(0, 12));
      await scene.crash();
      if (random.chance(0.5)) await scene.house.settle(random.integer(0, 39));
    },
  },
  endWindows: { weight: 3, act: (scene, random) => scene.endWindows(random.integer(0, 40)) },
  endSession: {
    weight: 2,
    act: byGuest(async ({ house, story }, random, guest) => {
      story.tell(`the operator ends the session of ${guest.name}`);
      guest.note();
      guest.isGone = true;
      void house.runtime.sessions.end(guest.session as string, "over").catch(() => {});
      await house.settle(random.integer(0, 9));
    }),
  },
  list: {
    weight: 2,
    act: byGuest((_scene, _random, guest) => void guest.request("session.list_jobs", {})),
  },
  cancel: {
    weight: 2,
    act: async (scene, random) => {
      await withJob((_, guest, job) => void guest.request("job.cancel", { job_id: job }))(
        scene,
        random,
      );
      // Beyond what a cancelled agent has to stop.
      scene.house.clock.advance(20_000);
    },
  },
  pass: { weight: 7, act: ({ house }, random) => house.settle(random.integer(0, 49)) },
} satisfies Record<string, Deed>;

export type DeedName = keyof typeof table;
export const deeds: Readonly<Record<DeedName, Deed>> = table;
