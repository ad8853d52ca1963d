import { numberOf } from "./checks.ts";
import type { FaultName } from "./fault.ts";
import type { Step } from "./step.ts";
import { type Configuration, type ModelJob, recordName, SECRET, type World } from "./world.ts";

/** What a job, its committer and the log's limits may do next. */
export function jobSteps(world: World, { scripts }: Configuration, fault?: FaultName): Step[] {
  return world.jobs.flatMap((job, j): Step[] => {
    const steps: Step[] = [];
    const step = (what: string, run: (job: ModelJob, next: World) => void, fair = false): void => {
      steps.push({
        name: `${job.id} ${what}`,
        fair,
        run: (next) => {
          const own = next.jobs[j];
          if (own !== undefined) run(own, next);
        },
      });
    };
    const script = scripts[j] ?? [];
    const { written } = job;
    const kind = script[written];
    const open = !job.ended || fault === "two-endings";
    if (world.up && !job.ended && kind !== undefined) {
      step(`append ${kind}`, (own, { life }) => {
        const record = recordName(kind, ++own.written, own.id, `${life}`);
        const leaks = fault === "secret-logged" && kind === "credential_rotated";
        own.accepted.push(leaks ? `${record} ${SECRET}` : record);
      });
    }
    // The first ending wins (J3): the agent's, or a cancel that is quicker.
    const end = (own: ModelJob, { life }: World, by: string): void => {
      own.ended = true;
      own.accepted.push(recordName("terminal", ++own.written, own.id, `${life}${by}`));
    };
    if (world.up && open && kind === undefined && written <= script.length) {
      step("end by its agent", (own, next) => end(own, next, "a"));
    }
    if (world.up && open && world.left.cancels > 0) {
      step("end by a cancel", (own, next) => {
        next.left.cancels -= 1;
        end(own, next, "c");
      });
    }
    if (world.up && job.accepted.length > 0) {
      step("commit", commit, true);
    }
    if (job.late !== undefined) {
      step("commit of the process before", ({ late, ...own }, next) => {
        const fits = late?.after === own.log.length || fault === "unfenced-append";
        if (late !== undefined && fits) own.log.push(late.record);
        next.jobs[j] = { ...own, late: undefined };
      });
    }
    // The newest record stays.
    if (world.left.evictions > 0 && job.log.length - job.floor > 1) {
      step("evict", (own, next) => {
        own.floor += 1;
        next.left.evictions -= 1;
      });
    }
    return steps;
  });
}

/** A compare-and-set on the log's end: a writer that finds another's record there is fenced off for good (J1). */
function commit(job: ModelJob): void {
  const [record = ""] = job.accepted.splice(0, 1);
  if (numberOf(record) === job.log.length + 1) job.log.push(record);
  else {
    job.accepted = [];
    job.ended = true;
  }
}
