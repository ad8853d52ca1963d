import { ManualClock } from "@arcp/core";
import { createRuntime, type Peer, type RuntimeOptions, tokenTable } from "@arcp/runtime";
import { type ListenOptions, listen } from "@arcp/transport-ws";
import { Puppets } from "./puppets.ts";
import { RawSocket } from "./raw-socket.ts";
import { eventually, recorder } from "./stage.ts";

export const ALICE = "token-of-alice";
export const BOB = "token-of-bob";

export interface HouseOptions extends Partial<RuntimeOptions> {
  readonly listening?: Partial<ListenOptions>;
}

/** A runtime behind a real port, whose time and agent `puppet` are in the hand of the test. */
export async function house({ listening, ...options }: HouseOptions = {}) {
  const clock = new ManualClock();
  const puppets = new Puppets();
  const runtime = createRuntime({
    auth: tokenTable({ [ALICE]: "alice", [BOB]: "bob" }),
    clock,
    logger: recorder([]),
    ...options,
    agents: [puppets.agent, ...(options.agents ?? [])],
  });
  // Where the next connections seem to come from.
  let source: Peer | undefined;
  const server = await listen({ port: 0, ...listening }, (transport, { bearer, ...real }) =>
    runtime.serve(transport, { ...(source ?? real), ...(bearer !== undefined && { bearer }) }),
  );
  return {
    runtime,
    clock,
    puppets,
    url: server.url,
    from(address: string) {
      source = { address };
    },
    greeted: (features?: readonly string[], bearer = ALICE) =>
      RawSocket.greeted(server.url, bearer, features),
    /** Leaves, and waits until the runtime has noticed: then the session's window runs. */
    async left(socket: RawSocket) {
      const timers = clock.pending;
      await socket.leave();
      await eventually(() => clock.pending === timers + 1);
    },
    async [Symbol.asyncDispose]() {
      // The runtime would wait for a client that does not read, and its time stands still.
      await server.close();
      await runtime.close();
    },
  };
}
