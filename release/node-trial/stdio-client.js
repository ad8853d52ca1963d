import { connect } from "@arcp/client";
import { spawnRuntime } from "@arcp/transport-stdio";

const dial = spawnRuntime(process.execPath, ["stdio-agent.js"]);
const client = await connect(dial, { token: "a-token", handshakeTimeout: 60_000 });
const job = await client.submit("count", 2);
for await (const { kind, body } of job.events) {
  if (kind === "progress") console.log(`${body.current} of ${body.total}`);
}
console.log(await job.result());
await client.close();
