import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { connect } from "@arcp/client";
import { type Dial, ManualClock, type Transport, TransportClosedError } from "@arcp/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { exists, spawned, until } from "../test/spawned.ts";
import { type SpawnOptions, spawnRuntime } from "./index.ts";

// A busy machine starts processes slowly.
const TOKEN = { token: "secret", handshakeTimeout: 25_000 };
const WINDOWS = process.platform === "win32";
const forever = new AbortController().signal;

/** A one-line program as the runtime. */
function program(code: string, options: SpawnOptions = {}): Dial {
  return spawnRuntime(process.execPath, ["-e", code], { stderr: "ignore", ...options });
}

async function frames(transport: Transport): Promise<string[]> {
  const read: string[] = [];
  for await (const frame of transport.frames) read.push(frame);
  return read;
}

/** The program's first output: its pid. */
async function pidOf(transport: Transport): Promise<number> {
  const { value } = await transport.frames[Symbol.asyncIterator]().next();
  return JSON.parse(value).pid;
}

const SAY_PID = "process.stdout.write(JSON.stringify({ pid: process.pid }) + '\\n');";

async function failure(work: Promise<unknown>): Promise<Error & { reason?: unknown }> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error)) throw new Error("it did not fail");
  return error;
}

describe("a command that is not a runtime", () => {
  test("is named if it does not exist", async () => {
    const error = await failure(connect(spawnRuntime("no-such-command"), TOKEN));
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(error.message).toContain(
      "the runtime (no-such-command) could not be started: there is no such command",
    );
  });

  test("is not blamed if the directory does not exist", async () => {
    const error = await failure(connect(program("", { cwd: "/no/such/place" }), TOKEN));
    expect(error.message).toContain("could not be started: there is no directory /no/such/place");
  });

  test("is refused if the system cannot take its arguments", async () => {
    const error = await failure(connect(spawnRuntime("node", ["a\0b"]), TOKEN));
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(error.message).toContain("the runtime (node) could not be started: ");
  });

  test("puts its exit code and the end of its stderr into the error of connect", async () => {
    const code = "for (let i = 0; i < 40; i++) console.error('line ' + i); process.exit(3)";
    const error = await failure(connect(program(code), TOKEN));
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(error.message).toContain("exited with code 3; it last wrote to stderr:\nline 20\n");
    expect(error.message).toMatch(/line 39$/);
  });

  test("has a missing file named, however long its stack trace", async () => {
    const dial = spawnRuntime(process.execPath, ["no-such-agents.js"], { stderr: "ignore" });
    const error = await failure(connect(dial, TOKEN));
    expect(error.message).toMatch(/^Error: Cannot find module '.*no-such-agents\.js'$/m);
  });

  test("fails connect even if it exits cleanly and says nothing", async () => {
    const error = await failure(connect(program(""), TOKEN));
    expect(error.message).toContain("exited with code 0; it wrote nothing to stderr");
  });

  // Windows reports no signal of a process that ends itself.
  test.skipIf(WINDOWS)("puts the signal that ended it into the error", async () => {
    const error = await failure(connect(program("process.kill(process.pid, 'SIGKILL')"), TOKEN));
    expect(error.message).toContain("was ended by the signal SIGKILL");
  });

  test("R-4.2-2: has its first line quoted if that is not a message", async () => {
    const running = () => process.getActiveResourcesInfo().filter((one) => one === "ProcessWrap");
    const before = running().length;
    const code = "fs.writeSync(1, 'Listening on port 8080\\n'); setInterval(() => {}, 1000)";
    const error = await failure(connect(program(code, { closeTimeout: 20 }), TOKEN));
    // It ignores the end of its input.
    await until(() => running().length === before);
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(error.message).toContain(
      'wrote something other than a message to its standard output: "Listening on port 8080"; it has to log to stderr',
    );
  });

  test("is reported by its exit, not by the line that it dies in", async () => {
    const code = `fs.writeSync(1, '{"arcp":"1.1","id":"m","ty'); process.exit(4)`;
    const error = await failure(connect(program(code), TOKEN));
    expect(error.message).toContain("exited with code 4");
  });
});

