export { beyondTheWire } from "./kit/beyond-the-wire.ts";
export { type RunOptions, runConformance } from "./kit/conformance-run.ts";
export type { Facts } from "./kit/facts.ts";
export type { Need } from "./kit/need.ts";
export type { Outcome, Report, Verdict } from "./kit/report.ts";
export { reportJson } from "./kit/report-json.ts";
export { type ReportStyle, reportText } from "./kit/report-text.ts";
export type { Scenario } from "./kit/scenario.ts";
export { scenarios } from "./kit/scenarios/index.ts";
export { Site } from "./kit/site.ts";
export type { Line, Target } from "./kit/target.ts";
export { webSocketTarget } from "./kit/web-socket-target.ts";
export {
  isRequirementId,
  manifest,
  type Requirement,
  type RequirementId,
} from "./manifest/manifest.ts";
export type { Side, Strength } from "./manifest/requirement-row.ts";
export { type Section, sections } from "./manifest/section.ts";
export { untestable } from "./manifest/untestable.ts";
export type { ReplyTo, ReplyType, RequestType } from "./reply-type.ts";
export { citedRequirements } from "./requirement-citation.ts";
export { SessionRecord } from "./sniffer/session-record.ts";
export { Sniffer } from "./sniffer/sniffer.ts";
export type { Sender, Violation } from "./sniffer/violation.ts";
export type { Introduction, ResumeForm } from "./wire/opening-request.ts";
export type { Sent, WireMessage } from "./wire/sent.ts";
export type { StreamEnvelope } from "./wire/stream-envelope.ts";
export type { Transcript } from "./wire/transcript.ts";
export { type RequestOptions, type ResumeOptions, WireClient } from "./wire/wire-client.ts";
export type { Ending, WireOptions } from "./wire/wire-line.ts";
export { WireRejection } from "./wire/wire-rejection.ts";
export { WireViolation } from "./wire/wire-violation.ts";
