import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { buildSchema } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";
import type { StepperInput } from "./agents.ts";
import { lastSeq, newId, newTraceId, recordOf, steps } from "./raw-record.ts";
import type { StartTarget } from "./target.ts";

/** An event as the runtime sends it, field by field, except what a session adds, for which GraphQL over WebSocket has its own. */
const schema = buildSchema(`
  scalar JSON
  type Body { level: String!, message: String!, attributes: JSON! }
  type Payload { kind: String!, ts: String!, body: Body! }
  type Event {
    id: ID!
    type: String!
    job_id: ID!
    trace_id: String!
    job_seq: Int!
    payload: Payload!
  }
  type Query { jobs: Int! }
  type Subscription { event(events: Int!): Event! }
`);

/** A subscription as its users write it: an async generator, served by graphql-ws on `ws`, with the defaults of both. */
export const start: StartTarget = async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  const subscription = {
    async *event({ events }: StepperInput) {
      const job = { id: newId("job_"), traceId: newTraceId(), events, content: steps };
      // The records between the running notice and the result, which are the runtime's own.
      for (let jobSeq = 2; jobSeq < lastSeq(job); jobSeq++) {
        yield { event: recordOf(job, jobSeq, new Date().toISOString()) };
      }
    },
  };
  useServer({ schema, roots: { subscription } }, server);
  await once(server, "listening");
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
};
