import { connect } from "@arcp/client";
import { dial } from "@arcp/transport-ws";
import type { research } from "./agents.ts";

const { ARCP_URL: url = "ws://127.0.0.1:7777/arcp", ARCP_TOKEN: token } = process.env;
if (token === undefined) {
  console.error("There is no ARCP_TOKEN: run the line that `npm start` shows, and try again.");
  process.exit(2);
}

const client = await connect(dial(url), { token });
const job = await client
  .agent<typeof research>("research")
  .submit({ topic: "owls" }, { lease: { "cost.budget": ["USD:1.00"] } });
console.log(`${job.id} may spend 1.00 USD`);

// A connection that is lost meanwhile is made again: no event is missing, and none comes twice.
for await (const event of job.events) {
  if (event.kind === "log") console.log(event.body.message);
  if (event.kind === "progress") console.log(`${event.body.current} of ${event.body.total}`);
}
const { answers, left } = await job.result();
console.log(`${answers.length} answers, ${left["USD"]} USD left`);
await client.close();
