import { connect } from "@arcp/client";
import type { Dial } from "@arcp/core";
import type { review } from "./review.ts";

/** A line with its faults. */
export interface Finding {
  readonly line: number;
  readonly what: string;
}

/** Has a file reviewed, over whatever `dial` leads to. */
export async function reviewed(dial: Dial, path: string) {
  // A process takes longer to greet than a socket.
  await using client = await connect(dial, { token: "a-token", handshakeTimeout: 20_000 });
  const lease = { "fs.read": [path] };
  const job = await client.agent<typeof review>("review").submit({ path }, { lease });
  const findings: Finding[] = [];
  for await (const event of job.events) {
    if (event.kind === "x-vendor.sample.finding") findings.push(event.body);
  }
  return { findings, result: await job.result() };
}
