import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dialUnix, unixTransport } from "./unix-socket.ts";

/**
 * Runs a job over a Unix socket that is cut in the middle of it.
 * @throws if anything that it shows does not hold
 */
export async function story(say: (line: string) => void): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  const connectedAgain = Promise.withResolvers<void>();
  const count = defineAgent<number, number>({
    name: "count",
    async run(ctx, total) {
      for (let current = 1; current <= total; current++) {
        await ctx.progress({ current, total });
        if (current === total / 2) await connectedAgain.promise;
      }
      return total;
    },
  });
  const runtime = cleanup.use(
    createRuntime({ agents: [count], auth: tokenTable({ "a-token": "alice" }) }),
  );

  const directory = await mkdtemp(join(tmpdir(), "arcp-unix-"));
  cleanup.defer(() => rm(directory, { recursive: true }));
  const path = join(directory, "agents.sock");
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    runtime.serve(unixTransport(socket), { address: "", loopback: true });
    if (sockets.length === 2) connectedAgain.resolve();
  });
  server.listen(path);
  await once(server, "listening");
  cleanup.defer(() => void server.close());

  const client = cleanup.use(await connect(dialUnix(path), { token: "a-token" }));
  const job = await client.submit<number>("count", 1_000);
  let seen = 0;
  for await (const { kind, body } of job.events) {
    if (kind !== "progress") continue;
    seen += 1;
    assert.equal(body.current, seen);
    if (seen === 100) sockets[0]?.destroy();
  }
  assert.equal(seen, await job.result());
  say(`${seen} events over ${sockets.length} connections, each once and in order`);
}
