import type { Goal, Scenario } from "../scenario.ts";
import type { StreamReader } from "../stream-reader.ts";
import type { TargetName } from "../targets/target.ts";

/** This many events per second through our client are enough on any machine. */
const ENOUGH = 65_000;
/** And this many times what graphql-ws does, on a machine where that is less. */
const TIMES = 4.5;

const goal: Goal = {
  id: "S3c",
  title: `rate of runtime over ${ENOUGH.toLocaleString("en")} events/s, or ${TIMES} times that of graphql-ws if lower`,
  unit: "x",
  digits: 2,
  better: "higher",
  must: 1,
  aim: 1,
  of: (round) => round("runtime", "rate") / Math.min(ENOUGH, TIMES * round("graphql-ws", "rate")),
};

/** The same stream as in S3, end to end: read with `for await`, by our own client and by that of graphql-ws. */
export const s3c: Scenario = {
  id: "S3c",
  title: "small log events, one job to one client, through a client library",
  operation: "event",
  size: { warmUp: 10_000, measured: 50_000 },
  targets: ["graphql-ws", "L1", "runtime", "runtime-sqlite"],
  metrics: [{ name: "rate", unit: "events/s", digits: 0 }],
  goals: [goal],
  async prepare({ url, target, size: { warmUp, measured } }) {
    const reader = await openReader(url, target);
    await reader.read(warmUp);
    return {
      async measure() {
        return { rate: (measured / (await reader.read(measured))) * 1000 };
      },
    };
  },
};

// Loaded on demand: otherwise each process would carry both.
async function openReader(url: string, target: TargetName): Promise<StreamReader> {
  if (target === "graphql-ws") return (await import("../graphql-reader.ts")).openGraphqlReader(url);
  return (await import("../arcp-reader.ts")).openArcpReader(url);
}
