import { english, eventBodies, isEmittableKind, isEventKind, logLevels } from "@arcp/core";
import { at, isJsonObject, type JsonObject } from "../json-object.ts";
import { checkError } from "./error-form.ts";
import type { Report } from "./violation.ts";

/** Checks an event as a runtime sends it (section 8.2). */
export function checkEvent(payload: JsonObject, report: Report): void {
  const { kind, body } = payload;
  if (typeof kind !== "string" || !isEmittableKind(kind)) {
    report("R-8.1-2", `${JSON.stringify(kind)} is neither a reserved kind nor a vendor name`);
    return;
  }
  if (!isEventKind(kind)) return;
  const parsed = eventBodies[kind].safeParse(body, english);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    report("R-8.1-2", `the body of ${kind} is invalid: ${issue?.path.join(".")} ${issue?.message}`);
    return;
  }
  switch (kind) {
    case "log":
      if (!logLevels.some((level) => level === at(body, "level"))) {
        report("R-D-1", "the level of a log is not in lower case");
      }
      return;
    case "tool_result": {
      const error = at(body, "error");
      if (isJsonObject(error)) checkError(error, report);
      return;
    }
    case "delegate":
      for (const field of ["delegate_id", "agent"]) {
        if (at(body, field) === undefined) report("R-D-1", `a delegate event lacks ${field}`);
      }
      return;
    case "progress": {
      const current = at(body, "current");
      const total = at(body, "total");
      if (typeof current === "number" && typeof total === "number" && current > total) {
        report("R-8.2-2", "current is above total");
      }
      return;
    }
  }
}
