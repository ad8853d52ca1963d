import { allowAnonymous, createRuntime, defineAgent, memoryStore } from "@arcp/runtime";
import { listen } from "@arcp/transport-ws";
import { AGENT, type AgentInput, ITEM, type StartTarget } from "./target.ts";

/** Ours, as anyone would install it: the runtime with the memory store, over WebSocket. */
export const start: StartTarget = async () => {
  const stepper = defineAgent({
    name: AGENT,
    async run(ctx, { events }: AgentInput) {
      for (let i = 0; i < events; i++) await ctx.log.info("step", { i, item: ITEM });
      return null;
    },
  });
  const runtime = createRuntime({
    agents: [stepper],
    auth: allowAnonymous(),
    store: memoryStore(),
  });
  const server = await listen({ port: 0 }, (transport) => runtime.serve(transport));
  return server.url;
};
