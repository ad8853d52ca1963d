import "../../../scripts/require-node.mjs";
import { constants } from "node:os";
import { type Client, connect } from "@arcp/client";
import { newSecret, sleep, systemClock } from "@arcp/core";
import { createRuntime, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";
import { parseReport } from "./audit-report.ts";
import { classifier } from "./classify.ts";
import { BATCH, codeAudit, PRICE } from "./code-audit.ts";
import { openRelay } from "./cut.ts";
import { checks } from "./evidence.ts";
import { type Options, readOptions } from "./options.ts";
import { reportText } from "./report-text.ts";
import { openScreen, type Screen } from "./screen.ts";
import { Witness } from "./sequence-check.ts";
import { digits } from "./text.ts";
import { view } from "./viewing.ts";

/** Plays the story on a screen. @returns whether everything that it claims held */
async function play(options: Options, screen: Screen): Promise<boolean> {
  const { root, skip, files, probe, dropAt, seconds } = options;
  screen.heading("ARCP: a job that outlives its connection");

  // A runtime on a WebSocket, with an agent and a tool. The connection will break at one call of the tool.
  const calls = Math.ceil(files / BATCH);
  const dropCall = 1 + Math.floor(dropAt * calls);
  const classify = classifier({
    latency: (1000 * seconds) / calls,
    answering: (call) => {
      if (call === dropCall) void drop();
    },
  });
  const tokens = { alice: newSecret(), bob: newSecret() };
  // The price of a file is spent once it was read.
  let spent = (): void => {};
  const over = Promise.withResolvers<void>();
  await using runtime = createRuntime({
    agents: [codeAudit],
    tools: { classify },
    observer: { job: () => ({ spent: () => spent(), ended: () => over.resolve() }) },
    auth: tokenTable({ [tokens.alice]: "alice", [tokens.bob]: "bob" }),
    policy: { mayObserve: (principal) => principal === "bob" },
  });
  await using server = await listen({ port: 0 }, (transport, peer) =>
    runtime.serve(transport, peer),
  );
  screen.say(`code-audit is served at ${server.url}`, "step");

  // Alice connects through a relay; her TCP connection breaks at some byte within the next files.
  await using relay = await openRelay(Number(new URL(server.url).port));
  const witnesses = { alice: new Witness("alice"), bob: new Witness("bob") };
  const relayed = dial(`ws://127.0.0.1:${relay.port}/arcp`);
  await using alice = await connect(witnesses.alice.watch(relayed), { token: tokens.alice });
  let lostAt: number | undefined;
  const drop = async (): Promise<void> => {
    const done = (dropCall - 1) * BATCH;
    // Each file makes more than 200 bytes: the cut is among the next few, and lasts until the agent has read one more.
    const after = Math.floor(Math.random() * 100 * Math.min(BATCH, files - done));
    const outage = () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      spent = resolve;
      const quiet = sleep(systemClock, Math.min(1_500, 100 * seconds));
      return Promise.all([quiet, Promise.race([promise, over.promise])]);
    };
    lostAt = await relay.cut({ after, outage });
    screen.connection("alice", true);
    screen.say(`alice's TCP connection was reset at ${percent(done, files)} of the files`, "lost");
  };
  const resumed = resume(alice);

  // She submits the audit. Her lease covers the tree and the tool, and grants a quarter more than it should cost.
  const budget = Math.ceil(1.25 * files * PRICE);
  const lease = {
    "fs.read": [`${root}/**`],
    "tool.call": ["classify"],
    "cost.budget": [`credits:${budget}`],
  };
  const job = await alice.submit("code-audit", { root, skip, probe }, { lease });
  screen.say(`alice submitted it: ${digits(files)} files, ${budget} credits`, "step");
  const aliceViews = view(job, { viewer: "alice", screen, credits: budget, tells: true });
  // It is awaited below; until then a failure appears in the outcome.
  aliceViews.catch(() => {});

  // The job goes on without her. Her client dials and resumes; a job that ends may only do so after that.
  const ended = job.outcome().then(() => (lostAt === undefined ? undefined : resumed));
  const backAt = await Promise.race([resumed, ended]);
  if (lostAt === undefined || backAt === undefined) throw new Error("the connection never broke");
  screen.connection("alice", false);
  const last = witnesses.alice.sightings()[0]?.length ?? 0;
  const pause = Math.round(backAt - lostAt);
  screen.say(`alice's client resumed after ${pause} ms, behind event_seq ${digits(last)}`, "back");

  // The runtime's policy lets Bob watch. He gets the history from the start, then what comes.
  await using bob = await connect(witnesses.bob.watch(dial(server.url)), { token: tokens.bob });
  const watched = await bob.subscribe(job.id, { history: true });
  screen.say("bob watches too, with history from the start", "step");
  const bobViews = view(watched, { viewer: "bob", screen, credits: budget, tells: false });
  const [aliceSaw, bobSaw] = await Promise.all([aliceViews, bobViews]);
  const report = parseReport(await job.text());
  screen.settle();

  screen.heading(`Report on ${root}`);
  for (const { title, rows } of reportText(report, screen.width)) {
    screen.say(title, "title");
    for (const row of rows) screen.say(row);
  }

  screen.heading("Checks");
  const results = checks({
    alice: { name: "alice", connections: witnesses.alice.sightings(), handed: aliceSaw.events },
    bob: { name: "bob", connections: witnesses.bob.sightings(), handed: bobSaw.events },
    report,
    budget,
    credits: { alice: aliceSaw.credits, bob: bobSaw.credits },
    missed: witnesses.alice.missedBetween(lostAt, backAt),
  });
  for (const { claim, faults } of results) {
    if (faults.length === 0) screen.say(claim, "good");
    else for (const fault of faults.slice(0, 5)) screen.say(fault, "bad");
  }
  return results.every(({ faults }) => faults.length === 0);
}

/** @returns when the client was online again after it had lost its connection, milliseconds since 1970 */
async function resume(client: Client): Promise<number | undefined> {
  let wasLost = false;
  for await (const { kind } of client.states) {
    if (kind === "retrying") wasLost = true;
    if (kind === "online" && wasLost) return systemClock.now();
  }
  return undefined;
}

function percent(part: number, whole: number): string {
  return `${Math.floor((100 * part) / whole)} %`;
}

const outcome = await readOptions(process.argv.slice(2));
if (outcome.kind === "help") {
  console.log(outcome.text);
} else if (outcome.kind === "wrong") {
  console.error(outcome.problem);
  process.exitCode = 2;
} else {
  const screen = openScreen(process.stdout);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      screen.settle();
      process.exit(128 + constants.signals[signal]);
    });
  }
  // The reader of the output has gone.
  process.stdout.once("error", () => process.exit(1));
  try {
    const held = await play(outcome.options, screen);
    process.exitCode = held ? 0 : 1;
  } catch (error) {
    screen.settle();
    console.error(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
