import { connect } from "@arcp/client";
import { dial } from "@arcp/transport-ws";
import { Count, type StreamReader } from "./stream-reader.ts";
import { STEPPER, type StepperInput } from "./targets/agents.ts";

/** Our own client over WebSocket, with its defaults. */
export async function openArcpReader(url: string): Promise<StreamReader> {
  const client = await connect(dial(url), { token: "bench" });
  return {
    async read(events) {
      const submitted = performance.now();
      const input: StepperInput = { events };
      const job = await client.submit(STEPPER, input);
      const count = new Count(1);
      for await (const { jobSeq } of job.events) {
        // The session's own events, such as a lag notice, have no number in the job.
        if (jobSeq !== undefined) count.take(jobSeq);
      }
      await job.result();
      const elapsed = performance.now() - submitted;
      // The running notice comes first.
      count.finish(events + 1);
      return elapsed;
    },
  };
}
