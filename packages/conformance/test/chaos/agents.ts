import { ArcpError, type ErrorCode, sleep, systemClock } from "@arcp/core";
import { type AgentContext, defineAgent } from "@arcp/runtime";

/** The kind of the events that agents number, from 1. */
export const STEP = "x-vendor.chaos.step";

/** How a job goes: so many numbered events over so many milliseconds. */
export interface Pace {
  readonly steps: number;
  readonly ms: number;
}

/** What an agent is told to stream or return. */
export interface Load extends Pace {
  readonly characters: number;
  readonly seed: number;
}

export interface Failing extends Pace {
  readonly code: ErrorCode;
}

/** Text of any script that a seed determines. */
export function sampleText({ characters, seed }: Load): string {
  const scripts = ["lorem ipsum ", "déjà vu ", "漢字かな", "🦉🦇😀"];
  const line = `${seed}: ${scripts[seed % scripts.length]}`;
  return line
    .repeat(Math.ceil(characters / line.length))
    .slice(0, characters)
    .toWellFormed();
}

/** Says its numbered events at its pace, in bursts. */
async function walk(ctx: AgentContext, { steps, ms }: Pace): Promise<void> {
  const bursts = Math.min(steps, Math.max(1, Math.round(ms / 50)));
  for (let step = 1, burst = 1; burst <= bursts; burst++) {
    for (; step <= Math.round((steps * burst) / bursts); step++) await ctx.emit(STEP, { step });
    await sleep(systemClock, ms / bursts, ctx.signal);
  }
}

/** Many small events. */
const busy = defineAgent<Pace>({
  name: "busy",
  async run(ctx, input) {
    await walk(ctx, input);
    return { steps: input.steps };
  },
});

/** A streamed result of text, between events. */
const author = defineAgent<Load>({
  name: "author",
  async run(ctx, input) {
    const text = sampleText(input);
    const half = Math.floor(text.length / 2);
    await ctx.result.write(text.slice(0, half));
    await walk(ctx, input);
    await ctx.result.write(text.slice(half));
  },
});

/** A streamed result of bytes. */
const painter = defineAgent<Load>({
  name: "painter",
  async run(ctx, input) {
    const bytes = new TextEncoder().encode(sampleText(input));
    for (let at = 0; at < bytes.length; at += 200_000) {
      await ctx.result.write(bytes.subarray(at, at + 200_000));
    }
    await walk(ctx, input);
  },
});

/** A large inline result. */
const clerk = defineAgent<Load>({
  name: "clerk",
  async run(ctx, input) {
    await walk(ctx, input);
    return { text: sampleText(input) };
  },
});

const failing = defineAgent<Failing>({
  name: "failing",
  async run(ctx, input) {
    await walk(ctx, input);
    throw new ArcpError(input.code, "as it was told", { details: { steps: input.steps } });
  },
});

/** Says something, nothing for long, and something again. */
const quiet = defineAgent<Pace>({
  name: "quiet",
  async run(ctx, { ms }) {
    await ctx.emit(STEP, { step: 1 });
    await sleep(systemClock, ms, ctx.signal);
    await ctx.emit(STEP, { step: 2 });
    return { steps: 2 };
  },
});

/** Goes on until it is cancelled. */
const endless = defineAgent<Pace>({
  name: "endless",
  async run(ctx) {
    for (let step = 1; !ctx.signal.aborted; step++) {
      await ctx.emit(STEP, { step });
      await sleep(systemClock, 20, ctx.signal);
    }
  },
});

export const chaosAgents = [busy, author, painter, clerk, failing, quiet, endless];
