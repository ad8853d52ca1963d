// Submit again after a crash: with an idempotency key, the order is placed once.
import assert from "node:assert/strict";
import { connect, retry } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

let orders = 0;
const placed = Promise.withResolvers<void>();
const order = defineAgent({
  name: "order",
  async run() {
    orders += 1;
    placed.resolve();
    return { order: orders };
  },
});

await using runtime = createRuntime({ agents: [order], auth: tokenTable({ "a-token": "alice" }) });
await using server = await listen({ port: 0 }, runtime.serve);

// The key names the intention, so it comes from the caller's own data: a cart, a commit, a day.
const cart = { item: "tea", pieces: 2 };
const idempotencyKey = "cart-2931";

// A process places the order, and dies before it learns the outcome.
const crash = new AbortController();
const doomed = await connect(dial(server.url), { token: "a-token", signal: crash.signal });
void doomed.submit("order", cart, { idempotencyKey });
await placed.promise;
crash.abort();

// The next process cannot know. It submits again, and `retry` tries as often as it takes.
await using client = await connect(dial(server.url), { token: "a-token" });
const job = await retry(() => client.submit("order", cart, { idempotencyKey }));
assert.deepEqual(await job.result(), { order: 1 }); // of the first job, which is the only one
assert.equal(orders, 1);
console.log("submitted twice, ordered once");

// The key stands for this very order. Anything else under it is a mistake, and refused.
const other = client.submit("order", { ...cart, pieces: 3 }, { idempotencyKey });
await assert.rejects(other, { code: "DUPLICATE_KEY" });
console.log("another order under the same key is refused");
assert.equal(orders, 1);

/* It prints:
submitted twice, ordered once
another order under the same key is refused
*/
