import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { connect } from "@arcp/client";
import { decode, encode, newMessageId, type Transport } from "@arcp/core";
import { sqliteStore } from "@arcp/store-sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { chat, cross, orphan } from "../test/crossing.ts";
import { FRAMES, unreadFrame } from "../test/load.ts";
import { exists, pathOf, spawned, until } from "../test/spawned.ts";
import { type Accept, serveStdio, spawnRuntime } from "./index.ts";

// A busy machine starts processes slowly.
const TOKEN = { token: "secret", handshakeTimeout: 25_000 };

/** What a process wrote whose parent was killed: on Windows it is killed with a parent that runs Node. */
const EXITED = process.platform === "win32" ? undefined : "0";

function scratch(): string {
  const path = mkdtempSync(join(tmpdir(), "arcp-stdio-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** Keeps what a process writes to its stderr. */
class Heard extends Writable {
  text = "";

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}

/** Starts a program that does not outlive the test, even one that fails. */
function started(program: string, ...args: string[]) {
  const child = spawn(process.execPath, [pathOf(program), ...args], { stdio: "pipe" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Starts a program with nothing between it and the test. */
function bare(program: string, ...args: string[]) {
  const child = started(program, ...args);
  const output = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]).then(
    ([stdout, stderr, [code]]) => ({ stdout, stderr, code: code as number | null }),
  );
  return { child, output };
}

async function next(transport: Transport, frames = transport.frames[Symbol.asyncIterator]()) {
  const { value } = await frames.next();
  const decoded = decode(value);
  if (decoded.kind !== "ok") throw new Error(`not a message: ${value}`);
  return decoded.message;
}

const hello = (token: string) =>
  encode({
    id: newMessageId("req_"),
    type: "session.hello",
    payload: {
      client: { name: "test", version: "0" },
      auth: { scheme: "bearer", token },
      capabilities: { encodings: ["json"], features: [] },
    },
  });
const ping = (nonce: string) =>
  encode({ id: newMessageId("req_"), type: "session.ping", payload: { nonce } });

describe("stdout belongs to the protocol", () => {
  test("R-4.2-2: what an agent prints goes to stderr, and every event arrives", async () => {
    const stderr = new Heard();
    const client = await connect(spawned([], { stderr }), TOKEN);
    await chat(client, 100, () => stderr.text);
  });

  test("R-4.2-2: output that bypasses the stream goes to stderr too, where the platform does that", async () => {
    const { child, output } = bare("serve-past-stream.ts");
    child.stdin.end();
    expect(await output).toEqual({ stdout: "{}\n", stderr: "printed\nwritten\n", code: 0 });
  });

  test("R-4.2-2: an agent may fill stdout and wait for it, cork it and end it", async () => {
    const stderr = new Heard();
    await using client = await connect(spawned([], { stderr }), TOKEN);
    const job = await client.submit("thorough", { bytes: 4_000_000 });
    const logs: string[] = [];
    for await (const { kind, body } of job.events) if (kind === "log") logs.push(body.message);
    expect(await job.result()).toBe("done");
    expect(logs).toEqual(["held back", "ended"]);
    await until(() => stderr.text.endsWith("held back, together\nno more of it\n"));
    expect(stderr.text.match(/z/g)?.length).toBe(6_000_000);
  });

  test("R-4.2-1, R-4.2-2, R-4.2-3: stdout carries only envelopes, one to a line", async () => {
    const { child, output } = bare("serve.ts");
    const submit = { agent: "chatty", input: { rounds: 20 } };
    const id = newMessageId("req_");
    child.stdin.write(
      `${hello("secret")}\n${encode({ id, type: "job.submit", payload: submit })}\n`,
    );
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
      if (said.includes('"job.result"')) child.stdin.end();
    });
    const { stdout, stderr, code } = await output;
    expect(code).toBe(0);
    expect(stderr).toContain("written 19, without an end");
    const lines = stdout.split("\n");
    expect(lines.pop()).toBe("");
    expect(lines.map((line) => decode(line).kind)).toEqual(lines.map(() => "ok"));
    expect(lines.length).toBeGreaterThan(20);
    expect(stdout).not.toContain("\r");
    expect(stdout.charCodeAt(0)).toBe("{".charCodeAt(0));
  });
});

test("R-4.1-10: a parent that does not read holds its child back, and then gets everything in order", async () => {
  const stderr = new Heard();
  const dial = spawnRuntime(process.execPath, [pathOf("serve-unread.ts")], { stderr });
  const transport = await dial(new AbortController().signal);
  await until(() => stderr.text.endsWith("\n"));
  const [, count] = /^held back at (\d+)\n$/.exec(stderr.text) ?? [];
  // What both sides and the pipe may hold is a small part of all.
  expect(Number(count)).toBeLessThan(FRAMES / 8);
  let seen = 0;
  for await (const frame of transport.frames) {
    if (frame !== unreadFrame(seen)) throw new Error(`frame ${seen} is another`);
    seen += 1;
    if (seen === FRAMES) break;
  }
  transport.close();
});

describe("unreadable lines", () => {
  test("R-4.2-4: an over-long line is refused with INVALID_REQUEST, and the session goes on", async () => {
    const transport = await spawned()(new AbortController().signal);
    const frames = transport.frames[Symbol.asyncIterator]();
    await transport.send([hello("secret")]);
    expect(await next(transport, frames)).toHaveProperty("type", "session.welcome");
    await transport.send([ping("x".repeat(4 * 1024 * 1024)), ping("behind it")]);
    expect(await next(transport, frames)).toMatchObject({
      type: "session.error",
      payload: {
        code: "INVALID_REQUEST",
        message: "the message is longer than 4194304 bytes",
      },
    });
    expect(await next(transport, frames)).toMatchObject({
      type: "session.pong",
      payload: { ping_nonce: "behind it" },
    });
    transport.close();
  });

  test("R-4.2-1, R-4.2-3: CR LF, blank lines and a byte-order mark are accepted; invalid UTF-8 is refused", async () => {
    const { child, output } = bare("serve.ts");
    child.stdin.write(`\uFEFF${hello("secret")}\r\n\r\n\n${ping("1")}\r\n`);
    child.stdin.write(Buffer.from([0x22, 0xc3, 0x28, 0x0a]));
    child.stdin.write(`${ping("2")}\n`);
    // A client that ends its side is gone and need not be answered.
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
      if (said.includes('"ping_nonce":"2"')) child.stdin.end();
    });
    const { stdout } = await output;
    const messages = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(messages).toMatchObject([
      { type: "session.welcome" },
      { type: "session.pong", payload: { ping_nonce: "1" } },
      {
        type: "session.error",
        payload: { code: "INVALID_REQUEST", message: "the message is not UTF-8" },
      },
      { type: "session.pong", payload: { ping_nonce: "2" } },
    ]);
  });
});

