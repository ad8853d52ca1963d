import { type Client, type ConnectionState, connect, type JobEvent } from "@arcp/client";
import { dial } from "@arcp/transport-ws";

// The endpoint of the server that this page came from.
const endpoint = new URL("/arcp", location.href);
endpoint.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const client = await connect(dial(endpoint), { token: "visitor" });
void showStates(client);

const query = new URLSearchParams(location.search);
const ticks = Number(query.get("ticks") ?? 20);
const pace = Number(query.get("pace") ?? 500);
const job = await client.submit("ticker", { ticks, pace });

// The connection may break as often as it likes: each event comes once, and in order.
for await (const event of job.events) add("events", `${event.jobSeq ?? "-"} ${lineOf(event)}`);

const result = document.querySelector("#result");
if (result !== null) result.textContent = JSON.stringify(await job.result());

async function showStates({ states }: Client): Promise<void> {
  for await (const state of states) {
    add("states", `${Math.round(performance.now())} ms: ${nameOf(state)}`);
  }
}

function nameOf(state: ConnectionState): string {
  return state.kind === "retrying" ? `retrying in ${state.in} ms` : state.kind;
}

function lineOf(event: JobEvent): string {
  if (event.kind === "progress") return `${event.body.current} of ${event.body.total}`;
  if (event.kind === "status") return event.body.phase;
  return event.kind;
}

function add(list: "states" | "events", text: string): void {
  const item = document.createElement("li");
  item.textContent = text;
  document.querySelector(`#${list}`)?.append(item);
}
