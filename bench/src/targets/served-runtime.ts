import { setTimeout } from "node:timers/promises";
import { allowAnonymous, BackpressureError, createRuntime, defineAgent } from "@arcp/runtime";
import type { Store } from "@arcp/runtime/store";
import { listen } from "@arcp/transport-ws";
import {
  CHUNKER,
  type ChunkerInput,
  FLOODER,
  type FlooderInput,
  Gates,
  ITEM,
  OPENER,
  type OpenerInput,
  STAMP,
  STAMPER,
  STEPPER,
  type StamperInput,
  type StepperInput,
  sharedClock,
} from "./agents.ts";
import { bytePieces, textPieces } from "./pieces.ts";
import type { TargetOptions } from "./target.ts";

const gates = new Gates();

const stepper = defineAgent({
  name: STEPPER,
  async run(ctx, { events, gate, done }: StepperInput) {
    if (gate !== undefined) await gates.passed(gate);
    for (let i = 0; i < events; i++) await ctx.log.info("step", { i, item: ITEM });
    if (done !== undefined) gates.open(done);
    return null;
  },
});

const opener = defineAgent({
  name: OPENER,
  async run(_, { gate }: OpenerInput) {
    gates.open(gate);
    return null;
  },
});

const flooder = defineAgent({
  name: FLOODER,
  async run(ctx, { events, awaits, gate }: FlooderInput) {
    for (let i = 0; i < events; ) {
      try {
        const emitted = ctx.log.info("step", { i, item: ITEM });
        if (awaits) await emitted;
        i += 1;
      } catch (error) {
        if (!(error instanceof BackpressureError)) throw error;
        await error.relieved;
      }
    }
    await ctx.flush();
    gates.open(gate);
    return null;
  },
});

const stamper = defineAgent({
  name: STAMPER,
  async run(ctx, { events, interval }: StamperInput) {
    for (let i = 0; i < events; i++) {
      await setTimeout(interval);
      await ctx.log.info(STAMP, { at: sharedClock() });
    }
    return null;
  },
});

const chunker = defineAgent({
  name: CHUNKER,
  async run(ctx, { megabytes, encoding, gate }: ChunkerInput) {
    const pieces = encoding === "utf8" ? textPieces() : bytePieces();
    await gates.passed(gate);
    for (let i = 0; i < megabytes; i++) for (const piece of pieces) await ctx.result.write(piece);
  },
});

/** Our runtime, as anybody would set it up: on this store, over WebSocket. @returns the URL to connect to */
export async function serveRuntime(store: Store, { limits }: TargetOptions): Promise<string> {
  const runtime = createRuntime({
    agents: [stepper, opener, flooder, stamper, chunker],
    auth: allowAnonymous(),
    store,
    ...(limits && { limits }),
  });
  const server = await listen({ port: 0 }, runtime.serve);
  return server.url;
}
