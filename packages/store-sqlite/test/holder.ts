// Holds a store open and appends to it for ever, three records at a time; prints a line for each acknowledgement.
import { newJobId } from "@arcp/core";
import { sqliteStore } from "../src/sqlite-store.ts";

const [path = ""] = process.argv.slice(2);
try {
  const store = sqliteStore(path);
  const job = newJobId();
  for (let head = 0; ; head += 3) {
    const records = [1, 2, 3].map((i) => ({ kind: "event" as const, text: `${head + i}` }));
    await store.logs.append([{ job, after: head, records }]);
    process.stdout.write(`${job} ${head + 3}\n`);
  }
} catch (error) {
  process.stdout.write(`${error}\n`);
}
