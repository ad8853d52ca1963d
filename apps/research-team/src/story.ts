import assert from "node:assert/strict";
import { connect } from "@arcp/client";
import { createRuntime, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";
import { follow, jobNode, nodesOf } from "./job-tree.ts";
import { models, standIn } from "./stand-in-model.ts";
import { type Planner, team } from "./team.ts";
import type { TreeView } from "./tree-view.ts";

export interface StoryOptions {
  /** The number of parts into which the planner divides the question. */
  readonly workers: number;
  /** How long the stand-in for a model takes for a chain of answers. */
  readonly seconds: number;
}

/**
 * Lets a team answer a question within a budget, then within one that is too small, then until it is cancelled.
 * @throws if anything that it shows does not hold
 */
export async function story({ workers, seconds }: StoryOptions, view: TreeView): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  let latency = (_prompt: string): number => (1_000 * seconds) / 5;
  const { planner, researcher, checker } = team(standIn((prompt) => latency(prompt)));
  const runtime = cleanup.use(
    createRuntime({
      agents: [planner, researcher, checker],
      auth: tokenTable({ "a-token": "alice" }),
      models,
    }),
  );
  const server = cleanup.use(await listen({ port: 0 }, runtime.serve));
  const client = cleanup.use(await connect(dial(server.url), { token: "a-token" }));
  cleanup.defer(() => view.settle());

  /** Submits the question with this many cents, and follows the tree to its end. */
  const ask = async (cents: number) => {
    const lease = {
      "model.use": ["stand-in/*"],
      "agent.delegate": ["researcher", "checker"],
      "cost.budget": [`USD:${(cents / 100).toFixed(2)}`],
    };
    const input = { question: "What is it like to be an owl?", parts: workers };
    const job = await client.agent<Planner>("planner").submit(input, { lease });
    const root = jobNode("planner");
    view.show(root);
    const ended = follow(client, job, root, view.changed).then(() => view.settle());
    return { job, root, ended };
  };
  const spentBy = (root: Parameters<typeof nodesOf>[0]): number =>
    [...nodesOf(root)].reduce((sum, { spent }) => sum + spent, 0);
  const left = (job: { budget: ReadonlyMap<string, number> }): number =>
    Math.round((job.budget.get("USD") ?? Number.NaN) * 1e6);

  const enough = 5 + 5 * workers;
  view.say(`a planner and ${workers} researchers share ${enough} cents (no real model is asked)`);
  const whole = await ask(enough);
  await whole.ended;
  const report = await whole.job.result();
  assert.equal(report.found.length, workers);
  assert.deepEqual(report.failed, []);
  const nodes = [...nodesOf(whole.root)];
  assert.equal(nodes.length, 1 + 2 * workers);
  assert(nodes.every(({ state, spent }) => state === "done" && spent > 0));
  view.say(`ok  ${nodes.length} jobs in one tree, each of them done`);
  assert.equal(spentBy(whole.root), 10_000 * enough - left(whole.job));
  view.say(`ok  what they spent is what the budget lacks: $${spentBy(whole.root) / 1e6}`);

  const tight = 3 + 3 * workers;
  view.say(`the same with ${tight} cents, which are too few`);
  const part = await ask(tight);
  await part.ended;
  const { found, failed } = await part.job.result();
  assert(failed.length > 0 && failed.every((code) => code === "BUDGET_EXHAUSTED"));
  assert.equal(found.length + failed.length, workers);
  view.say(`ok  ${found.length} of ${workers} came through, the others had no money left`);
  assert(left(part.job) >= 0);
  assert.equal(spentBy(part.root), 10_000 * tight - left(part.job));
  view.say(
    `ok  side by side they did not spend more than there was: $${left(part.job) / 1e6} left`,
  );

  view.say("the same once more, cancelled while the researchers wait for an answer");
  latency = (prompt) => (prompt.startsWith("plan") ? 0 : 3_600_000);
  const cut = await ask(enough);
  for await (const { kind } of cut.job.events) if (kind === "delegate") break;
  await cut.job.cancel("changed my mind");
  await cut.ended;
  const states = [...nodesOf(cut.root)].map(({ state }) => state);
  assert(states.length > 1 && states.every((state) => state === "CANCELLED"), states.join());
  view.say(`ok  no job outlives the one that delegated it: all ${states.length} are cancelled`);
}