describe("the process", () => {
  test("gets what was sent before the close, sees its input end, and is waited for", async () => {
    const code = `${SAY_PID} process.stdin.on("data", (d) => process.stderr.write(d)); process.stdin.on("end", () => console.error("end"))`;
    let said = "";
    const stderr = new Writable({
      write(chunk, _encoding, done) {
        said += chunk;
        done();
      },
    });
    const transport = await program(code, { stderr })(forever);
    const pid = await pidOf(transport);
    await transport.send(["{1}", "{2}"]);
    transport.close();
    await until(() => !exists(pid));
    expect(said).toBe("{1}\n{2}\nend\n");
  });

  // There, the first signal ends it.
  test.skipIf(WINDOWS)("gets SIGTERM if it does not end with its input", async () => {
    const code = `process.on("SIGTERM", () => { console.error("told"); process.exit() }); ${SAY_PID} setInterval(() => {}, 1000)`;
    let said = "";
    const stderr = new Writable({
      write(chunk, _encoding, done) {
        said += chunk;
        done();
      },
    });
    const clock = new ManualClock();
    const transport = await program(code, { stderr, clock, closeTimeout: 100 })(forever);
    const pid = await pidOf(transport);
    transport.close();
    clock.advance(99);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([exists(pid), said]).toEqual([true, ""]);
    clock.advance(1);
    await until(() => !exists(pid));
    expect(said).toBe("told\n");
    await until(() => clock.pending === 0);
  });

  // There, the first signal ends it.
  test.skipIf(WINDOWS)("is killed if it ignores SIGTERM too", async () => {
    const code = `process.on("SIGTERM", () => {}); ${SAY_PID} setInterval(() => {}, 1000)`;
    const clock = new ManualClock();
    const transport = await program(code, { clock, closeTimeout: 100 })(forever);
    const pid = await pidOf(transport);
    transport.close();
    clock.advance(199);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(exists(pid)).toBe(true);
    clock.advance(1);
    await until(() => !exists(pid));
    await until(() => clock.pending === 0);
  });

  // There, Node holds its streams open a second time.
  test.skipIf(WINDOWS)("is ended if it closes its output and lives on", async () => {
    const code = `${SAY_PID} setImmediate(() => { fs.closeSync(1); setInterval(() => {}, 1000) })`;
    const transport = await program(code, { closeTimeout: 20 })(forever);
    const iterator = transport.frames[Symbol.asyncIterator]();
    const pid = JSON.parse((await iterator.next()).value).pid;
    await expect(iterator.next()).rejects.toThrow(/was ended by the signal SIG(TERM|KILL)/);
    expect(exists(pid)).toBe(false);
    await expect(transport.send(["{}"])).rejects.toThrow(TransportClosedError);
  });

  test("is not waited for if it leaves a process behind that holds its streams", async () => {
    const left = `require("child_process").spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"], { stdio: "inherit", detached: true })`;
    const code = `const { pid } = ${left}; process.stdout.write(JSON.stringify({ pid }) + '\\n', () => process.exit(5))`;
    const transport = await program(code, { closeTimeout: 50 })(forever);
    const iterator = transport.frames[Symbol.asyncIterator]();
    const pid = JSON.parse((await iterator.next()).value).pid;
    onTestFinished(() => void process.kill(pid));
    await expect(iterator.next()).rejects.toThrow("exited with code 5");
  });

  test("loses none of its output if it ends while a slow reader holds that up", async () => {
    const line = JSON.stringify("x".repeat(1000));
    const code = `process.stdout.write("{}\\n" + ${JSON.stringify(`${line}\n`)}.repeat(400), () => process.exit(6))`;
    const transport = await program(code, { closeTimeout: 5 })(forever);
    // Long enough to be given up, were it not for the output that waits.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const read: string[] = [];
    const reading = (async () => {
      for await (const frame of transport.frames) read.push(frame);
    })();
    await expect(reading).rejects.toThrow("exited with code 6");
    expect(read).toHaveLength(401);
  });

  test("that floods its stderr goes on, and the error stays short", async () => {
    const flood = `for (let i = 0; i < 200; i++) fs.writeSync(2, "y".repeat(65536) + "\\n")`;
    const transport = await program(`${flood}; console.error("the end"); process.exit(7)`)(forever);
    const error = await failure(frames(transport));
    expect(error.message).toContain("exited with code 7");
    expect(error.message).toMatch(/the end$/);
    expect(error.message.length).toBeLessThan(9_000);
  });

  test("that floods its stderr waits for its reader", async () => {
    const taken: (() => void)[] = [];
    const stderr = new Writable({ write: (_chunk, _encoding, done) => void taken.push(done) });
    const code = `${SAY_PID} process.stderr.write("y".repeat(10e6))`;
    const transport = await program(code, { stderr })(forever);
    const pid = await pidOf(transport);
    await until(() => taken.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(stderr.writableLength).toBeLessThan(1024 * 1024);
    transport.close();
    stderr.on("error", () => {});
    stderr.destroy();
    process.kill(pid, "SIGKILL");
    await until(() => !exists(pid));
  });

  test("goes on when the full stream for its stderr is closed", async () => {
    const taken: (() => void)[] = [];
    const stderr = new Writable({ write: (_chunk, _encoding, done) => void taken.push(done) });
    const code = `for (let i = 0; i < 50; i++) fs.writeSync(2, "y".repeat(65536)); console.log("{}")`;
    const transport = await program(code, { stderr })(forever);
    const read = frames(transport).catch(() => "ended");
    await until(() => taken.length === 1 && stderr.writableNeedDrain);
    stderr.destroy();
    // It exits only once all its output was read.
    expect(await read).toBe("ended");
    expect(stderr.listenerCount("drain") + stderr.listenerCount("close")).toBe(0);
  });
});

describe("dialling", () => {
  test("is refused if its signal is already aborted, and starts nothing", async () => {
    const reason = new Error("no more");
    await expect(program("")(AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 8, 12, 20])(
    "ends the process if aborted in start-up step %i",
    async (steps) => {
      const running = () => process.getActiveResourcesInfo().filter((one) => one === "ProcessWrap");
      // The process of the test before has ended, but may not have been released yet.
      await until(() => running().length === 0);
      const abort = new AbortController();
      const dialling = program("setInterval(() => {}, 1000)")(abort.signal);
      const refused = expect(dialling).rejects.toThrow("enough");
      for (let step = 0; step < steps; step++) await undefined;
      abort.abort(new Error("enough"));
      await refused;
      await until(() => running().length === 0);
    },
  );

  test("waits for the previous process, which may still hold the store, and for no other", async () => {
    // It lives until it is told to end.
    const code = `${SAY_PID} setInterval(() => {}, 1000)`;
    const clock = new ManualClock();
    const dial = program(code, { clock, closeTimeout: 100 });
    const [first, beside] = [await dial(forever), await dial(forever)];
    const [pid, other] = [await pidOf(first), await pidOf(beside)];
    first.close();
    const dialling = dial(forever);
    clock.advance(100);
    const next = await dialling;
    expect(exists(pid)).toBe(false);
    expect(exists(other)).toBe(true);
    beside.close();
    const abort = new AbortController();
    const impatient = dial(abort.signal);
    abort.abort(new Error("enough"));
    await expect(impatient).rejects.toThrow("enough");
    expect(exists(other)).toBe(true);
    next.close();
    clock.advance(100);
    await until(() => !exists(other) && clock.pending === 0);
  });

  test("leaves no listener on this process's own stderr", async () => {
    const before = process.stderr.eventNames().map((name) => process.stderr.listenerCount(name));
    for (let i = 0; i < 3; i++) {
      await failure(frames(await program("", { stderr: process.stderr })(forever)));
    }
    expect(process.stderr.eventNames().map((name) => process.stderr.listenerCount(name))).toEqual(
      before,
    );
  });
});

describe("a client", () => {
  test("R-6.3-1: goes on in a fresh process on the same store when the last one was killed", async () => {
    const scratch = mkdtempSync(join(tmpdir(), "arcp-stdio-"));
    onTestFinished(() => rmSync(scratch, { recursive: true }));
    const dial = spawned([join(scratch, "arcp.db")], { stderr: "ignore" });
    await using client = await connect(dial, TOKEN);
    const errors: string[] = [];
    const watching = (async () => {
      for await (const state of client.states) {
        if (state.kind === "retrying") errors.push(state.error.message);
      }
    })();
    const job = await client.submit("suicidal");
    const said: unknown[] = [];
    for await (const { kind, body } of job.events) if (kind === "log") said.push(body.message);
    expect(said).toEqual(["attempt 1", "attempt 2"]);
    expect(await job.result()).toBe(2);
    await client.close();
    await watching;
    expect(errors.length).toBeGreaterThan(0);
    const how = WINDOWS ? "exited with code 1" : "was ended by the signal SIGKILL";
    expect(errors[0]).toContain(`${how}; it last wrote to stderr:\nabout to die`);
  });

  test("R-4.2-2: survives output written straight to the file descriptor of stdout", async () => {
    await using client = await connect(spawned([], { stderr: "ignore" }), TOKEN);
    const job = await client.submit("raw");
    const said: unknown[] = [];
    for await (const { kind, body } of job.events) if (kind === "log") said.push(body.message);
    expect(said).toEqual(["before", "after"]);
    expect(await job.result()).toBe("done");
  });

  test("that is aborted while it connects leaves no process", async () => {
    const abort = new AbortController();
    const started = Promise.withResolvers<number>();
    const dial: Dial = async (signal) => {
      const transport = await program(`${SAY_PID} process.stdin.resume()`)(signal);
      started.resolve(await pidOf(transport));
      return transport;
    };
    const connecting = connect(dial, { ...TOKEN, signal: abort.signal });
    const pid = await started.promise;
    abort.abort(new Error("enough"));
    await expect(connecting).rejects.toThrow("enough");
    await until(() => !exists(pid));
  });
});

test("a closed connection does not keep this process alive", async () => {
  const { spawn } = await import("node:child_process");
  const url = new URL("./index.ts", import.meta.url).href;
  const code = `
    const { spawnRuntime } = await import(${JSON.stringify(url)});
    const dial = spawnRuntime(process.execPath, ["-e", "process.stdin.resume()"], { closeTimeout: 60_000 });
    const transport = await dial(new AbortController().signal);
    transport.close();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: "inherit" });
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("a broken stderr of this process does not end it, although the runtime keeps writing", async () => {
  const { spawn } = await import("node:child_process");
  const url = new URL("./index.ts", import.meta.url).href;
  const chatty = "setInterval(() => { console.error('hm'); console.log('{}'); }, 5)";
  const code = `
    const { spawnRuntime } = await import(${JSON.stringify(url)});
    const dial = spawnRuntime(process.execPath, ["-e", ${JSON.stringify(chatty)}], { closeTimeout: 100 });
    const transport = await dial(new AbortController().signal);
    console.log("started");
    let frames = 0;
    for await (const _ of transport.frames) if (++frames === 50) break;
    console.log(frames + " frames");
    transport.close();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: "pipe" });
  child.stderr.destroy();
  const said = text(child.stdout);
  expect(await once(child, "close")).toEqual([0, null]);
  expect(await said).toBe("started\n50 frames\n");
});

test.each<[unknown[], string]>([
  [[], 'spawnRuntime takes a command and an array: "node", ["agents.js"]'],
  [["node", "agents.js"], 'spawnRuntime takes a command and an array: "node", ["agents.js"]'],
  [["node", { cwd: "/" }], 'spawnRuntime takes a command and an array: "node", ["agents.js"]'],
  [["node", [], { stderr: "inherit" }], "stderr must be a stream to write to, or"],
  [["node", [], { closeTimeout: "5" }], "closeTimeout must be a number from zero"],
  [["node", [], { maxMessageSize: Number.NaN }], "maxMessageSize must be a number above zero"],
  [["node", [], { environment: {} }], "environment is not one of its options, which are cwd, env"],
])("invalid arguments are refused before a process is started: %o", (given, message) => {
  expect(() => spawnRuntime(...(given as Parameters<typeof spawnRuntime>))).toThrow(
    expect.objectContaining({ code: "MISUSE", message: expect.stringContaining(message) }),
  );
});
