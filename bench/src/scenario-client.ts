import type { Scenario } from "./scenario.ts";
import type { StreamReader } from "./stream-reader.ts";
import type { TargetName } from "./targets/target.ts";

/** The same stream as in `events`, end to end: read with `for await`, by our own client and by that of graphql-ws. */
export const client: Scenario = {
  name: "client",
  title: "small log events, one job to one client as its users have it",
  operation: "event",
  size: { warmUp: 10_000, measured: 50_000 },
  limits: ["graphql-ws"],
  ours: ["runtime"],
  aims: [
    {
      metric: "rate",
      target: "runtime",
      limit: "graphql-ws",
      atLeast: 4.5,
      enough: { name: "S3c", figure: 65_000, unit: "events/s" },
    },
  ],
  metrics: [{ name: "rate", unit: "events/s", digits: 0, compared: true }],
  jobs: ({ warmUp, measured }) => [warmUp, measured],
  async prepare(url, { warmUp, measured }, target) {
    const reader = await openReader(url, target);
    await reader.read(warmUp);
    return {
      async measure() {
        return { rate: (measured / (await reader.read(measured))) * 1000 };
      },
    };
  },
};

// Loaded on demand, or each process would carry both.
async function openReader(url: string, target: TargetName): Promise<StreamReader> {
  if (target === "graphql-ws") return (await import("./graphql-reader.ts")).openGraphqlReader(url);
  return (await import("./arcp-reader.ts")).openArcpReader(url);
}
