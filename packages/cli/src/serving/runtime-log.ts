import { type Logger, pino } from "pino";
import type { Surroundings } from "../surroundings.ts";
import { escaped } from "../tap/escaped.ts";
import { paintFor } from "../terminal.ts";

/** A line of pino. */
interface Said {
  readonly level: number;
  readonly msg: string;
  readonly err?: unknown;
  readonly [key: string]: unknown;
}

/** Pino's number for this level. */
const ERROR = 50;

/** The runtime's log: lines for people on a terminal, JSON for log collectors elsewhere. */
export function runtimeLog({ stderr, env }: Pick<Surroundings, "stderr" | "env">): Logger {
  const paint = paintFor(stderr, env);
  const write = (line: string): void => void stderr.write(readable(line));
  const readable = (line: string): string => {
    if (stderr.isTTY !== true) return line;
    const {
      level,
      msg,
      err,
      time: _t,
      pid: _p,
      hostname: _h,
      name: _n,
      ...rest
    }: Said = JSON.parse(line);
    const label = level >= ERROR ? paint.red("error") : paint.yellow("warn");
    const details = Object.entries(rest).map(([key, value]) => ` ${key}=${text(value)}`);
    const stack = err === undefined ? "" : `\n${paint.dim(indented(thrown(err)))}`;
    return `${label} ${escaped(msg)}${paint.dim(escaped(details.join("")))}${stack}\n`;
  };
  return pino({ name: "arcp", level: "warn" }, { write });
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** An error with its stack. Agents throw other things too. */
function thrown(err: unknown): string {
  if (typeof err !== "object" || err === null) return String(err);
  const { stack, message }: { stack?: unknown; message?: unknown } = err;
  return String(stack ?? message ?? JSON.stringify(err));
}

function indented(stack: string): string {
  return stack
    .split("\n")
    .map((line) => `  ${escaped(line)}`)
    .join("\n");
}
