import { ArcpError } from "@arcp/core";
import fc from "fast-check";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { collectGarbage } from "../../test/collect-garbage.ts";
import { settled } from "../../test/held-store.ts";
import { hosting } from "../../test/hosting.ts";
import { type Frame, Viewer } from "../../test/viewer.ts";
import { Secrets } from "../authority/secrets.ts";
import type { Job } from "../jobs/job.ts";
import type { Chunk } from "../jobs/record.ts";
import { blocks } from "../store/blocks.ts";
import { defineAgent } from "./agent.ts";
import type { AgentContext } from "./context.ts";
import { ResultStream } from "./result-stream.ts";

async function streaming() {
  const rig = hosting();
  const viewer = new Viewer(rig.runtime);
  await viewer.hello();
  const job = await rig.start(viewer);
  return { ...rig, viewer, job, write: job.ctx.result.write };
}

/** A job in which only the acceptance of chunks matters. */
const deaf = (emitChunk: (chunk: Chunk) => Promise<void>) =>
  ({
    identity: { features: new Set(["result_chunk"]) },
    secrets: new Secrets(),
    events: { emitChunk, pass: async () => {} },
    life: { end: () => true },
  }) as unknown as Job;

/** The data of a chunk, as it is sent. */
const textOf = ({ data }: Chunk): string =>
  JSON.parse(typeof data === "string" ? data : data.within("", "").toString());

const chunksOf = (viewer: Viewer) =>
  viewer.stream.filter(({ payload }) => payload.kind === "result_chunk");
const dataOf = (frames: readonly Frame[]) =>
  frames
    .map(({ payload: { body } }) => Buffer.from(body.data, body.encoding))
    .reduce((whole, part) => Buffer.concat([whole, part]), Buffer.alloc(0));

test("R-8.4-1: writes that nobody awaited keep their order and are complete before the job ends", async () => {
  const { viewer, job, write } = await streaming();
  const pieces = ["a".repeat(400_000), "b", "c".repeat(300_000), "TAIL"];
  for (const piece of pieces) void write(piece);
  job.end();
  const { type, payload } = await viewer.terminal(job.id);
  const chunks = chunksOf(viewer);
  expect(type).toBe("job.result");
  expect(dataOf(chunks).toString()).toBe(pieces.join(""));
  expect(payload.result_size).toBe(pieces.join("").length);
  expect(chunks.map(({ payload: { body } }) => body.chunk_seq)).toEqual(chunks.map((_, i) => i));
  // One last chunk, and nothing of the result after it.
  expect(chunks.map(({ payload: { body } }) => body.more)).toEqual([
    ...chunks.slice(1).map(() => true),
    false,
  ]);
});

test("R-8.4-1: what an agent writes after it has returned is ignored, whatever was still in flight", async () => {
  const { viewer, job, write } = await streaming();
  const late = async () => {
    for (let i = 0; i < 50; i++) await write("late");
  };
  const before = write("a".repeat(400_000));
  job.end();
  // Nothing that it wrote before is durable yet, and the end waits for it.
  void before.then(late);
  void late();
  for (let i = 0; i < 4; i++) await undefined;
  void late();
  const { type, payload } = await viewer.terminal(job.id);
  const chunks = chunksOf(viewer);
  expect(type).toBe("job.result");
  expect(chunks.map(({ payload: { body } }) => body.more)).toEqual([
    ...chunks.slice(1).map(() => true),
    false,
  ]);
  expect(payload.result_size).toBe(dataOf(chunks).length);
});

test("R-8.4-3: a value that is returned besides a streamed result is discarded, with a warning", async () => {
  const lines: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
  const { runtime, start } = hosting({ logger });
  const viewer = new Viewer(runtime);
  await viewer.hello();
  for (const value of [undefined, null, "besides"]) {
    const { id, ctx, end } = await start(viewer);
    await ctx.result.write("ä streamed");
    end(value);
    const { payload } = await viewer.terminal(id);
    expect(payload).toMatchObject({ result_size: 11 });
    expect(payload).not.toHaveProperty("result");
  }
  expect(lines).toHaveLength(2);
  expect(lines.join()).toContain("an agent returned a value after streaming its result");
});

test("R-8.4-3: what an agent writes after it has returned a value is ignored while the value is being validated", async () => {
  const { promise, resolve: pass } = Promise.withResolvers<void>();
  const validate = (value: unknown) => promise.then(() => ({ value }));
  const output = { "~standard": { version: 1, vendor: "test", validate } } as const;
  const contexts: AgentContext[] = [];
  const agent = defineAgent({
    name: "returning",
    output,
    run(ctx) {
      contexts.push(ctx);
      return "returned";
    },
  });
  const { runtime } = hosting({ agents: [agent] });
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const { job_id } = await viewer.submit("returning");
  await settled();
  await contexts[0]?.result.write("late");
  await settled();
  pass();
  expect((await viewer.terminal(job_id)).payload.result).toBe("returned");
  expect(chunksOf(viewer)).toEqual([]);
});

