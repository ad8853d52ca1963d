// Lets jobs with credentials end in every way under a bad upstream, and kills what can be killed: `soak credentials [jobs]`.
import { amount } from "../../../scripts/soak-arguments.ts";
import { outlive } from "../test/outliving.ts";
import { Scratch } from "../test/scratch.ts";

const jobs = amount(process.argv[2], 200);
using scratch = new Scratch();
const { ends, credentials, kills, searched } = await outlive(scratch.path, jobs, (line) =>
  console.log(line),
);
const wanted = ["success", "refused", "INTERNAL_ERROR", "CANCELLED", "TIMEOUT", "LEASE_EXPIRED"];
const missing = wanted.filter((end) => ends[end] === undefined);
if (jobs >= 200 && missing.length > 0) throw new Error(`none was ${missing.join(", ")}`);
console.log(
  Object.entries(ends)
    .map(([end, count]) => `${count} ${end}`)
    .join(", "),
);
console.log(
  `${credentials} credentials, ${kills} kills: each revoked, none alive, none in ${searched} bytes of store, log and watcher`,
);
