import {
  type Client,
  type ConnectionState,
  connect,
  type JobEvent,
  type SavedSession,
} from "@arcp/client";
import { dial } from "@arcp/transport-ws";

// The endpoint on the server that this page came from.
const endpoint = new URL("/arcp", location.href);
endpoint.protocol = location.protocol === "https:" ? "wss:" : "ws:";

// What survives a reload: the session, and a key that always leads to the same job.
const saved = sessionStorage.getItem("session");
const restore: SavedSession | undefined = saved === null ? undefined : JSON.parse(saved);
const persist = (session: SavedSession) =>
  sessionStorage.setItem("session", JSON.stringify(session));
const key = sessionStorage.getItem("key") ?? crypto.randomUUID();
sessionStorage.setItem("key", key);

const client = await connect(dial(endpoint), { token: "visitor", persist, restore });
void showStates(client);

const query = new URLSearchParams(location.search);
const ticks = Number(query.get("ticks") ?? 20);
const pace = Number(query.get("pace") ?? 500);
const job = await client.submit("ticker", { ticks, pace }, { idempotencyKey: key });

// The connection may break and the page be reloaded as often as they like: each event comes once, and in order.
for await (const event of job.events) add("events", `${event.jobSeq ?? "-"} ${lineOf(event)}`);

const outcome = await job.outcome();
sessionStorage.removeItem("key"); // the next load starts a new job, even if this one failed
const shown = outcome.status === "success" ? JSON.stringify(outcome.result) : outcome.error.message;
const result = document.querySelector("#result");
if (result !== null) result.textContent = shown;

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