test.each([5, undefined, null, { a: 1 }, [1], new Float64Array(2), new ArrayBuffer(4)])(
  "R-8.4-3: %o is refused as a piece of a result, and a returned value still counts",
  async (piece) => {
    const { viewer, job, write } = await streaming();
    expect(() => write(piece as never)).toThrow(/a string or a Uint8Array/);
    job.end("returned");
    expect((await viewer.terminal(job.id)).payload.result).toBe("returned");
    expect(chunksOf(viewer)).toEqual([]);
  },
);

test("R-8.4-3: a piece that could not be taken does not count, and a returned value does", async () => {
  const { viewer, job, write } = await streaming();
  const gone = new Uint8Array(4);
  structuredClone(gone, { transfer: [gone.buffer] });
  expect(() => write(gone)).toThrow(TypeError);
  job.end("returned");
  expect((await viewer.terminal(job.id)).payload.result).toBe("returned");
});

test("R-8.4-2: text arrives as it was written, wherever it is cut", async () => {
  const { viewer, job, write } = await streaming();
  const text = `${"x".repeat(128 * 1024 - 1)}🦊 and "🐻‍❄️"\\\n\0`;
  // One code unit at a time around the pairs, and one large piece with its bound inside a pair.
  await write(text);
  for (const unit of "🦊é🐻") for (let i = 0; i < unit.length; i++) void write(unit.charAt(i));
  job.end();
  await viewer.terminal(job.id);
  const chunks = chunksOf(viewer);
  expect(dataOf(chunks).toString()).toBe(`${text}🦊é🐻`);
  for (const { payload } of chunks) expect(payload.body.data.isWellFormed()).toBe(true);
});

test.each(["text", "bytes"])(
  "R-8.4-1: a large piece of %s leaves in chunks of 64 Ki",
  async (kind) => {
    const { viewer, job, write } = await streaming();
    const piece = "x".repeat(150 * 1024);
    await write(kind === "text" ? piece : Buffer.from(piece));
    job.end();
    await viewer.terminal(job.id);
    expect(chunksOf(viewer).map((frame) => dataOf([frame]).length / 1024)).toEqual([64, 64, 22, 0]);
  },
);

test("R-8.4-3: bytes arrive as they were written, whatever the pieces", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 8 }),
      async (pieces) => {
        const { viewer, job, write } = await streaming();
        for (const piece of pieces) void write(piece);
        job.end({ ignored: true });
        const { payload } = await viewer.terminal(job.id);
        const whole = Buffer.concat(pieces);
        expect(dataOf(chunksOf(viewer))).toEqual(whole);
        expect(payload.result_size).toBe(whole.length);
        expect(payload).not.toHaveProperty("result");
      },
    ),
    { numRuns: 30 },
  );
});

test.each([
  ["Uint8Array", () => new Uint8Array(4)],
  // Its own `slice` copies nothing.
  ["Buffer", () => Buffer.alloc(4)],
])(
  "R-8.4-3: bytes of a %s are taken as they are at the call, whatever it is used for next",
  async (_, bufferOf) => {
    const { viewer, job, write } = await streaming();
    const buffer = bufferOf().fill(1);
    void write(buffer);
    buffer.fill(2);
    void write(buffer);
    buffer.fill(3);
    job.end();
    await viewer.terminal(job.id);
    expect([...dataOf(chunksOf(viewer))]).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
  },
);

test("R-4.1-7: a piece of any size leaves in envelopes below 1 MiB", async () => {
  const { viewer, job, write } = await streaming();
  await write("\u0001".repeat(300_000));
  job.end();
  await viewer.terminal(job.id);
  for (const frame of chunksOf(viewer)) {
    expect(Buffer.byteLength(JSON.stringify(frame))).toBeLessThan(1024 * 1024);
  }
});

test("R-8.4-4: a failed write leaves a gap, so the job cannot succeed even if the agent caught the error", async () => {
  const { viewer, job, write } = await streaming();
  await write("begin");
  await expect(write(`bad \ud800 text${"x".repeat(300_000)}`)).rejects.toMatchObject({
    code: "INVALID_REQUEST",
  });
  await expect(write("end")).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  job.end();
  expect((await viewer.terminal(job.id)).type).toBe("job.error");
});

