import { defineAgent } from "@arcp/runtime";
import { z } from "zod";

const rules = {
  "a line of more than 80 characters": /^.{81}/,
  "blanks at the end of a line": /[ \t]$/,
  "something to be done": /\b(?:TODO|FIXME)\b/,
};

/** Looks through a text, and reports what it finds as it goes. It knows nothing of how it is served. */
export const review = defineAgent({
  name: "review",
  input: z.object({ path: z.string() }),
  output: z.object({ lines: z.int(), findings: z.int() }),
  events: { "x-vendor.sample.finding": z.object({ line: z.int(), what: z.string() }) },
  async run(ctx, { path }) {
    const lines = (await ctx.fs.readText(path)).trimEnd().split("\n");
    // Printed output, even a library's, must not get between the messages on stdout.
    console.log(`review reads ${path}`);
    let findings = 0;
    for (const [index, text] of lines.entries()) {
      for (const [what, rule] of Object.entries(rules)) {
        if (!rule.test(text)) continue;
        findings += 1;
        await ctx.emit("x-vendor.sample.finding", { line: index + 1, what });
      }
    }
    return { lines: lines.length, findings };
  },
});
