// Add custom events and capabilities, typed from the agent to the client.
import assert from "node:assert/strict";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";
import { z } from "zod";

const printer = defineAgent({
  name: "print-shop",
  input: z.object({ rooms: z.array(z.string()) }),
  // Vendor names are x-vendor.<vendor>.<name>. The agent may emit only what is listed here.
  events: { "x-vendor.acme.printed": z.object({ room: z.string(), pages: z.int() }) },
  async run(ctx, { rooms }) {
    for (const room of rooms) {
      // A vendor's capability is checked against the lease like any other. It throws the refusal.
      ctx.authorize("x-vendor.acme.print", room);
      await ctx.emit("x-vendor.acme.printed", { room, pages: 2 }); // another body would not compile
    }
  },
});

await using runtime = createRuntime({
  agents: [printer],
  auth: tokenTable({ "a-token": "alice" }),
});
await using server = await listen({ port: 0 }, runtime.serve);

await using client = await connect(dial(server.url), { token: "a-token" });
const shop = client.agent<typeof printer>("print-shop");
const lease = { "x-vendor.acme.print": ["floor-2.*"] };
const job = await shop.submit({ rooms: ["floor-2.kitchen", "floor-2.lobby", "vault"] }, { lease });

let pages = 0;
for await (const event of job.events) {
  if (event.kind !== "x-vendor.acme.printed") continue;
  console.log(`${event.body.pages} pages in ${event.body.room}`);
  pages += event.body.pages; // a number, since the definition says so
}
assert.equal(pages, 4);
await assert.rejects(job.result(), { code: "PERMISSION_DENIED" });
console.log("nothing in the vault");

// A client that knows nothing of the vendor gets the very same events, with bodies that nobody has checked.
const plain = await client.job(job.id);
const kinds = (await Array.fromAsync(plain.events)).map(({ kind }) => kind);
assert.deepEqual(kinds, ["status", "x-vendor.acme.printed", "x-vendor.acme.printed"]);

/* It prints:
2 pages in floor-2.kitchen
2 pages in floor-2.lobby
nothing in the vault
*/
