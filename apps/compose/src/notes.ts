import { defineAgent } from "@arcp/runtime";
import { z } from "zod";

/** Thinks over a text word by word, and gives it back. */
export const notes = defineAgent({
  name: "notes",
  input: z.object({ text: z.string() }),
  async run(ctx, { text }) {
    for (const word of text.split(" ")) await ctx.thought(word);
    return { text, credits: ctx.budget.remaining()["credits"] };
  },
});
