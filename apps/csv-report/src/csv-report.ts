import { Readable } from "node:stream";
import { ArcpError } from "@arcp/core";
import { type AgentContext, defineAgent } from "@arcp/runtime";
import { parse } from "csv-parse";
import { z } from "zod";

const Row = z.object({ day: z.iso.date(), country: z.string(), amount: z.coerce.number() });

/** Rows that are paid for at a time: a thousand for a credit. */
const BATCH = 1_000;

/**
 * Reads a CSV of orders that is sorted by day, and streams a line for each month as soon as the month is over. Rows are paid for
 * before they count: where the budget ends, the report does, and says so.
 */
export const csvReport = defineAgent({
  name: "csv-report",
  input: z.object({ path: z.string() }),
  async run(ctx, { path }) {
    const csv = await ctx.fs.readFile(path);
    await ctx.result.write("month,orders,EUR,USD,largest country\n");
    let month: Month | undefined;
    let rows = 0;
    try {
      for await (const batch of batches(csv)) {
        const cost = ctx.spend.reserve({ credits: (batch.length / BATCH).toFixed(3) });
        for (const { day, country, amount } of batch) {
          const name = day.slice(0, 7);
          if (month !== undefined && month.name !== name) await write(ctx, month);
          if (month?.name !== name) month = new Month(name);
          month.add(country, amount);
        }
        rows += batch.length;
        await cost.settle();
        await ctx.progress({ current: rows, units: "rows" });
      }
      if (month !== undefined) await write(ctx, month);
    } catch (error) {
      if (!(error instanceof ArcpError) || error.code !== "BUDGET_EXHAUSTED") throw error;
      await ctx.result.write(`the budget ended after ${rows} rows\n`);
    }
  },
});

async function* batches(csv: Uint8Array): AsyncGenerator<z.infer<typeof Row>[], void, undefined> {
  let batch: z.infer<typeof Row>[] = [];
  for await (const record of Readable.from([csv]).pipe(parse({ columns: true }))) {
    batch.push(Row.parse(record));
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Needs the month's exchange rate, which a tool of the runtime knows. */
async function write(ctx: AgentContext, month: Month): Promise<void> {
  const rate = z.number().parse(await ctx.tools.call("exchange-rate", { month: month.name }));
  await ctx.result.write(month.line(rate));
}

class Month {
  readonly name: string;
  #orders = 0;
  readonly #cents = new Map<string, number>();

  constructor(name: string) {
    this.name = name;
  }

  add(country: string, amount: number): void {
    this.#orders += 1;
    this.#cents.set(country, (this.#cents.get(country) ?? 0) + Math.round(amount * 100));
  }

  line(rate: number): string {
    const [largest] = [...this.#cents].toSorted(([, a], [, b]) => b - a);
    const euros = [...this.#cents.values()].reduce((sum, cents) => sum + cents, 0) / 100;
    const columns = [euros.toFixed(2), (euros * rate).toFixed(2), largest?.[0]];
    return `${[this.name, this.#orders, ...columns].join(",")}\n`;
  }
}
