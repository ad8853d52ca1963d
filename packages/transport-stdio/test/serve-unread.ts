// Sends to a parent that does not read until a send is held back, says on stderr how many frames that took, and goes on.
import { setImmediate as turn } from "node:timers/promises";
import type { Transport } from "@arcp/core";
import { serveStdio } from "../src/index.ts";
import { FRAMES, unreadFrame } from "./load.ts";

/** @returns the number of the frame whose send stays pending, or how many there are */
async function pour(transport: Transport): Promise<number> {
  for (let i = 0; i < FRAMES; i++) {
    let isPending = true;
    void transport.send([unreadFrame(i)]).then(() => {
      isPending = false;
    });
    for (let turns = 0; isPending && turns < 100; turns++) await turn();
    if (isPending) return i;
  }
  return FRAMES;
}

await serveStdio(async (transport) => {
  const count = await pour(transport);
  process.stderr.write(`held back at ${count}\n`);
  for (let i = count + 1; i < FRAMES; i++) await transport.send([unreadFrame(i)]);
});
process.exit();
