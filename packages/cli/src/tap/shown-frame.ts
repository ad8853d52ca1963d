import { masked, maskedText } from "./secrets.ts";

/** A frame as it may be shown, without its secrets. */
export interface ShownFrame {
  /** The type of the message, with the kind if it is an event. */
  readonly title: string;
  /** What it says, as JSON; the frame itself if it is no message. */
  readonly body: string;
  /** The rest of its envelope. */
  readonly envelope: string;
}

export function shownFrame(text: string): ShownFrame {
  const frame = parsed(text);
  if (!isObject(frame)) {
    const body = frame === undefined ? maskedText(text) : JSON.stringify(frame);
    return { title: "not a message", body, envelope: "" };
  }
  const { type, event_seq, job_id, payload, arcp: _version, ts: _ts, ...rest } = frame;
  const kind = isObject(payload) && type === "job.event" ? payload["kind"] : undefined;
  const title = [type, job_id, event_seq === undefined ? undefined : `#${event_seq}`, kind];
  return {
    title: title.filter((word) => word !== undefined).join(" "),
    body: JSON.stringify(payload) ?? "",
    envelope: Object.entries(rest)
      .map(
        ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
      )
      .join(" "),
  };
}

/** The whole frame without its secrets: as JSON if it is JSON, otherwise as text. */
export function frameJson(text: string): unknown {
  return parsed(text) ?? maskedText(text);
}

/** Undefined if it is not JSON, or nested too deeply. */
function parsed(text: string): unknown {
  try {
    return masked(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
