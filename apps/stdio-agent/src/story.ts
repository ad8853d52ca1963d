import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { connect } from "@arcp/client";
import { spawnRuntime } from "@arcp/transport-stdio";
import { dial } from "@arcp/transport-ws";
import { reviewed } from "./client.ts";

const server = fileURLToPath(new URL("server.ts", import.meta.url));

const text = `An orderly line.
A line with blanks at its end.  
TODO: say something here.
A line that goes on, and on, and on, and on, and on, and on, and on, and on, and on.
`;

/**
 * Has a text reviewed by the same agent as a child process and behind a WebSocket, by the same client code.
 * @throws if anything that it shows does not hold
 */
export async function story(say: (line: string) => void): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "arcp-stdio-"));
  cleanup.defer(() => rm(directory, { recursive: true }));
  const path = join(directory, "text.md");
  await writeFile(path, text);

  say("over pipes: the client starts the server");
  const stderr = new PassThrough();
  const overPipes = await reviewed(spawnRuntime(process.execPath, [server], { stderr }), path);
  for (const { line, what } of overPipes.findings) say(`  line ${line}: ${what}`);
  // Closing the client was all that it took.
  const words: string[] = [];
  for await (const line of createInterface(stderr)) {
    words.push(line);
    say(`  its stderr: ${line}`);
    if (line === "the child ends") break;
  }

  say("over a WebSocket: the server is there already");
  const child = spawn(process.execPath, [server, "--listen"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  cleanup.defer(() => void child.kill("SIGKILL"));
  const { value: url } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  assert(url !== undefined, "the server ended before it was ready");
  const overWebSocket = await reviewed(dial(url), path);
  say(`  ${overWebSocket.findings.length} findings at ${url}`);

  assert.equal(overPipes.findings.length, 3);
  assert.deepEqual(overPipes.result, { lines: 4, findings: 3 });
  say("ok  the agent found what there is to find");
  assert.deepEqual(overWebSocket, overPipes);
  say("ok  it says the same over both, event by event");
  assert.deepEqual(words, [`review reads ${path}`, "the child ends"]);
  say("ok  what the agent prints goes to stderr, and the child ends with its client");

  await using next = await connect(dial(url), { token: "a-token" });
  const jobs: string[] = [];
  for await (const { agent, status } of next.jobs()) jobs.push(`${agent}: ${status}`);
  assert.deepEqual(jobs, ["review: success"]);
  say("ok  the server of the WebSocket is there for the next client, who lists the job");
  const broken = connect(spawnRuntime(process.execPath, ["-e", "process.exit(3)"]), {});
  await assert.rejects(broken, { code: "TRANSPORT_CLOSED", message: /exited with code 3/ });
  say("ok  a child that cannot serve says how it ended");
  await next.close();
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
  say("ok  SIGTERM ends the server in good order");
}
