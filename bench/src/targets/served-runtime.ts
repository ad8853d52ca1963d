import { allowAnonymous, createRuntime, defineAgent } from "@arcp/runtime";
import type { Store } from "@arcp/runtime/store";
import { listen } from "@arcp/transport-ws";
import { AGENT, type AgentInput, ITEM } from "./target.ts";

/** Ours, as anyone would install it: the runtime on this store, over WebSocket. @returns the URL to connect to */
export async function serveRuntime(store: Store): Promise<string> {
  const stepper = defineAgent({
    name: AGENT,
    async run(ctx, { events }: AgentInput) {
      for (let i = 0; i < events; i++) await ctx.log.info("step", { i, item: ITEM });
      return null;
    },
  });
  const runtime = createRuntime({ agents: [stepper], auth: allowAnonymous(), store });
  const server = await listen({ port: 0 }, (transport, peer) => runtime.serve(transport, peer));
  return server.url;
}
