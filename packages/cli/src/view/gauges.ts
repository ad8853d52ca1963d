import type { JobEvent, Progress } from "@arcp/client";
import type { EventBody, Lease } from "@arcp/core";
import type { Paint } from "../terminal.ts";
import { amount, bytes, fit, printable } from "./printable.ts";
import type { Connected, ViewedJob } from "./view.ts";

/** What a job reports again and again, as a few lines that change. */
export class Gauges {
  readonly #paint: Paint;
  readonly #granted = new Map<string, number>();
  readonly #left = new Map<string, number>();
  #progress: Progress | undefined;
  #streamed = 0;
  #connection: Connected = { kind: "online" };
  #hint = "";

  constructor(paint: Paint) {
    this.#paint = paint;
  }

  begin({ lease, budget }: ViewedJob): void {
    for (const [currency, left] of Object.entries(budget)) this.#left.set(currency, left);
    // Events are shown from the first one on, and so is what they spend.
    for (const [currency, granted] of grantedBy(lease)) {
      this.#granted.set(currency, granted);
      this.#left.set(currency, granted);
    }
  }

  take(event: JobEvent): void {
    if (event.kind === "progress") this.#progress = event.body;
    if (event.kind === "result_chunk") this.#streamed += sizeOf(event.body);
    if (event.kind === "metric") this.#metric(event.body);
  }

  keys(hint: string): void {
    this.#hint = hint;
  }

  connection(state: Connected): void {
    this.#connection = state;
  }

  /**
   * The state of the job.
   *
   * @param columns the maximum width of a line
   */
  lines(columns: number): string[] {
    const { cyan } = this.#paint;
    const lines = [];
    if (this.#progress !== undefined) lines.push(this.#progressLine(this.#progress, columns));
    for (const [currency, left] of this.#left) {
      lines.push(this.#budgetLine(currency, left, columns));
    }
    if (this.#streamed > 0) lines.push(`${cyan("result")} ${bytes(this.#streamed)} so far`);
    return lines.map((line) => fit(line, columns));
  }

  /** The state of the connection. */
  state(columns: number): string {
    const { green, yellow, dim } = this.#paint;
    const state = this.#connection;
    if (state.kind === "online") return fit(`${green("●")} connected  ${dim(this.#hint)}`, columns);
    const why = dim(printable(state.error.message.replace(/^the connection broke(: )?/, "")));
    return fit(`${yellow("●")} connection lost, reconnecting  ${why}`, columns);
  }

  /** The remaining budget is reported now and then, and each cost reduces it (R-9.6-3). */
  #metric({ name, value, unit = "" }: EventBody<"metric">): void {
    const left = this.#left.get(unit);
    if (name === "cost.budget.remaining") this.#left.set(unit, value);
    else if (/^cost\.(?!budget\.)/.test(name) && left !== undefined) {
      this.#left.set(unit, left - value);
    }
  }

  #progressLine({ current, total, units = "", message = "" }: Progress, columns: number): string {
    const { cyan, dim } = this.#paint;
    const said = dim(printable(message));
    const counted = printable(`${amount(current)}${total ? `/${amount(total)}` : ""} ${units}`);
    if (!total) return `${cyan("⋯")} ${counted}  ${said}`;
    const share = Math.min(1, current / total);
    const percent = `${Math.floor(share * 100)}%`.padStart(4);
    return `${this.#bar(share, columns, cyan)} ${percent}  ${counted}  ${said}`;
  }

  #budgetLine(currency: string, left: number, columns: number): string {
    const { green, yellow, red } = this.#paint;
    const granted = this.#granted.get(currency);
    const name = printable(currency);
    if (!granted) return `${amount(left)} ${name} left`;
    const share = Math.max(0, Math.min(1, left / granted));
    const paint = share > 0.5 ? green : share > 0.2 ? yellow : red;
    const percent = `${Math.floor(share * 100)}%`.padStart(4);
    const words = `${amount(left)} of ${amount(granted)} ${name} left`;
    return `${this.#bar(share, columns, paint)} ${percent}  ${words}`;
  }

  #bar(share: number, columns: number, paint: Paint["cyan"]): string {
    const width = Math.max(8, Math.min(30, Math.floor(columns / 3)));
    const full = Math.round(share * width);
    return `${paint("█".repeat(full))}${this.#paint.dim("░".repeat(width - full))}`;
  }
}

/** The amounts of a lease; it may name a currency more than once (R-9.6-2). */
export function grantedBy(lease: Lease): Map<string, number> {
  const granted = new Map<string, number>();
  for (const entry of lease["cost.budget"] ?? []) {
    const [currency = "", value] = entry.split(":");
    granted.set(currency, (granted.get(currency) ?? 0) + Number(value));
  }
  return granted;
}

function sizeOf({ data, encoding }: { data: string; encoding: "utf8" | "base64" }): number {
  return Buffer.byteLength(data, encoding);
}
