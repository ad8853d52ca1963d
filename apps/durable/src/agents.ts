import { once } from "node:events";
import { defineAgent } from "@arcp/runtime";
import { z } from "zod";

const Done = z.object({ page: z.int(), words: z.int() });

/**
 * Counts the words of a site, page by page; a page costs one credit. It may be restarted: then it goes on after its last
 * checkpoint, and what it did after that is done once more.
 */
export const crawler = defineAgent({
  name: "crawler",
  attempts: 5,
  input: z.object({ site: z.url(), pages: z.int().min(1) }),
  async run(ctx, { site, pages }) {
    let { page, words } = Done.parse(ctx.lastCheckpoint ?? { page: 0, words: 0 });
    while (page < pages) {
      const cost = ctx.spend.reserve({ credits: "1" });
      const response = await ctx.fetch(`${site}/${page + 1}`);
      words += (await response.text()).split(" ").length;
      page += 1;
      await cost.settle();
      await ctx.progress({ current: page, total: pages, units: "pages" });
      await ctx.checkpoint({ page, words });
    }
    return { words, attempts: ctx.attempt };
  },
});

/** Sends a mail, which nobody wants twice: it sets no attempts, so a crash ends its job. */
export const mailer = defineAgent({
  name: "mailer",
  async run(ctx) {
    await ctx.status("sending");
    // The mail server is slow.
    await once(ctx.signal, "abort");
  },
});
