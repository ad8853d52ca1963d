import { defineTool } from "@arcp/runtime";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ways } from "../../test/line.ts";
import { Stage } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const code = (code: string) => expect.objectContaining({ code });

describe.each(ways)("over %s", (way) => {
  test("R-9.3-3: a call whose arguments or result do not fit the tool's schemas fails alike for the agent and in the stream", async () => {
    const ran: unknown[] = [];
    const page = defineTool({
      input: z.object({ page: z.int(), dpi: z.int().default(300) }),
      output: z.object({ words: z.int() }),
      run(args) {
        ran.push(args);
        return { words: args.page === 13 ? Number.NaN : args.page };
      },
    });
    await using stage = await Stage.open(way, { tools: { "ocr.page": page } });
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire, { lease_request: { "tool.call": ["ocr.*"] } });
    const { call } = puppet.ctx.tools;
    expect(await call("ocr.page", { page: 7 })).toEqual({ words: 7 });
    await expect(call("ocr.page", { page: "7" })).rejects.toEqual(code("INVALID_REQUEST"));
    await expect(call("ocr.page", { page: 13 })).rejects.toEqual(code("INTERNAL_ERROR"));
    puppet.finish();
    const all = await wire.until(isTerminal);
    const results = all.flatMap((e) =>
      e.type === "job.event" && e.payload.kind === "tool_result" ? [e.payload.body] : [],
    );
    expect(results).toMatchObject([
      { result: { words: 7 } },
      { error: { code: "INVALID_REQUEST", message: expect.stringContaining("args.page") } },
      { error: { code: "INTERNAL_ERROR", retryable: true } },
    ]);
    expect(ran).toEqual([
      { page: 7, dpi: 300 },
      { page: 13, dpi: 300 },
    ]);
  });
});
