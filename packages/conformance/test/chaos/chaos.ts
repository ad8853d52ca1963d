import { setTimeout as pause } from "node:timers/promises";
import { CountedClock } from "./counted-clock.ts";
import { Customer } from "./customer.ts";
import { type Effort, type Errand, errandOf } from "./errand.ts";
import { type House, openHouse } from "./house.ts";
import { comes, holdings, leftNothing } from "./leftovers.ts";
import type { Weather } from "./network.ts";
import { Random } from "./random.ts";
import { Tally } from "./tally.ts";
import { Vigil } from "./vigil.ts";

export interface ChaosPlan {
  readonly seed: number;
  readonly clients: number;
  readonly jobs: number;
  readonly effort: Effort;
  readonly weather: Weather;
  /** Milliseconds that anything somebody waits for may take. */
  readonly patience: number;
}

export interface ChaosReport {
  readonly seconds: number;
  readonly tally: Tally;
}

const tokens = { "token-of-alice": "alice", "token-of-bob": "bob" };
/** Half of the clients are where everything is kept. */
const places = ["steady", "short window", "steady", "small logs"] as const;
/** Every fifth aborts its client now and then. */
const IMPATIENT = 5;
/** The share of the jobs that somebody else watches, too. */
const WATCHED = 0.4;

/** A customer, what it has to get done, and who could watch it. */
interface Life {
  readonly customer: Customer;
  readonly errands: readonly Errand[];
  readonly neighbours: readonly Customer[];
  readonly random: Random;
}

/**
 * Runs jobs of many clients through networks that delay, cut, hang and repeat, and insists that every job comes to its
 * right end before everybody who follows it, each event once and in order, and that nothing is left behind.
 * @param log told how it goes
 * @throws Error when that does not hold; it names the errand
 */
export async function unleash(
  plan: ChaosPlan,
  log: (line: string) => void = () => {},
): Promise<ChaosReport> {
  const tally = new Tally();
  const vigil = new Vigil(plan.patience);
  const [near, far] = [new CountedClock(), new CountedClock()];
  const random = new Random(plan.seed);
  const before = holdings();
  const begun = performance.now();
  const houses = new Map<string, House>();
  for (const character of new Set(places)) {
    const { weather } = plan;
    const parts = { tokens, clock: far, random: random.fork(), weather, tally };
    houses.set(character, await openHouse(character, parts));
  }
  try {
    const lives = populate(plan, houses, { clock: near, tally, vigil, random });
    const watch = setInterval(
      () => log(`  ${tally.of("jobs: done")} of ${plan.jobs} jobs`),
      15_000,
    );
    await liveAll(lives, plan, tally).finally(() => clearInterval(watch));
    for (const { network } of houses.values()) network.calm();
    const leaving = lives.map(({ customer }) => customer.leave());
    await vigil.over("saying goodbye", Promise.all(leaving));
    await comes(
      () => near.armed.length === 0,
      () => `the clients left timers:\n${near.armed.join("\n")}`,
    );
    await Promise.all([...houses.values()].map(checkHouse));
    await checkRuns([...houses.values()], plan.jobs);
  } catch (error) {
    for (const line of tally.lines) log(line);
    throw error;
  } finally {
    const closing = [...houses.values()].map((house) => house.close());
    await vigil.over("closing the runtimes", Promise.all(closing));
  }
  await leftNothing(before, [near, far]);
  return { seconds: (performance.now() - begun) / 1000, tally };
}

function populate(
  plan: ChaosPlan,
  houses: ReadonlyMap<string, House>,
  { random, ...parts }: { clock: CountedClock; tally: Tally; vigil: Vigil; random: Random },
): Life[] {
  const groups = new Map<string, Customer[]>();
  return Array.from({ length: plan.clients }, (_, i) => {
    const character = places[i % places.length] ?? "steady";
    const token = Object.keys(tokens)[Math.floor(i / places.length) % 2] ?? "";
    const house = houses.get(character);
    if (house === undefined) throw new Error(`there is no house of ${character}`);
    const customer = new Customer({
      ...parts,
      name: `customer ${i}, ${character}`,
      token,
      random: random.fork(),
      impatient: i % IMPATIENT === IMPATIENT - 1,
      house,
    });
    const key = `${character} ${token}`;
    const neighbours = groups.get(key) ?? [];
    groups.set(key, neighbours);
    neighbours.push(customer);
    const share = Math.floor((plan.jobs - i - 1) / plan.clients) + 1;
    const errands = Array.from({ length: share }, (_, n) =>
      errandOf(`errand ${i}.${n}`, random.fork(), plan.effort),
    );
    return { customer, errands, neighbours, random: random.fork() };
  });
}

/** @throws what fails first */
async function liveAll(lives: readonly Life[], plan: ChaosPlan, tally: Tally): Promise<void> {
  const failure = Promise.withResolvers<never>();
  const watching: Promise<void>[] = [];
  const watch = ({ customer, neighbours, random }: Life, errand: Errand, jobId: string): void => {
    const viewer = random.pick(neighbours);
    if (viewer === customer || !random.chance(WATCHED)) return;
    tally.add("jobs: watched by somebody else");
    watching.push(viewer.watch(errand, jobId).catch(failure.reject));
  };
  const lane = async (life: Life, queue: Errand[]): Promise<void> => {
    await pause(life.random.between(0, plan.effort.ms / 10));
    for (let errand = queue.shift(); errand !== undefined; errand = queue.shift()) {
      const one = errand;
      await life.customer.run(one, (jobId) => watch(life, one, jobId));
      tally.add("jobs: done");
    }
  };
  const lanes = lives.flatMap((life) => {
    const queue = [...life.errands];
    return [lane(life, queue), lane(life, queue)];
  });
  await Promise.race([Promise.all(lanes), failure.promise]);
  await Promise.race([Promise.all(watching), failure.promise]);
}

/** Insists that the runtime knows that everybody has left. */
async function checkHouse({ runtime, logged }: House): Promise<void> {
  const connected = (): string[] =>
    [...runtime.sessions.list()].flatMap(({ id, connected }) => (connected ? [id] : []));
  await comes(
    () => connected().length === 0,
    () => `still connected: ${connected().join(", ")}`,
  );
  const errors = logged.filter((line) => line.includes('"level":"error"'));
  if (errors.length > 0) throw new Error(`the runtime logged errors:\n${errors.join("\n")}`);
}

/** Insists that no errand was run twice, however often it was submitted, and that none runs any more. */
async function checkRuns(houses: readonly House[], expected: number): Promise<void> {
  let jobs = 0;
  for (const { runtime } of houses) {
    for await (const { id, status } of runtime.jobs.list()) {
      jobs += 1;
      if (status === "running" || status === "pending") throw new Error(`${id} is ${status}`);
    }
  }
  if (jobs !== expected) throw new Error(`${jobs} jobs were run for ${expected} errands`);
}
