import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Client, connect } from "@arcp/client";
import { CHUNK, chunkOf, textOf } from "./load.ts";
import { exists, pathOf, runs, spawned, until } from "./spawned.ts";

export interface Crossing {
  readonly events: number;
  /** Bytes of the streamed result. */
  readonly bytes: number;
  readonly eventsMs: number;
  readonly resultMs: number;
}

/**
 * Events and a streamed result from a runtime in a child process.
 * @throws Error when an event or a byte is not what was sent
 */
export async function cross(events: number, chunks: number): Promise<Crossing> {
  await using client = await connect(spawned(), { token: "secret", handshakeTimeout: 25_000 });
  const started = performance.now();
  const job = await client.submit("load", { events, chunks });
  const result = job.bytes();
  let seen = 0;
  let eventsMs = 0;
  for await (const event of job.events) {
    if (event.kind !== "log") continue;
    if (event.body.message !== textOf(seen)) throw new Error(`event ${seen} is another`);
    seen += 1;
    if (seen === events) eventsMs = performance.now() - started;
  }
  if (seen !== events) throw new Error(`${seen} of ${events} events came`);
  const bytes = await result;
  const resultMs = performance.now() - started - eventsMs;
  if (bytes.length !== chunks * CHUNK) throw new Error(`${bytes.length} bytes came`);
  for (let i = 0; i < chunks; i++) {
    if (!chunkOf(i).equals(bytes.subarray(i * CHUNK, (i + 1) * CHUNK))) {
      throw new Error(`the chunk ${i} is another`);
    }
  }
  return { events: seen, bytes: bytes.length, eventsMs, resultMs };
}

/**
 * A job whose agent prints between its events.
 * @throws Error when an event is missing, or a printed line is not on stderr
 */
export async function chat(client: Client, rounds: number, printed: () => string): Promise<void> {
  const job = await client.submit("chatty", { rounds });
  let seen = 0;
  for await (const event of job.events) {
    if (event.kind !== "log") continue;
    if (event.body.message !== `event ${seen}`) throw new Error(`event ${seen} is another`);
    seen += 1;
  }
  if (seen !== rounds) throw new Error(`${seen} of ${rounds} events came`);
  const pid = await job.result();
  if (typeof pid !== "number" || pid === process.pid) throw new Error("it ran in this process");
  await client.close();
  await until(() => !exists(pid));
  for (let i = 0; i < rounds; i++) {
    for (const line of [
      `printed ${i}\n`,
      `written ${i}, without an end`,
      `{"arcp":"1.1"} ${i}\n`,
    ]) {
      // The last of it may still be in the pipe of a process that is gone.
      await until(() => printed().includes(line), `${JSON.stringify(line)} is not on stderr`);
    }
  }
}

/**
 * Kills a client with SIGKILL while a job runs in its child.
 * @returns milliseconds until the child was gone
 * @throws Error when the child goes on
 */
export async function orphan(...args: string[]): Promise<number> {
  const parent = spawn(process.execPath, [pathOf("parent.ts"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  parent.stderr.resume();
  const exited = once(parent, "exit");
  const line = await Promise.race([once(parent.stdout, "data"), exited.then(() => ["nothing"])]);
  const pid = Number(line);
  if (!(pid > 1) || pid === parent.pid) throw new Error(`this is no pid of a child: ${line}`);
  parent.kill("SIGKILL");
  const killed = performance.now();
  await exited;
  await until(() => !runs(pid));
  return performance.now() - killed;
}
