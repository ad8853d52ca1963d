import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "@arcp/client";
import { dial } from "@arcp/transport-ws";
import { WebSocket } from "ws";
import { Hosted } from "./hosted.ts";

/**
 * Starts the four servers side by side, and uses everything that each of them serves.
 * @throws if anything that it shows does not hold
 */
export async function story(say: (line: string) => void): Promise<void> {
  const visit = async (name: string): Promise<void> => {
    await using hosted = await Hosted.start(name);
    const page = await hosted.page("/hello");
    assert.equal(page.status, 200);
    const echo = new WebSocket(`ws://127.0.0.1:${hosted.port}/echo`);
    await once(echo, "open");
    echo.send("hi");
    const [echoed] = await once(echo, "message");
    assert.equal(String(echoed), "hi");
    await using client = await connect(dial(`ws://127.0.0.1:${hosted.port}/arcp`), {
      token: "a-token",
    });
    const job = await client.submit("count", { to: 100, everyMs: 1 });
    // It is told to end in the middle of the job, which may finish.
    const ended = hosted.end();
    assert.equal(await job.result(), 100);
    assert.equal(await ended, 0);
    say(`ok  ${name}: "${page.text}", an echo, a job that finished before the server ended`);
  };
  await Promise.all(["node-http", "express", "fastify", "hono"].map(visit));
}
