import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** An order of the year 2026. */
interface Order {
  readonly id: number;
  /** Such as `2026-01-31`. */
  readonly day: string;
  readonly country: string;
  readonly cents: number;
}

const countries = ["DE", "FR", "NL", "PL", "SE"];
const DAY = 86_400_000;
const NEW_YEAR = Date.UTC(2026, 0, 1);

/** This many orders over the year, sorted by day; the same ones every time. */
function* orders(count: number): Generator<Order, void, undefined> {
  for (let id = 0; id < count; id++) {
    const day = new Date(NEW_YEAR + Math.floor((365 * id) / count) * DAY);
    // Scattered without randomness.
    const scattered = Math.imul(id + 1, 2_654_435_761) >>> 8;
    yield {
      id,
      day: day.toISOString().slice(0, 10),
      country: countries[scattered % countries.length] ?? "",
      cents: 100 + (scattered % 49_999),
    };
  }
}

/** Writes them as CSV, with a column that takes a real parser. */
export async function writeOrders(path: string, count: number): Promise<void> {
  const lines = function* (): Generator<string, void, undefined> {
    yield "id,day,country,note,amount\n";
    for (const { id, day, country, cents } of orders(count)) {
      yield `${id},${day},${country},"gift, ""wrapped""",${(cents / 100).toFixed(2)}\n`;
    }
  };
  await pipeline(Readable.from(lines()), createWriteStream(path));
}

/** Dollars for a euro in a month such as `2026-01`. */
export function rateOf(month: string): number {
  return 1.08 + Number(month.slice(5)) / 100;
}

/** The report as it should be, made without the CSV and without the agent. */
export function expectedReport(count: number): string {
  let report = "month,orders,EUR,USD,largest country\n";
  const all = [...orders(count)];
  for (let month = 1; month <= 12; month++) {
    const name = `2026-${String(month).padStart(2, "0")}`;
    const sold = all.filter(({ day }) => day.startsWith(name));
    const sumOf = (some: readonly Order[]): number => some.reduce((sum, o) => sum + o.cents, 0);
    const sums = countries.map((country) => sumOf(sold.filter((o) => o.country === country)));
    const euros = sumOf(sold) / 100;
    const largest = countries[sums.indexOf(Math.max(...sums))];
    report += `${name},${sold.length},${euros.toFixed(2)},${(euros * rateOf(name)).toFixed(2)},${largest}\n`;
  }
  return report;
}
