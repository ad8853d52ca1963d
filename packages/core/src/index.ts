export {
  type AgentReference,
  formatAgentReference,
  parseAgentReference,
} from "./agent-reference.ts";
export type {
  AgentType,
  EventSchemas,
  InputOf,
  OutputOf,
  ReferenceOf,
  VendorEventOf,
} from "./agent-type.ts";
export { ArcpError, type ArcpErrorOptions, type ErrorPayload } from "./arcp-error.ts";
export {
  type ClientMessageType,
  catalogue,
  isMessageType,
  type MessageType,
  type Payload,
  type RuntimeMessageType,
} from "./catalogue.ts";
export { type Clock, sleep, systemClock, type Timer } from "./clock.ts";
export { type Decoded, decode, encode, type Outgoing } from "./codec.ts";
export { decodeFromRuntime } from "./decode-from-runtime.ts";
export { decodeRequest } from "./decode-request.ts";
export type { EncodedText, HeldBytes } from "./encoded-text.ts";
export { english } from "./english.ts";
export {
  type Envelope,
  EnvelopeHeader,
  isCompatibleVersion,
  PROTOCOL_VERSION,
} from "./envelope.ts";
export { defaultRetryable, type ErrorCode, errorCodes, isErrorCode } from "./error-code.ts";
export {
  type EventBody,
  type EventKind,
  eventBodies,
  isEmittableKind,
  isEventKind,
  type KnownEvent,
  type LogLevel,
  logLevels,
  type OpaqueEvent,
  readEvent,
  type VendorEvent,
} from "./event.ts";
export { type Feature, features, negotiate, REQUEST_ID_FEATURE } from "./feature.ts";
export { FrameQueue } from "./frame-queue.ts";
export {
  JobId,
  MessageId,
  newCredentialAlias,
  newJobId,
  newMessageId,
  newSecret,
  newSessionId,
  newTraceId,
  SessionId,
} from "./ids.ts";
export { isObject, type Json, MAX_JSON_DEPTH, nestsDeeperThan } from "./json.ts";
export type { Jsonified } from "./jsonified.ts";
export { lastWord } from "./last-word.ts";
export {
  type Capability,
  capabilities,
  isCapability,
  type Lease,
  type LeaseConstraints,
} from "./lease.ts";
export {
  canMove,
  isTerminal,
  type JobStatus,
  jobStatuses,
  type TerminalStatus,
  transitions,
} from "./lifecycle.ts";
export { type LinkedPair, linkedPair } from "./linked-pair.ts";
export { Liveness, type LivenessOptions } from "./liveness.ts";
export {
  LocalError,
  type LocalErrorCode,
  type LocalErrorOptions,
  localErrorCodes,
} from "./local-error.ts";
export { isLongerThan } from "./longer-than.ts";
export { ManualClock } from "./manual-clock.ts";
export type { Direction, MessageDefinition } from "./message-definition.ts";
export { isPlain, type OptionRule, type OptionRules, rule } from "./option-rule.ts";
export { checkOptions, checkValues } from "./options.ts";
export { type CredentialFields, ProvisionedCredential } from "./provisioned-credential.ts";
export { type Checked, checked, checkedNow, type StandardSchemaV1 } from "./schema.ts";
export type { AgentEntry } from "./session-messages.ts";
export { formatTimestamp } from "./timestamp.ts";
export {
  newTraceContext,
  readTrace,
  readTraceId,
  TRACE_CONTEXT,
  type TraceCarrier,
  type TraceContext,
} from "./trace.ts";
export {
  type CloseReason,
  type Dial,
  type Frame,
  frameText,
  HIGH_WATER_MARK,
  type Transport,
} from "./transport.ts";
export { TransportClosedError } from "./transport-closed-error.ts";
export { unreadableFrame } from "./unreadable-frame.ts";
export { isVendorName } from "./vendor-name.ts";
