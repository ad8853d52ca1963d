import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { connect } from "@arcp/client";
import { createRuntime, defineTool, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";
import colours from "picocolors";
import { z } from "zod";
import { ClientProcess } from "./client-process.ts";
import { csvReport } from "./csv-report.ts";
import { expectedReport, rateOf, writeOrders } from "./orders.ts";
import type { Screen } from "./screen.ts";

const { green, red } = colours;

export interface StoryOptions {
  readonly rows: number;
  /** How long the tool calls for one report take together. */
  readonly seconds: number;
}

/**
 * Has a report made while the client's connection is cut and then the client killed.
 * @throws if anything that it shows does not hold
 */
export async function story({ rows, seconds }: StoryOptions, screen: Screen): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "arcp-csv-"));
  cleanup.defer(() => rm(directory, { recursive: true }));
  cleanup.defer(() => screen.settle());
  const csv = join(directory, "orders.csv");
  const report = join(directory, "report.csv");
  await writeOrders(csv, rows);
  screen.say(`${csv} has ${rows} rows`);

  // Exchange rates come from a tool. For two of the months the agent must wait until the story gets there.
  const cut = Promise.withResolvers<void>();
  const killed = Promise.withResolvers<void>();
  const published = new Map([
    ["2026-05", cut.promise],
    ["2026-09", killed.promise],
  ]);
  const exchangeRate = defineTool({
    input: z.object({ month: z.string() }),
    async run({ month }, { signal }) {
      await setTimeout((1_000 * seconds) / 12, undefined, { signal });
      await published.get(month);
      return rateOf(month);
    },
  });
  const runtime = cleanup.use(
    createRuntime({
      agents: [csvReport],
      tools: { "exchange-rate": exchangeRate },
      auth: tokenTable({ "a-token": "alice" }),
    }),
  );
  const sockets: Socket[] = [];
  const server = cleanup.use(
    await listen({ port: 0 }, (transport, peer, request) => {
      sockets.push(request.socket);
      runtime.serve(transport, peer);
    }),
  );

  // The client is a program of its own. A credit pays for a thousand rows, and one is left over.
  const credits = Math.ceil(rows / 1_000) + 1;
  const args = [server.url, csv, report, join(directory, "session.json"), `${credits}`];
  const first = cleanup.use(new ClientProcess(args));
  let started: { readonly session: string; readonly job: string } | undefined;
  let isCut = false;
  for await (const line of first.lines) {
    if ("job" in line) {
      started = line;
      screen.say(`client ${first.pid} submitted ${line.job}: ${credits} credits`);
    }
    if (!("rows" in line)) continue;
    screen.progress(line.rows);
    if (!isCut && line.rows >= rows / 4) {
      isCut = true;
      for (const socket of sockets) socket.resetAndDestroy();
      cut.resolve();
      screen.say(red(`its TCP connection was reset after ${line.rows} rows`));
    }
    // It is connected again, since the agent did not get here before the cut.
    if (line.rows >= rows * 0.6) {
      await first.kill();
      screen.say(red(`it came back, and was killed (SIGKILL) after ${line.rows} rows`));
      break;
    }
  }
  const partial = await readFile(report, "utf8");
  const connections = sockets.length;
  // The first one too, if the client ended by itself: then the checks below say so.
  for (const gate of [cut, killed]) gate.resolve();

  const second = cleanup.use(new ClientProcess(args));
  let resumed: typeof started;
  let end:
    | { readonly events: number; readonly inOrder: boolean; readonly left: number }
    | undefined;
  for await (const line of second.lines) {
    if ("job" in line) {
      resumed = line;
      screen.say(green(`client ${second.pid} goes on with ${line.job}`));
    } else if ("rows" in line) screen.progress(line.rows);
    else end = line;
  }
  assert.equal(await second.ended(), 0);
  screen.settle();
  const whole = await readFile(report, "utf8");
  screen.say(whole.trimEnd().replaceAll(/^/gm, "  "));

  assert.equal(connections, 2);
  assert.deepEqual(resumed, started);
  screen.say("ok  one job and one session, over two processes and three connections");
  assert.equal(whole, expectedReport(rows));
  screen.say("ok  the report is right, to the cent");
  assert(partial.length < whole.length && whole.startsWith(partial));
  screen.say(`ok  the first client had written ${partial.length} of its ${whole.length} bytes`);
  assert.equal(end?.inOrder, true);
  screen.say(`ok  the second client saw events 1 to ${end.events}, each once and in order`);
  assert.equal(end.left, Number((credits - rows / 1_000).toFixed(3)));
  screen.say(`ok  ${rows} rows cost ${rows / 1_000} credits: ${end.left} of ${credits} left`);

  // Half of the credits: the report ends with the last rows that are paid for.
  const client = cleanup.use(await connect(dial(server.url), { token: "a-token" }));
  const half = Math.floor(credits / 2);
  const lease = {
    "fs.read": [csv],
    "tool.call": ["exchange-rate"],
    "cost.budget": [`credits:${half}.5`],
  };
  const poor = await client.agent<typeof csvReport>("csv-report").submit({ path: csv }, { lease });
  assert.match(await poor.text(), new RegExp(`the budget ended after ${half}000 rows\n$`));
  screen.say(`ok  ${half}.5 credits are worth ${half}000 rows, and the report says so`);
  const nosy = await client
    .agent<typeof csvReport>("csv-report")
    .submit({ path: report }, { lease });
  await assert.rejects(nosy.text(), { code: "PERMISSION_DENIED" });
  screen.say("ok  a file that the lease does not name is not read");
}
