import type { Client, JobEvent, JobOutcome } from "@arcp/client";

/** A job and those that it delegated, as far as they are known. */
export interface JobNode {
  readonly name: string;
  readonly children: JobNode[];
  /** Its current phase; once it has ended, how. */
  state: string;
  /** What it spent itself, without its children, in millionths of a dollar. */
  spent: number;
}

/** What every handle of a job has. */
interface Handle {
  readonly events: AsyncIterable<JobEvent>;
  outcome(): Promise<JobOutcome>;
}

export function jobNode(name: string): JobNode {
  return { name, children: [], state: "accepted", spent: 0 };
}

/**
 * Follows a job and all its descendants into a tree, until they have ended.
 * @param changed is called after each change of state
 */
export async function follow(
  client: Client,
  job: Handle,
  node: JobNode,
  changed: (node: JobNode, depth: number) => void,
  depth = 0,
): Promise<void> {
  const below: Promise<void>[] = [];
  const enter = (state: string): void => {
    node.state = state;
    changed(node, depth);
  };
  for await (const { kind, body } of job.events) {
    if (kind === "status") enter(body.phase);
    if (kind === "metric" && body.name === "cost.inference") {
      node.spent += Math.round(body.value * 1e6);
    }
    if (kind === "delegate" && body.child_job_id !== undefined) {
      const child = jobNode(`${body.agent} of ${body.delegate_id}`);
      node.children.push(child);
      below.push(follow(client, await client.job(body.child_job_id), child, changed, depth + 1));
    }
  }
  const outcome = await job.outcome();
  enter(outcome.status === "success" ? "done" : outcome.error.code);
  await Promise.all(below);
}

/** A job and all its descendants, each before its children. */
export function* nodesOf(node: JobNode): Generator<JobNode, void, undefined> {
  yield node;
  for (const child of node.children) yield* nodesOf(child);
}
