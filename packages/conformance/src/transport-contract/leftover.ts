import { fill } from "./back-pressure.ts";
import { eventually } from "./patience.ts";
import { Reader } from "./reader.ts";
import { frames } from "./sample-frame.ts";
import {
  type OpenConnection,
  type OpenTransport,
  type TransportCase,
  transportCase,
} from "./transport-case.ts";

const TIMES = 10;

export const leftoverCases: readonly TransportCase[] = [
  transportCase("a closed connection leaves no timer and no handle behind", [], (open) =>
    leavesNothing(open, async ({ client, runtime }) => {
      await client.send(frames(3));
      await new Reader(runtime).take(2);
      client.close();
      await new Reader(client).ending();
    }),
  ),

  transportCase("nor does one that was closed while it was full", [], (open) =>
    leavesNothing(
      open,
      async ({ client, runtime }) => {
        await fill(runtime);
        runtime.close();
        client.close();
      },
      2,
    ),
  ),

  transportCase("nor does one that broke", ["sever"], (open) =>
    leavesNothing(open, async (connection) => {
      const { client, runtime } = connection;
      client.send(frames(3)).catch(() => {});
      await open.sever?.(connection);
      for (const end of [client, runtime]) await new Reader(end).ending();
    }),
  ),
];

/** Insists that the process holds no more than before, some time after connections were closed on both ends. */
async function leavesNothing<C extends OpenConnection>(
  open: OpenTransport<C>,
  use: (connection: C) => Promise<void>,
  times = TIMES,
): Promise<void> {
  const before = held();
  for (let i = 0; i < times; i++) {
    const connection = await open.open();
    try {
      await use(connection);
    } finally {
      connection.client.close();
      connection.runtime.close();
      await open.release?.(connection);
    }
  }
  const left = (): string[] =>
    [...held()].flatMap(([kind, count]) => {
      const more = count - (before.get(kind) ?? 0);
      return more > 0 ? [`${more} ${kind}`] : [];
    });
  await eventually(
    () => left().length === 0,
    () => `${times} connections left behind: ${left().join(", ")}`,
  );
}

/** What keeps the process alive, by kind. */
function held(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}
