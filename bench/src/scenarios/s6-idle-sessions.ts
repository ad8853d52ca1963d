import { noMoreThan } from "../goal.ts";
import { LoadClient } from "../load-client.ts";
import type { Scenario } from "../scenario.ts";

/** Sessions that are connected before the measurement: they take up what a process has left over from its start. */
const BEFORE = 1_000;
/** Handshakes at a time. */
const WAVE = 50;
/** The features that our own client agrees on, as far as they cost a session anything. */
const FEATURES = ["heartbeat", "ack", "list_jobs", "subscribe", "progress", "result_chunk"];
const MANY = 100_000;

/** Sessions that have said hello and then wait, over a WebSocket each. */
function idleSessions(count: number, must: number, aim: number): Scenario {
  const id = `S6-${count}`;
  const metric = "rss";
  return {
    id,
    title: `${count.toLocaleString("en")} idle sessions`,
    operation: "session",
    size: { warmUp: BEFORE, measured: count },
    targets: ["L1", "runtime", "runtime-sqlite"],
    metrics: [
      { name: "rss", unit: "KiB/session", digits: 1 },
      { name: "heap", unit: "KiB/session", digits: 1 },
    ],
    goals: [
      noMoreThan({ id, metric, unit: "KiB/session", must, aim }),
      noMoreThan({
        id: `${id}d`,
        metric,
        target: "runtime-sqlite",
        unit: "KiB/session",
        must,
        aim,
      }),
    ],
    server: {
      limits: { connectedSessionsPerPrincipal: MANY, sessionsPerPrincipal: MANY },
      // The young generation grows to its full size under any load and stays there. It has that size from the start, in the raw
      // server as well: otherwise its growth would count as memory that sessions hold.
      nodeOptions: ["--expose-gc", "--min-semi-space-size=16", "--max-semi-space-size=16"],
    },
    async prepare({ url, size: { warmUp, measured } }) {
      const sessions: LoadClient[] = [];
      const open = async (more: number): Promise<void> => {
        for (let i = 0; i < more; i += WAVE) {
          const wave = Array.from({ length: Math.min(WAVE, more - i) }, () =>
            LoadClient.open(url, { features: FEATURES }),
          );
          sessions.push(...(await Promise.all(wave)));
        }
      };
      await open(warmUp);
      return {
        async measure() {
          await open(measured);
          return {};
        },
      };
    },
    before: async (ask) => ({ ...(await ask("memoryAtRest", null)) }),
    async after(ask, { sample: before }) {
      const { rss, heap } = await ask("memoryAtRest", null);
      const each = (now: number, then = 0): number => (now - then) / 1024 / count;
      return { rss: each(rss, before["rss"]), heap: each(heap, before["heap"]) };
    },
  };
}

export const s6: readonly Scenario[] = [idleSessions(1_000, 25, 18), idleSessions(5_000, 16, 12)];
