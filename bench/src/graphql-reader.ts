import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { Count, type StreamReader } from "./stream-reader.ts";

const QUERY = `subscription ($events: Int!) {
  event(events: $events) {
    id type job_id trace_id job_seq
    payload { kind ts body { level message attributes } }
  }
}`;

/** The client of graphql-ws on `ws`, with the defaults of both. */
export async function openGraphqlReader(url: string): Promise<StreamReader> {
  const client = createClient({ url, webSocketImpl: WebSocket, lazy: false });
  return {
    async read(events) {
      const asked = performance.now();
      const results = client.iterate<{ readonly event: { readonly job_seq: number } }>({
        query: QUERY,
        variables: { events },
      });
      const count = new Count(2);
      for await (const { data, errors } of results) {
        if (errors !== undefined) throw new Error(JSON.stringify(errors));
        count.take(data?.event.job_seq);
      }
      const elapsed = performance.now() - asked;
      count.finish(events);
      return elapsed;
    },
  };
}
