// Clients that are killed with -9 in mid-job, each followed by one that restores its session: `soak restore [kills] [seed]`.
import { amount, seedOf } from "../../../scripts/soak-arguments.ts";
import { Random } from "../test/chaos/random.ts";
import { killClients } from "../test/restore/restoring.ts";
import { Scratch } from "../test/scratch.ts";

const [times, given] = process.argv.slice(2);
const kills = amount(times, 25);
const seed = seedOf(given);
const random = new Random(seed);
const houses = [
  { title: "a memory store", durable: false, window: 600 },
  { title: "sqlite", durable: true, window: 600 },
  { title: "a memory store that forgets sessions after a second", durable: false, window: 1 },
];
for (const { title, durable, window } of houses) {
  console.log(`restore: ${kills} kills over ${title}, seed ${seed}`);
  using scratch = new Scratch();
  const directory = scratch.path;
  const store = durable ? scratch.newFile() : "memory";
  const plan = { kills, directory, store, window, random };
  const { shot, suicides, sessions, events, clients } = await killClients(plan, (line) =>
    console.log(`  ${line}`),
  );
  console.log(
    `${shot} clients were shot and ${suicides} killed themselves at a chosen moment; over ${sessions} ` +
      `${sessions === 1 ? "session" : "sessions"} the ${events} events were handled once each and in order, by ${clients} clients`,
  );
}
