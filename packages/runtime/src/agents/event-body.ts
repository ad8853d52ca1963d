import {
  ArcpError,
  checkedNow,
  type EventBody,
  type EventSchemas,
  english,
  eventBodies,
  LocalError,
} from "@arcp/core";
import { clip } from "../authority/clip.ts";
import { noJson } from "../jobs/no-json.ts";
import { problemAt } from "./schema-check.ts";

/**
 * Validates an event's body against the schema of its kind (R-8.1-2).
 * @throws ArcpError `INVALID_REQUEST`, which names the location of the fault
 */
export function eventBody<K extends keyof typeof eventBodies>(
  kind: K,
  body: unknown,
): EventBody<K> {
  const parsed = parse(kind, body);
  if (parsed.success) return parsed.data as EventBody<K>;
  const issue = parsed.error.issues[0];
  throw new ArcpError(
    "INVALID_REQUEST",
    `${[kind, ...(issue?.path ?? [])].join(".")}: ${issue?.message ?? "is invalid"}`,
  );
}

function parse(kind: keyof typeof eventBodies, body: unknown) {
  try {
    return eventBodies[kind].safeParse(body, english);
  } catch (thrown) {
    throw noJson(`a ${kind} event`, thrown);
  }
}

/**
 * Validates the body of an agent's own kind of event against its definition (R-8.1-2).
 * @returns the body as its schema transforms it
 * @throws ArcpError `INVALID_REQUEST` for a kind that the definition lacks, and for a body that does not fit
 * @throws LocalError `MISUSE` for an asynchronous schema, with which events could leave in a different order than they were emitted
 */
export function vendorBody(events: EventSchemas, kind: string, body: unknown): unknown {
  const schema = Object.hasOwn(events, kind) ? events[kind] : undefined;
  if (schema === undefined) {
    const kinds = Object.keys(events).join(", ") || "none";
    throw new ArcpError(
      "INVALID_REQUEST",
      `${clip(kind)} is not among the events of the agent's definition: ${clip(kinds)}`,
    );
  }
  const outcome = checkedNow(schema, body);
  if (outcome === undefined) {
    throw new LocalError(
      "MISUSE",
      `the schema of ${kind} is asynchronous, but an event's schema must not be`,
    );
  }
  if (outcome.ok) return outcome.value;
  throw new ArcpError("INVALID_REQUEST", problemAt(kind, outcome));
}