describe("the end", () => {
  test("R-4.2-5: when the parent closes the pipe, jobs are cancelled and the process exits", async () => {
    const stderr = new Heard();
    const client = await connect(spawned([], { stderr }), TOKEN);
    const job = await client.submit("heedful");
    const { value } = await job.events[Symbol.asyncIterator]().next();
    expect(value).toMatchObject({ kind: "status" });
    let pid = 0;
    for await (const { kind, body } of job.events) {
      if (kind !== "log") continue;
      pid = Number(body.message);
      break;
    }
    await client.close();
    await until(() => !exists(pid));
    expect(stderr.text).toContain("cancelled: ");
  });

  test("R-4.2-5: a killed parent ends the process, though its agent heeds nothing and prints into broken pipes", async () => {
    const exitCode = join(scratch(), "exit-code");
    await orphan("memory", exitCode);
    expect(readFile(exitCode)).toBe(EXITED);
  });

  test("R-4.2-5: with a durable store, the job is left to the next process", async () => {
    const path = scratch();
    const [file, exitCode] = [join(path, "arcp.db"), join(path, "exit-code")];
    await orphan(file, exitCode);
    expect(readFile(exitCode)).toBe(EXITED);
    const store = sqliteStore(file);
    onTestFinished(() => store.close());
    const [job] = await store.jobs.list({ limit: 10 });
    expect(job).toMatchObject({ agent: "endless", status: "running" });
  });

  test("a client with a wrong token is told so, and its process exits cleanly", async () => {
    const exitCode = join(scratch(), "exit-code");
    const connecting = connect(spawned(["memory", exitCode]), { ...TOKEN, token: "wrong" });
    await expect(connecting).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await until(() => readFile(exitCode) === "0");
  });

  test("a client that closes its session ends the process at once", async () => {
    const exitCode = join(scratch(), "exit-code");
    const client = await connect(spawned(["memory", exitCode]), TOKEN);
    await client.close();
    await until(() => readFile(exitCode) === "0");
  });

  test("a parent that reads nothing and closes the pipe does not delay it", async () => {
    const child = started("serve-failing.ts", "broken");
    const heard = text(child.stderr);
    child.stdin.end();
    const exited = once(child, "exit");
    // On Windows a process ends only after what it still writes.
    const isWindows = process.platform === "win32";
    if (isWindows) {
      await once(child.stderr, "data");
      child.stdout.destroy();
    }
    await exited;
    expect(await heard).toBe("over\n");
    if (!isWindows) expect(child.stdout.readableLength).toBe(0);
    child.stdout.destroy();
  });
});

describe("misuse", () => {
  test("a second serveStdio is refused", async () => {
    const { child, output } = bare("serve-failing.ts", "twice");
    child.stdin.end();
    const { stderr } = await output;
    expect(stderr).toContain("stdio is already being served: a process has only one stdout");
  });

  test("an error thrown by accept reaches the program, and the connection is closed with a reason", async () => {
    const { child, output } = bare("serve-failing.ts", "accept");
    child.stdin.end();
    const { stdout, ...rest } = await output;
    expect(rest).toEqual({
      stderr: 'failed: Error: no, {"address":"","secure":false,"loopback":true}\n',
      code: 0,
    });
    const payload = { code: "INTERNAL_ERROR", message: expect.stringContaining("unexpected") };
    const message = { type: "session.error", session_id: expect.any(String), payload };
    expect(stdout.endsWith("\n")).toBe(true);
    expect(decode(stdout.trimEnd())).toMatchObject({ kind: "ok", message });
  });

  test("an error that accept refuses a client with rejects its connect", async () => {
    const dial = spawnRuntime(process.execPath, [pathOf("serve-failing.ts"), "refuse"], {
      stderr: "ignore",
    });
    await expect(connect(dial, TOKEN)).rejects.toMatchObject({
      name: "ArcpError",
      code: "PERMISSION_DENIED",
      message: "not today",
    });
  });
});

test("R-4.2-1: events and a long result pass between processes byte for byte", async () => {
  const { events, bytes } = await cross(2_000, 16);
  expect([events, bytes]).toEqual([2_000, 4 * 1024 * 1024]);
});

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

test.each([
  [undefined, {}, "serveStdio takes a function, such as runtime.serve"],
  [() => {}, { closeTimeout: Number.NaN }, "serveStdio: closeTimeout must be a number from zero"],
])("an invalid call leaves the standard streams untouched", async (accept, options, message) => {
  await expect(serveStdio(accept as Accept, options)).rejects.toMatchObject({
    code: "MISUSE",
    message: expect.stringContaining(message),
  });
});
