// A client with a runtime as its child, to be killed: prints the child's pid once a job of it runs.
import { connect } from "@arcp/client";
import { spawned } from "./spawned.ts";

const dial = spawned(process.argv.slice(2));
const client = await connect(dial, { token: "secret", handshakeTimeout: 25_000 });
const job = await client.submit("endless");
for await (const { kind, body } of job.events) {
  if (kind === "log") console.log(body.message);
}
