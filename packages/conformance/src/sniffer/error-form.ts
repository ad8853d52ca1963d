import { errorCodes, isErrorCode } from "@arcp/core";
import type { JsonObject } from "../json-object.ts";
import type { Report } from "./violation.ts";

const MAX_MESSAGE = 2048;
const STACK_TRACE = /\n\s+at\s/;

/** Checks an error as a runtime sends it (section 12). */
export function checkError(error: JsonObject, report: Report): void {
  const { code, message, retryable } = error;
  if (typeof code !== "string" || !isErrorCode(code)) {
    report("R-12-1", `${JSON.stringify(code)} is not one of the fifteen codes`);
  } else if (errorCodes[code].fixed && retryable !== errorCodes[code].retryable) {
    report("R-12-2", `retryable of ${code} is always ${errorCodes[code].retryable}`);
  }
  if (typeof retryable !== "boolean") report("R-12-2", "an error lacks retryable");
  if (typeof message !== "string" || message === "" || message.length > MAX_MESSAGE) {
    report("R-5.3-6", `an error's message has 1 to ${MAX_MESSAGE} characters`);
  } else if (STACK_TRACE.test(message)) {
    report("R-5.3-6", "an error's message shows a stack trace");
  }
}
