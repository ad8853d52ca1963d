// A client in a process of its own, to be stopped and continued: `flood-reader.ts URL [JOB]` submits, or watches JOB.
import { connect, type Job, type WatchedJob } from "@arcp/client";
import { ArcpError, type Dial, type Transport } from "@arcp/core";
import { dial } from "@arcp/transport-ws";

/** A `session.error` as it came over the wire. */
export interface Told {
  readonly code: string;
  readonly job?: string | undefined;
  /** Whether it refers to the `job.subscribe` request. */
  readonly subscription: boolean;
}

/** What it reports to its parent process. */
export type ReaderReport =
  | { readonly kind: "following"; readonly job: string }
  | ({ readonly kind: "finished" } & Finished)
  | { readonly kind: "failed"; readonly error: string };

export interface Finished {
  /** Events of the job, each once and in order. */
  readonly events: number;
  /** How often it was told that events before the next one are lost. */
  readonly losses: number;
  /** How the job ended, or the code with which its subscription was lost. */
  readonly outcome: string;
  /** Numbers of the last session's stream, without a gap over all its connections. */
  readonly numbers: number;
  readonly connections: number;
  readonly told: readonly Told[];
  /** Whether the session can run another job afterwards. */
  readonly alive: boolean;
}

const [url = "", watched] = process.argv.slice(2);
const tell = (report: ReaderReport): void => void process.send?.(report);

function fail(error: string): void {
  process.send?.({ kind: "failed", error } satisfies ReaderReport, () => process.exit(1));
}

let connections = 0;
let numbers = 0;
let session: string | undefined;
const subscriptions = new Set<string>();
const told: Told[] = [];

/** Looks at every frame, and asserts that the numbers of the session's stream have neither gap nor repetition. */
function tapped(open: Dial): Dial {
  return async (signal) => {
    const transport = await open(signal);
    connections += 1;
    return {
      frames: inbound(transport),
      send(frames) {
        const sent = frames.map((frame) => JSON.parse(frame) as { id: string; type: string });
        for (const { id, type } of sent) if (type === "job.subscribe") subscriptions.add(id);
        return transport.send(frames);
      },
      close: (reason) => transport.close(reason),
    };
  };
}

async function* inbound({ frames }: Transport): AsyncGenerator<string> {
  for await (const frame of frames) {
    const { type, event_seq: seq, session_id: id, payload } = JSON.parse(frame);
    if (type === "session.welcome" && id !== session) {
      session = id;
      numbers = 0;
    }
    if (type === "session.error") {
      const { code, job_id: job, request_id: request } = payload;
      told.push({ code, job, subscription: subscriptions.has(request) });
    }
    if (seq !== undefined && seq !== ++numbers) {
      // If it were thrown, the client would take it for one more lost connection.
      fail(`event_seq ${seq} came in place of ${numbers}`);
    }
    yield frame;
  }
}

/** Reads the job to its end and asserts that its events come once, in order, and complete except for reported losses. */
async function read(
  job: Job | WatchedJob,
): Promise<Pick<Finished, "events" | "losses" | "outcome">> {
  let events = 0;
  let losses = 0;
  let last = 0;
  let isLost = false;
  try {
    for await (const { jobSeq, kind } of job.events) {
      if (kind === "history_lost") {
        losses += 1;
        isLost = true;
      }
      // A notice of the session's own has no job_seq.
      if (jobSeq === undefined) continue;
      if (isLost ? jobSeq <= last : jobSeq !== last + 1) {
        throw new Error(`job_seq ${jobSeq} came behind ${last}`);
      }
      events += 1;
      last = jobSeq;
      isLost = false;
    }
    return { events, losses, outcome: (await job.outcome()).status };
  } catch (error) {
    if (error instanceof ArcpError) return { events, losses, outcome: error.code };
    throw error;
  }
}

// Exit when the parent process is gone.
process.on("disconnect", () => process.exit());

try {
  const client = await connect(tapped(dial(url)), { token: "secret" });
  const job =
    watched === undefined
      ? await client.submit("flood")
      : await client.subscribe(watched, { history: true });
  tell({ kind: "following", job: job.id });
  const seen = await read(job);
  const answer = await client
    .submit("echo", "alive")
    .then((again) => again.result())
    .catch(() => undefined);
  tell({ kind: "finished", ...seen, numbers, connections, told, alive: answer === "alive" });
  await client.close();
  process.disconnect();
} catch (error) {
  fail(String(error));
}
