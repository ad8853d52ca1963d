import { createHash } from "node:crypto";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { defineAgent } from "@arcp/runtime";
import { afterAll, expect, test } from "vitest";
import { Site } from "../../test/site.ts";
import { run } from "../program.ts";

const PIECE = new Uint8Array(64 * 1024).map((_, index) => index % 251);
const site = await Site.open();
site.runtime.agents.register(
  defineAgent({
    name: "large",
    run: async (ctx) => {
      for (let n = 0; n < 64; n++) await ctx.result.write(PIECE);
    },
  }),
);
afterAll(() => site[Symbol.asyncDispose]());

const detached = async (...args: string[]) =>
  (await site.arcp("submit", ...args, "--detach")).out.trim();

/** What ends up in the file behind `>`. */
async function bytes(job: string): Promise<Buffer> {
  const stdout = new PassThrough();
  const whole = buffer(stdout);
  expect(await run(["result", job], { stdout, env: site.env })).toBe(0);
  stdout.end();
  return whole;
}

test("a text is written as it is, anything else as JSON", async () => {
  const result = async (input: string) => site.arcp("result", await detached("echo", input));
  expect(await result('"a text"')).toEqual({ code: 0, out: "a text", err: "" });
  expect(await result('{"a":[1]}')).toMatchObject({ out: '{\n  "a": [\n    1\n  ]\n}\n' });
  expect(await result("null")).toMatchObject({ out: "null\n" });
});

test("on a terminal, control characters are escaped", async () => {
  const shown = async (job: string) => (await site.play(["result", job], { columns: 60 }).done).out;
  const text = await detached("echo", JSON.stringify("one\r\n\ttwo \u001b[2J漢"));
  expect(await shown(text)).toBe("one\n\ttwo \\u001b[2J漢\n");
  expect(await shown(await detached("streaming", '"bytes"'))).toBe(
    "\\u0000\ufffd\n\\u0001\ufffd\n\\u0002\ufffd\n",
  );
});

test("a streamed result is written byte by byte, even after the end of the job", async () => {
  const text = await detached("streaming");
  expect(String(await bytes(text))).toBe("part 0\npart 1\npart 2\n");
  expect(await bytes(text)).toEqual(await bytes(text));
  expect([...(await bytes(await detached("streaming", '"bytes"')))]).toEqual([
    0, 255, 10, 1, 255, 10, 2, 255, 10,
  ]);
  const whole = await bytes(await detached("large"));
  const expected = createHash("sha256");
  for (let n = 0; n < 64; n++) expected.update(PIECE);
  expect(createHash("sha256").update(whole).digest("hex")).toBe(expected.digest("hex"));
});

test("a reader that does not read holds it up, and the result is not held in memory", async () => {
  const job = await detached("large");
  const stdout = new PassThrough({ highWaterMark: 1024 });
  const done = run(["result", job], { stdout, env: site.env });
  // By then all of it could have arrived.
  expect((await site.arcp("watch", job)).code).toBe(0);
  await site.arcp("result", job);
  expect(stdout.readableLength + stdout.writableLength).toBeLessThanOrEqual(4 * PIECE.length);
  let total = 0;
  stdout.on("data", (chunk: Buffer) => {
    total += chunk.length;
  });
  expect(await done).toBe(0);
  expect(total).toBe(64 * PIECE.length);
});

test("it waits for a job that still runs", async () => {
  const job = await detached("counting");
  const waiting = site.play(["result", job]);
  const watching = site.play(["watch", job]);
  await watching.until(/running/);
  site.counting.end();
  expect(await waiting.done).toEqual({ code: 0, out: "0\n", err: "" });
  await watching.done;
});

test("Ctrl-C ends the wait", async () => {
  const waiting = site.play(["result", await detached("deaf")]);
  const watching = site.play(["watch"]);
  await watching.until(/running/);
  waiting.interrupt();
  expect(await waiting.done).toEqual({ code: 130, out: "", err: "" });
  watching.interrupt("SIGTERM");
  await watching.done;
});

test("a job without a result takes one line, and exits with the code of its ending", async () => {
  const broken = await detached("broken");
  expect(await site.arcp("result", broken)).toEqual({
    code: 1,
    out: "",
    err: `arcp: ${broken} has no result: there is no such table (INVALID_REQUEST)\n`,
  });
  expect(await site.arcp("result", "job_none")).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^arcp: .+; `arcp jobs` lists yours \(JOB_NOT_FOUND\)\n$/),
  });
  expect(await site.arcp("result")).toMatchObject({ code: 2 });
});
