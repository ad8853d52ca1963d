import { catalogue, decode, isMessageType, isVendorName, PROTOCOL_VERSION } from "@arcp/core";
import { at, isJsonObject, parseJsonObject } from "../json-object.ts";
import { checkPayload } from "./payload-form.ts";
import { checkSentValues } from "./sent-value.ts";
import type { SniffedFrame } from "./sniffed-frame.ts";
import type { Report, Sender } from "./violation.ts";

/** The largest message that anybody may send, in bytes (R-4.1-7). */
const MAX_BYTES = 1024 * 1024;
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
const utf8 = new TextEncoder();

/**
 * Checks everything that a frame shows by itself, without regard to earlier frames.
 *
 * @returns undefined if it cannot be read any further
 */
export function checkEnvelope(
  frame: string,
  sender: Sender,
  report: Report,
): SniffedFrame | undefined {
  const bytes = frame.length * 3 > MAX_BYTES ? utf8.encode(frame).length : frame.length;
  if (bytes > MAX_BYTES) report("R-4.1-7", `the frame has ${bytes} bytes`);
  const raw = parseJsonObject(frame);
  if (raw === undefined) {
    report("R-5.3-1", "the frame is not a JSON object");
    return undefined;
  }
  if (raw.arcp !== PROTOCOL_VERSION) report("R-5.1-1", `arcp is ${JSON.stringify(raw.arcp)}`);
  const { id, type } = raw;
  if (typeof id !== "string" || id === "" || id.length > 128) {
    report("R-5.1-3", "id is not a string of 1 to 128 characters");
    return undefined;
  }
  if (typeof type !== "string" || !isMessageType(type)) {
    // A vendor's message is not checked.
    if (typeof type !== "string" || !isVendorName(type)) {
      report("R-5.3-3", `type is ${JSON.stringify(type)}`);
    }
    return undefined;
  }
  const { direction, job, sequenced } = catalogue[type];
  if (direction !== "both" && direction !== sender) {
    report("R-5.3-3", `${type} was sent by the ${sender}`);
  }
  const inner = at(raw, "payload.job_id");
  if (job && typeof raw.job_id !== "string") {
    report("R-5.1-4", `${type} lacks job_id`);
  } else if (job && typeof inner === "string" && inner !== raw.job_id) {
    report("R-5.1-4", "job_id differs between envelope and payload");
  }
  if (sequenced !== (raw.event_seq !== undefined)) {
    report("R-5.1-6", `${type} ${sequenced ? "lacks" : "carries"} event_seq`);
  }
  const trace = raw.trace_id;
  if (trace !== undefined && !(typeof trace === "string" && TRACE_ID.test(trace))) {
    report("R-11-1", "trace_id is not 32 lower-case hexadecimal digits");
  }
  checkExtensions(raw.extensions, report);
  checkSentValues(raw, report);
  const decoded = decode(frame);
  if (decoded.kind !== "ok") {
    report("R-5.3-1", decoded.kind === "malformed" ? decoded.reason : "the type is unknown");
    return undefined;
  }
  const sniffed = { raw, message: decoded.message };
  checkPayload(sniffed, report);
  return sniffed;
}

function checkExtensions(extensions: unknown, report: Report): void {
  if (!isJsonObject(extensions)) return;
  for (const key of Object.keys(extensions)) {
    if (key !== "optional" && !isVendorName(key)) {
      report("R-15-1", `extensions.${key} is not a vendor name`);
    }
  }
}
