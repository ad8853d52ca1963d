// Events, a long result, printing agents and killed parents over stdio: `soak stdio [events] [MiB] [kills]`.
import { Writable } from "node:stream";
import { connect } from "@arcp/client";
import { amount } from "../../../scripts/soak-arguments.ts";
import { chat, cross, orphan } from "../test/crossing.ts";
import { CHUNK } from "../test/load.ts";
import { spawned } from "../test/spawned.ts";

const MIB = 1024 * 1024;
const [many, large, often] = process.argv.slice(2);
const [events, mib, kills] = [amount(many, 10_000), amount(large, 32), amount(often, 10)];
const rounds = 1_000;

const { bytes, eventsMs, resultMs } = await cross(events, (mib * MIB) / CHUNK);
console.log(
  `${events} events in ${Math.round(eventsMs)} ms, a result of ${bytes / MIB} MiB in ${Math.round(resultMs)} ms: all as they were sent`,
);

let printed = "";
const stderr = new Writable({
  write(chunk, _encoding, done) {
    printed += chunk;
    done();
  },
});
const client = await connect(spawned([], { stderr }), { token: "secret" });
await chat(client, rounds, () => printed);
console.log(`${rounds} events of an agent that printed ${printed.length} characters: all came`);

const waits: number[] = [];
for (let i = 0; i < kills; i++) waits.push(await orphan());
waits.sort((a, b) => a - b);
const median = waits[Math.floor(waits.length / 2)] ?? 0;
console.log(
  `${kills} parents killed with SIGKILL: every child was gone, after ${Math.round(median)} ms (median), ${Math.round(waits.at(-1) ?? 0)} ms at most`,
);
