import { isDeepStrictEqual } from "node:util";
import type { Dial, Transport } from "@arcp/core";

// Each check returns faults as sentences, none if all is well. They look at raw frames: what a client passes on is already free of
// repeats, so it would hide them.

/** A stream envelope as it came over the wire. */
export interface Sighting {
  readonly seq: unknown;
  readonly jobSeq: unknown;
  /** Everything but what belongs to the viewer: its session and the number there. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** Records every frame that a client receives, connection by connection, before the client. */
export class Witness {
  readonly name: string;
  readonly #connections: string[][] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** The same way to a runtime, with the witness watching. */
  watch(dial: Dial): Dial {
    return async (signal) => {
      const transport = await dial(signal);
      const frames: string[] = [];
      this.#connections.push(frames);
      return observed(transport, frames);
    };
  }

  /** The stream envelopes of each connection, in the order in which they came. */
  sightings(): Sighting[][] {
    return this.#connections.map((frames) => frames.flatMap((frame) => sighting(frame) ?? []));
  }

  /**
   * Events that the agent emitted from one moment on and before another, in milliseconds since 1970, and that came only
   * over a later connection than the first.
   */
  missedBetween(from: number, to: number): number {
    const later = this.sightings().slice(1).flat();
    return later.filter(({ content }) => {
      const at = emittedAt(content);
      return at >= from && at < to;
    }).length;
  }
}

function observed(transport: Transport, frames: string[]): Transport {
  const recorded = async function* (): AsyncGenerator<string> {
    for await (const frame of transport.frames) {
      frames.push(frame);
      yield frame;
    }
  };
  return {
    frames: recorded(),
    send: (sent) => transport.send(sent),
    close: (reason) => transport.close(reason),
  };
}

const streamTypes: readonly unknown[] = ["job.event", "job.result", "job.error"];

function sighting(frame: string): Sighting | undefined {
  const envelope: Record<string, unknown> = JSON.parse(frame);
  const { arcp: _, session_id: __, event_seq: seq, ...content } = envelope;
  if (!streamTypes.includes(content["type"]) && seq === undefined) return undefined;
  return { seq, jobSeq: content["job_seq"], content };
}

/** Each number once and in order from 1, across all connections, up to the job's end. */
export function sequenceFaults({ name, connections }: View): string[] {
  const faults: string[] = [];
  const seen = new Set<unknown>();
  let due = 1;
  for (const [i, sightings] of connections.entries()) {
    const where = `${name}, connection ${i + 1}`;
    for (const { seq } of sightings) {
      if (seq === due) due += 1;
      else if (seen.has(seq)) faults.push(`${where}: event_seq ${seq} came again`);
      else {
        faults.push(`${where}: event_seq ${seq} came where ${due} was due`);
        if (typeof seq === "number" && seq > due) due = seq + 1;
      }
      seen.add(seq);
    }
  }
  const all = connections.flat();
  const ends = all.filter(({ content }) => content["type"] !== "job.event");
  if (ends.length !== 1 || ends[0] !== all.at(-1)) {
    faults.push(`${name}: one end of the job was due as the last of its events`);
  }
  return faults;
}

/** The client gave its reader exactly what came over the wire. */
export function handingFaults({ name, connections, handed }: View): string[] {
  const events = connections.flat().filter(({ content }) => content["type"] === "job.event");
  const same =
    events.length === handed.length &&
    events.every(({ seq, jobSeq }, i) => handed[i]?.seq === seq && handed[i]?.jobSeq === jobSeq);
  if (same) return [];
  return [`${name}: ${events.length} events came, ${handed.length} were handed on, not the same`];
}

/** Both saw the same events, by their number in the job. */
export function differenceFaults(one: View, other: View): string[] {
  const left = byJobSeq(one);
  const right = byJobSeq(other);
  const faults: string[] = [];
  for (const [jobSeq, content] of left) {
    const counterpart = right.get(jobSeq);
    if (counterpart === undefined) {
      faults.push(`job_seq ${jobSeq} came to ${one.name} and not to ${other.name}`);
    } else if (!isDeepStrictEqual(content, counterpart)) {
      faults.push(`job_seq ${jobSeq} was one thing to ${one.name}, another to ${other.name}`);
    }
  }
  for (const jobSeq of right.keys()) {
    if (!left.has(jobSeq)) {
      faults.push(`job_seq ${jobSeq} came to ${other.name} and not to ${one.name}`);
    }
  }
  return faults;
}

/** What one viewer saw. */
export interface View {
  readonly name: string;
  readonly connections: readonly (readonly Sighting[])[];
  /** The events that its client passed on. */
  readonly handed: readonly { readonly seq: number; readonly jobSeq: number | undefined }[];
}

function byJobSeq({ connections }: View): Map<unknown, Sighting["content"]> {
  return new Map(connections.flat().map(({ jobSeq, content }) => [jobSeq, content]));
}

/** When a frame's event was emitted, milliseconds since 1970; NaN if it is not an event. */
function emittedAt({ payload }: Sighting["content"]): number {
  const hasTime = typeof payload === "object" && payload !== null && "ts" in payload;
  return hasTime ? Date.parse(String(payload.ts)) : Number.NaN;
}
