import type { ListedJob } from "@arcp/client";
import type { Paint } from "../terminal.ts";
import { json, printable } from "../view/printable.ts";

/** What a table shows of a job. */
export interface JobRow extends Pick<ListedJob, "id" | "agent" | "status" | "createdAt"> {
  readonly parent?: string | undefined;
  /** From 0 to 1. */
  readonly progress?: number | undefined;
}

export const JOB_TITLES = ["JOB", "STATUS", "AGE", "AGENT"] as const;

/** @param now milliseconds since 1970 */
export function jobCells(
  { id, status, createdAt, agent, progress }: JobRow,
  now: number,
  paint: Paint,
): string[] {
  const share =
    progress === undefined || status !== "running" ? "" : ` ${Math.floor(progress * 100)}%`;
  const shown = paintOf(status, paint)(printable(status) + share);
  return [printable(id), shown, age(now - createdAt.getTime()), printable(agent)];
}

export function jobJson({ id, agent, status, createdAt, parent }: JobRow): string {
  return json({ job: id, agent, status, created_at: createdAt, parent });
}

function paintOf(status: string, { green, red, yellow, cyan, dim }: Paint): Paint["dim"] {
  switch (status) {
    case "running":
      return cyan;
    case "success":
      return green;
    case "error":
      return red;
    case "cancelled":
    case "timed_out":
      return yellow;
    default:
      return dim;
  }
}

/** In the largest unit that fits: more precision is useless, because the clocks of the two sides may differ by some seconds. */
function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
