// The program that is killed: `node client.ts <url> <csv> <report> <session> <credits>`. It needs no special case for a second
// start: it goes on with the session that it finds, and submits under a key that leads to the existing job.
import { readFile, rename, writeFile } from "node:fs/promises";
import { connect, type SavedSession } from "@arcp/client";
import { dial } from "@arcp/transport-ws";

const [url = "", csv = "", report = "", session = "", credits = ""] = process.argv.slice(2);

/** Writes a file entirely or not at all: this process may die at any moment. */
const persist = async (saved: SavedSession): Promise<void> => {
  await writeFile(`${session}.new`, JSON.stringify(saved), { mode: 0o600 });
  await rename(`${session}.new`, session);
};
const restore: SavedSession | undefined = await readFile(session, "utf8").then(
  JSON.parse,
  () => undefined,
);

await using client = await connect(dial(url), { token: "a-token", persist, restore });
const lease = {
  "fs.read": [csv],
  "tool.call": ["exchange-rate"],
  "cost.budget": [`credits:${credits}`],
};
const job = await client.submit("csv-report", { path: csv }, { lease, idempotencyKey: csv });
say({ session: client.session.id, job: job.id });

const written = writeFile(report, job.stream());
const seqs: (number | undefined)[] = [];
for await (const { kind, body, jobSeq } of job.events) {
  seqs.push(jobSeq);
  if (kind === "progress") say({ rows: body.current });
}
await written;
const inOrder = seqs.every((seq, i) => seq === i + 1);
say({ events: seqs.length, inOrder, left: job.budget.get("credits") });

function say(line: Record<string, unknown>): void {
  console.log(JSON.stringify(line));
}