test("R-8.4-4: a result beyond 256 MiB fails for good even if the agent caught the error", async () => {
  const stream = new ResultStream(
    deaf(async () => {}),
    256 * 1024 * 1024,
  );
  const piece = "x".repeat(16 * 1024 * 1024);
  for (let i = 0; i < 16; i++) await stream.write(piece);
  await expect(stream.write("y")).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
  await expect(stream.finish()).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
});

test("R-8.4-4: a result beyond the limit ends its job at once, even if the agent goes on and fails in another way", async () => {
  const rig = hosting({ limits: { resultBytes: 1000 } });
  const viewer = new Viewer(rig.runtime);
  await viewer.hello();
  const job = await rig.start(viewer);
  await expect(job.ctx.result.write("x".repeat(1001))).rejects.toThrow(/1000 bytes/);
  expect(job.ctx.signal.aborted).toBe(true);
  job.fail(new ArcpError("PERMISSION_DENIED", "could not upload"));
  const { payload } = await viewer.terminal(job.id);
  expect(payload).toMatchObject({
    final_status: "error",
    code: "INTERNAL_ERROR",
    details: { reason: "result_bytes" },
  });
});

test("a text written after the end of its job is not kept alive", async () => {
  const { job, viewer } = await streaming();
  job.end();
  await viewer.terminal(job.id);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  await job.ctx.result.write("q".repeat(2 ** 25).slice(7));
  collectGarbage();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 23);
});

test("R-8.4-2: text that ends within a surrogate pair is not a valid result", async () => {
  const { viewer, job, write } = await streaming();
  await write("🦊".charAt(0));
  job.end();
  expect((await viewer.terminal(job.id)).payload.code).toBe("INTERNAL_ERROR");
});

test("R-8.4-3: text and bytes do not mix, and a write that is refused at once leaves no gap", async () => {
  const { viewer, job, write } = await streaming();
  await write("text");
  expect(() => write(new Uint8Array(1))).toThrow(/not as both/);
  await write(" goes on");
  job.end();
  await viewer.terminal(job.id);
  expect(dataOf(chunksOf(viewer)).toString()).toBe("text goes on");
});

test("R-8.4-5: without the feature a streamed result is refused, and a returned one still counts", async () => {
  const { runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello(["subscribe"]);
  const job = await start(viewer);
  expect(() => job.ctx.result.write("x")).toThrow(/result_chunk/);
  job.end("returned");
  expect((await viewer.terminal(job.id)).payload.result).toBe("returned");
});

test("R-8.4-6: a cancel in the middle of a stream ends it without a last chunk", async () => {
  const { viewer, job, write } = await streaming();
  await write("first");
  await viewer.reply(viewer.send("job.cancel", {}, { job_id: job.id }));
  job.end();
  expect((await viewer.terminal(job.id)).payload.final_status).toBe("cancelled");
  await write("after the end");
  await settled();
  expect(viewer.stream.at(-1)?.type).toBe("job.error");
});

test("beyond 64 MiB of writes that nobody awaited, a write is refused at once", () => {
  const stream = new ResultStream(
    deaf(() => new Promise(() => {})),
    256 * 1024 * 1024,
  );
  for (let i = 0; i < 3; i++) void stream.write("x".repeat(32 * 1024 * 1024));
  expect(() => stream.write("one more")).toThrow(/await/);
});

test("a large piece of bytes is encoded chunk by chunk, and later changes to it have no effect", async () => {
  const data: string[] = [];
  const stream = new ResultStream(
    deaf(async (chunk) => void data.push(textOf(chunk))),
    256 * 1024 * 1024,
  );
  const encoded = vi.spyOn(blocks, "take");
  const piece = new Uint8Array(64 * 64 * 1024).fill(7);
  const written = stream.write(piece);
  const before = encoded.mock.calls.length;
  piece.fill(0);
  await written;
  const after = encoded.mock.calls.length;
  encoded.mockRestore();
  expect([before, after]).toEqual([0, 64]);
  const bytes = Buffer.concat(data.map((text) => Buffer.from(text, "base64")));
  expect(bytes.equals(Buffer.alloc(piece.length, 7))).toBe(true);
});

test("transferred bytes are refused at once, and leave no gap", async () => {
  const { viewer, job, write } = await streaming();
  const gone = new Uint8Array(4).fill(1);
  await write(new Uint8Array([1]));
  structuredClone(gone, { transfer: [gone.buffer] });
  expect(() => write(gone)).toThrow(TypeError);
  await write(new Uint8Array([2]));
  job.end();
  const { payload } = await viewer.terminal(job.id);
  expect(payload.result_size).toBe(2);
  expect([...dataOf(chunksOf(viewer))]).toEqual([1, 2]);
});
