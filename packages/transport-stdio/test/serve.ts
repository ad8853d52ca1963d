// A runtime on the standard streams of a process of its own: `serve.ts [sqlite file [file for its exit code]]`.
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync, writeSync } from "node:fs";
import { Readable } from "node:stream";
import { createRuntime, defineAgent, memoryStore, tokenTable } from "@arcp/runtime";
import { sqliteStore } from "@arcp/store-sqlite";
import { serveStdio } from "../src/index.ts";
import { chunkOf, textOf } from "./load.ts";

const [file, exitCode] = process.argv.slice(2);
if (exitCode !== undefined) process.on("exit", (code) => writeFileSync(exitCode, `${code}`));

/** Emits events, each with its number, and streams a result. */
const load = defineAgent<{ events: number; chunks: number }>({
  name: "load",
  async run(ctx, { events, chunks }) {
    for (let i = 0; i < events; i++) await ctx.log.info(textOf(i));
    for (let i = 0; i < chunks; i++) await ctx.result.write(chunkOf(i));
  },
});

/** Prints wherever a program prints, between its events. */
const chatty = defineAgent<{ rounds: number }>({
  name: "chatty",
  async run(ctx, { rounds }) {
    for (let i = 0; i < rounds; i++) {
      console.log(`printed ${i}`);
      console.table([{ i }]);
      process.stdout.write(`written ${i}, without an end`);
      process.stdout.write(new TextEncoder().encode(`{"arcp":"1.1"} ${i}\n`));
      await ctx.log.info(`event ${i}`);
    }
    return process.pid;
  },
});

/** Treats stdout as any other stream: fills it and waits for it, holds it back, and ends it. */
const thorough = defineAgent<{ bytes: number }>({
  name: "thorough",
  async run(ctx, { bytes }) {
    const half = Buffer.alloc(bytes / 2, "z");
    const pieces = Readable.from([half, half]);
    pieces.pipe(process.stdout, { end: false });
    await once(pieces, "end");
    if (!process.stdout.write(half)) await once(process.stdout, "drain");
    process.stdout.cork();
    process.stdout.write("held back, ");
    process.stdout.write("together\n");
    await ctx.log.info("held back");
    process.stdout.uncork();
    process.stdout.end("no more of it\n");
    await ctx.log.info("ended");
    return "done";
  },
});

/** Writes past everything to the file that is the standard output. */
const raw = defineAgent({
  name: "raw",
  async run(ctx) {
    await ctx.log.info("before");
    await ctx.flush();
    writeSync(1, "a native library says hello\n");
    spawnSync(process.execPath, ["-e", "console.log('and so does a child')"], { stdio: "inherit" });
    await ctx.log.info("after");
    return "done";
  },
});

/** Tells its process, then prints and is never done; it does not heed its signal either. */
const endless = defineAgent({
  name: "endless",
  attempts: Number.POSITIVE_INFINITY,
  async run(ctx) {
    await ctx.log.info(`${process.pid}`);
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      console.log("to a stdout that nobody may read");
      console.error("to a stderr that nobody may read");
    }
  },
});

/** Says when it is cancelled. */
const heedful = defineAgent({
  name: "heedful",
  async run(ctx) {
    ctx.signal.addEventListener("abort", () => console.error(`cancelled: ${ctx.signal.reason}`));
    await ctx.log.info(`${process.pid}`);
    await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
  },
});

/** Goes on in the process after the one that it tore down. */
const suicidal = defineAgent({
  name: "suicidal",
  attempts: 2,
  async run(ctx) {
    await ctx.log.info(`attempt ${ctx.attempt}`);
    await ctx.flush();
    if (ctx.attempt === 1) {
      await ctx.checkpoint(1);
      console.error("about to die");
      process.kill(process.pid, "SIGKILL");
    }
    return ctx.attempt;
  },
});

const runtime = createRuntime({
  agents: [load, chatty, thorough, raw, endless, heedful, suicidal],
  auth: tokenTable({ secret: "alice" }),
  store: file === undefined || file === "memory" ? memoryStore() : sqliteStore(file),
});
await serveStdio(runtime.serve);
// Long enough for an agent to print into broken pipes.
await runtime.close({ cancelSec: 0.2 });
process.exit();
