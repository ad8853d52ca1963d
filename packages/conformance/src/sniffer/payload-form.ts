import { jobStatuses } from "@arcp/core";
import { at, isJsonObject, type JsonObject } from "../json-object.ts";
import type { RequirementId } from "../manifest/manifest.ts";
import { checkError } from "./error-form.ts";
import { checkEvent } from "./event-form.ts";
import { requiredFields, requiredListingFields } from "./required-field.ts";
import type { SniffedFrame } from "./sniffed-frame.ts";
import type { Report } from "./violation.ts";

/** Checks what a payload shows by itself beyond core's schema, which is lenient as a receiver must be. */
export function checkPayload({ raw, message }: SniffedFrame, report: Report): void {
  const payload = isJsonObject(raw.payload) ? raw.payload : {};
  checkRequired(payload, requiredFields[message.type] ?? [], message.type, report);
  switch (message.type) {
    case "session.welcome":
      checkInventory(at(payload, "capabilities.agents"), report);
      break;
    case "session.jobs":
      for (const entry of Array.isArray(payload.jobs) ? payload.jobs : []) {
        checkRequired(entry, requiredListingFields, "an entry of session.jobs", report);
        checkStatus(at(entry, "status"), report);
        if (at(entry, "credentials") !== undefined) report("R-6.6-3", "a listing has credentials");
      }
      break;
    case "session.error":
      checkError(payload, report);
      break;
    case "job.accepted":
      checkAcceptance(payload, report);
      break;
    case "job.subscribed":
      checkStatus(payload.current_status, report);
      break;
    case "job.event":
      checkEvent(payload, report);
      break;
    case "job.result":
      checkResult(payload, report);
      break;
    case "job.error":
      checkError(payload, report);
      checkEnding(payload, report);
      break;
  }
}

function checkRequired(
  value: unknown,
  fields: readonly (readonly [path: string, rule: RequirementId])[],
  where: string,
  report: Report,
): void {
  for (const [path, rule] of fields) {
    if (at(value, path) === undefined) report(rule, `${where} lacks ${path}`);
  }
}

function checkStatus(status: unknown, report: Report): void {
  if (!jobStatuses.some((known) => known === status)) {
    report("R-7.3-1", `${JSON.stringify(status)} is not a state of a job`);
  }
}

function checkInventory(agents: unknown, report: Report): void {
  let before = "";
  for (const entry of Array.isArray(agents) ? agents : []) {
    const name = at(entry, "name");
    const versions = at(entry, "versions");
    const preferred = at(entry, "default");
    if (typeof name !== "string" || !Array.isArray(versions)) {
      report("R-6.2-7", "an agent is not an object with a name and versions");
      continue;
    }
    if (preferred !== undefined && !versions.includes(preferred)) {
      report("R-6.2-7", `the default of ${name} is not one of its versions`);
    }
    if (name < before) report("R-6.2-7", "agents are not sorted by name");
    before = name;
  }
}

function checkAcceptance(payload: JsonObject, report: Report): void {
  const delegated = payload.parent_job_id !== undefined;
  if (delegated && payload.delegate_id === undefined) {
    report("R-10-2", "the acceptance of a child lacks delegate_id");
  }
  if (!delegated && payload.request_id === undefined) {
    report("R-5.4-1", "job.accepted lacks request_id");
  }
  const lease = payload.lease;
  const amounts = isJsonObject(lease) ? lease["cost.budget"] : undefined;
  const budgeted = Array.isArray(amounts) && amounts.length > 0;
  if (budgeted !== (payload.budget !== undefined)) {
    report("R-9.6-2", "budget is present exactly when cost.budget is granted");
  }
}

function checkResult(payload: JsonObject, report: Report): void {
  const inline = payload.result !== undefined;
  const streamed = payload.result_id !== undefined;
  if (inline === streamed) report("R-8.4-3", "a result is either inline or streamed");
  if (streamed !== (payload.result_size !== undefined)) {
    report("R-8.4-3", "result_size goes with result_id");
  }
}

/** The states that have a code of their own (section 7.3). */
function checkEnding(payload: JsonObject, report: Report): void {
  const { final_status: status, code } = payload;
  if (status !== "error" && (code === "LEASE_EXPIRED" || code === "BUDGET_EXHAUSTED")) {
    report("R-7.3-4", `${code} ends a job with final_status error`);
  } else if (status === "cancelled" && code !== "CANCELLED") {
    report("R-7.4-2", "a cancelled job ends with the code CANCELLED");
  } else if (status === "timed_out" && code !== "TIMEOUT") {
    report("R-7.3-6", "a job that timed out ends with the code TIMEOUT");
  }
}
