import type { JobEvent } from "@arcp/client";
import type { EventBody, LogLevel } from "@arcp/core";
import wrapAnsi from "wrap-ansi";
import type { Paint } from "../terminal.ts";
import { grantedBy } from "./gauges.ts";
import { amount, bytes, compact, duration, fit, printable } from "./printable.ts";
import type { ViewedJob } from "./view.ts";

const UNLIMITED = ", which the job's budget does not limit";

interface Call {
  readonly tool: string;
  readonly at: string | undefined;
}

/** Formats events as lines for people. It remembers tool calls, to name them when their results arrive. */
export class EventLines {
  readonly #paint: Paint;
  readonly #calls = new Map<string, Call>();
  #budgeted: ReadonlyMap<string, number> = new Map();

  constructor(paint: Paint) {
    this.#paint = paint;
  }

  begin({ lease }: Pick<ViewedJob, "lease">): void {
    this.#budgeted = grantedBy(lease);
  }

  /**
   * @param columns the width of a line: the agent's own prose is wrapped, everything else is cut
   * @returns undefined for events that are better shown as a gauge, or not at all
   */
  of(event: JobEvent, columns: number): string | undefined {
    const { dim, yellow, magenta, blue } = this.#paint;
    const line = (text: string): string => `${dim(timeOf(event.ts))} ${indented(text, columns)}`;
    const cut = (text: string): string => fit(`${dim(timeOf(event.ts))} ${text}`, columns);
    switch (event.kind) {
      case "status": {
        const { phase, message } = event.body;
        return line(`${blue(printable(phase))}${message ? ` ${prose(message)}` : ""}`);
      }
      case "log":
        return line(this.#log(event.body));
      case "thought":
        return line(dim(`thinks ${prose(event.body.text)}`));
      case "tool_call": {
        const { tool, call_id, args } = event.body;
        this.#calls.set(call_id, { tool: printable(tool), at: event.ts });
        return cut(`${magenta("→")} ${printable(tool)} ${dim(compact(args))}`);
      }
      case "tool_result":
        return cut(this.#result(event.body, event.ts));
      case "metric": {
        const { name, value, unit = "" } = event.body;
        // The remaining budget is shown as a gauge.
        if (name.startsWith("cost.budget.")) return undefined;
        const shown = `${printable(name)} ${amount(value)} ${printable(unit)}`.trimEnd();
        return cut(`${shown}${this.#isUnlimited(name, unit) ? yellow(UNLIMITED) : ""}`);
      }
      case "artifact_ref": {
        const { uri, content_type, byte_size } = event.body;
        const size = byte_size === undefined ? "" : `, ${bytes(byte_size)}`;
        return line(
          `${magenta("artifact")} ${printable(uri)} ${dim(printable(content_type) + size)}`,
        );
      }
      case "delegate": {
        const { agent = "", child_job_id, delegate_id } = event.body;
        const to = `${magenta("delegates to")} ${printable(agent)}`;
        if (child_job_id !== undefined) return line(`${to} ${dim(printable(child_job_id))}`);
        // A refusal follows as the result of a call whose id is that of the delegation.
        if (delegate_id) this.#calls.set(delegate_id, { tool: printable(agent), at: event.ts });
        return line(to);
      }
      case "history_lost":
        return yellow(`some events after ${event.body.after} are no longer kept`);
      case "progress":
      case "result_chunk":
        return undefined;
      case "opaque":
        return cut(`${printable(event.name)} ${dim(compact(event.body))}`);
      default:
        return cut(`${printable(event.kind)} ${dim(compact(event.body))}`);
    }
  }

  /** A line for an event that a terminal shows as a gauge; undefined for any other. */
  ofGauge(event: JobEvent): string | undefined {
    const line = (text: string): string => {
      return `${this.#paint.dim(timeOf(event.ts))} ${printable(text).replace(/ +/g, " ")}`;
    };
    if (event.kind === "progress") {
      const { current, total, units = "", message = "" } = event.body;
      const of = total === undefined ? "" : `/${amount(total)}`;
      return line(`progress ${amount(current)}${of} ${units} ${message}`);
    }
    if (event.kind === "metric" && event.body.name === "cost.budget.remaining") {
      return line(`budget ${amount(event.body.value)} ${event.body.unit ?? ""} left`);
    }
    return undefined;
  }

  /** Whether the job has a budget, but in other currencies: `usd` is not `USD`, and its costs would pass unnoticed (R-9.6-3). */
  #isUnlimited(name: string, unit: string): boolean {
    return name.startsWith("cost.") && this.#budgeted.size > 0 && !this.#budgeted.has(unit);
  }

  #log({ level, message, attributes }: EventBody<"log">): string {
    const extra = attributes === undefined ? "" : ` ${this.#paint.dim(compact(attributes))}`;
    return `${this.#level(level)} ${prose(message)}${extra}`;
  }

  #level(level: LogLevel): string {
    const { red, yellow, dim, green } = this.#paint;
    const name = level.padEnd(5);
    switch (level) {
      case "critical":
      case "error":
        return red(name);
      case "warn":
        return yellow(name);
      case "info":
        return green(name);
      default:
        return dim(name);
    }
  }

  #result({ call_id, result, error }: EventBody<"tool_result">, ts: string | undefined): string {
    const { dim, red, magenta } = this.#paint;
    const call = this.#calls.get(call_id);
    this.#calls.delete(call_id);
    const name = call?.tool ?? printable(call_id);
    const took = call?.at && ts ? ` ${duration(Date.parse(ts) - Date.parse(call.at))}` : "";
    const what =
      error === undefined
        ? dim(compact(result))
        : red(`${printable(error.code)} ${printable(error.message)}`);
    return `${magenta("←")} ${name}${took} ${what}`;
  }
}

/** A text of an agent, with its own line breaks. */
function prose(text: string): string {
  return text.split(/\r?\n/).map(printable).join("\n");
}

/** Indented past the time of day and a word of six letters; on a narrow terminal, past the time alone. */
const [INDENT, SMALL_INDENT] = [15, 9];
/** A terminal with fewer columns is narrow. */
const NARROW = 40;

/** How many lines of a terminal a text may take. */
const LINES = 20;

/** Wraps words that exceed the columns. */
function indented(text: string, columns: number): string {
  const indent = columns < NARROW ? SMALL_INDENT : INDENT;
  const room = Math.max(8, columns - indent);
  const wrapped = Number.isFinite(room)
    ? wrapAnsi(fit(text, room * LINES), room, { hard: true })
    : text;
  return wrapped.replaceAll("\n", `\n${" ".repeat(indent)}`);
}

/** The local time of day. */
function timeOf(ts: string | undefined): string {
  if (ts === undefined) return "--:--:--";
  const date = new Date(ts);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
