import { allowAnonymous, createRuntime, defineAgent } from "@arcp/runtime";
import type { Store } from "@arcp/runtime/store";
import { listen } from "@arcp/transport-ws";
import { Gates, ITEM, OPENER, type OpenerInput, STEPPER, type StepperInput } from "./agents.ts";
import type { TargetOptions } from "./target.ts";

const gates = new Gates();

const stepper = defineAgent({
  name: STEPPER,
  async run(ctx, { events, gate }: StepperInput) {
    if (gate !== undefined) await gates.passed(gate);
    for (let i = 0; i < events; i++) await ctx.log.info("step", { i, item: ITEM });
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

/** Ours, as anyone would install it: the runtime on this store, over WebSocket. @returns the URL to connect to */
export async function serveRuntime(store: Store, { limits }: TargetOptions): Promise<string> {
  const runtime = createRuntime({
    agents: [stepper, opener],
    auth: allowAnonymous(),
    store,
    ...(limits && { limits }),
  });
  const server = await listen({ port: 0 }, (transport, peer) => runtime.serve(transport, peer));
  return server.url;
}
