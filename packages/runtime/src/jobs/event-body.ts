import { ArcpError, type EventBody, eventBodies } from "@arcp/core";

/**
 * Validates what an agent says against the event's own schema (R-8.1-2).
 * @throws ArcpError `INVALID_REQUEST` that names the place of the fault
 */
export function eventBody<K extends keyof typeof eventBodies>(
  kind: K,
  body: unknown,
): EventBody<K> {
  const parsed = eventBodies[kind].safeParse(body);
  if (parsed.success) return parsed.data as EventBody<K>;
  const issue = parsed.error.issues[0];
  throw new ArcpError(
    "INVALID_REQUEST",
    `${[kind, ...(issue?.path ?? [])].join(".")}: ${issue?.message ?? "is invalid"}`,
  );
}
