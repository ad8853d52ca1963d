import wrapAnsi from "wrap-ansi";
import type { Paint } from "../terminal.ts";
import { fit } from "../view/printable.ts";
import { escaped } from "./escaped.ts";
import { frameJson, shownFrame } from "./shown-frame.ts";
import type { Sight } from "./tap.ts";

/** How many lines of a frame are shown after its first one. */
const LINES = 4;
/** The indentation of these lines. */
const INDENT = "  ";

/** For people: a line, and a few more for a longer frame. The remaining lines are only counted. */
export function sightText(sight: Sight, width: number, paint: Paint): string {
  const lead = `${new Date(sight.at).toTimeString().slice(0, 8)} ${sight.connection}`;
  const [said, more, color] = told(sight, paint);
  const [head, tail] = [escaped(said), escaped(more)];
  const first = fit(`${paint.dim(lead)} ${color(head)}`, width);
  if (tail === "") return first;
  const whole = `${first} ${tail}`;
  if (fit(whole, width) === whole) return whole;
  const room = Math.max(1, width - INDENT.length);
  const near = tail.slice(0, LINES * room);
  const wrapped = wrapAnsi(near, room, { hard: true, wordWrap: false, trim: false });
  const shown = wrapped.split("\n").slice(0, LINES);
  const rest = tail.length - shown.join("").length;
  if (rest > 0) shown.push(paint.dim(`… ${rest.toLocaleString("en")} more characters`));
  return [first, ...shown.map((line) => INDENT + line)].join("\n");
}

/** For programs: one line of JSON, with the whole frame. */
export function sightJson({ at, connection, ...sight }: Sight): string {
  const { text, ...rest } = { text: undefined, ...sight };
  const frame = text === undefined ? {} : { frame: frameJson(text) };
  return escaped(JSON.stringify({ at: new Date(at).toISOString(), connection, ...rest, ...frame }));
}

function told(sight: Sight, paint: Paint): [head: string, tail: string, color: Paint["bold"]] {
  switch (sight.kind) {
    case "opened":
      return [`opened by ${sight.address}`, "", paint.bold];
    case "unreachable":
      return [`not connected: ${sight.why}`, "", paint.red];
    case "closed":
      return [`closed by the ${sight.by}${why(sight.reason)}`, "", paint.bold];
    case "frame": {
      const { title, body, envelope } = shownFrame(sight.text);
      const [arrow, color] =
        sight.from === "client" ? (["->", paint.cyan] as const) : (["<-", paint.green] as const);
      return [`${arrow} ${title}`, [body, envelope].filter(Boolean).join(" "), color];
    }
  }
}

function why(reason: string | undefined): string {
  return reason === undefined ? ", without a word" : ` (${reason})`;
}
