export {
  type Agent,
  type AnyAgent,
  type AnyEvents,
  defineAgent,
  type EmittedBy,
} from "./agents/agent.ts";
export { AgentRegistry } from "./agents/agent-registry.ts";
export type { ChildJob } from "./agents/child-job.ts";
export type { AgentContext, Log } from "./agents/context.ts";
export type { Delegable, Delegate, DelegatedResult, DelegateOptions } from "./agents/delegate.ts";
export type { WriteOptions } from "./agents/files.ts";
export type { ModelCall, ModelOptions, ModelPermit } from "./agents/model-permit.ts";
export type { Spend, SpendOptions, SpendReservation } from "./agents/spend.ts";
export {
  type ArgumentsOf,
  defineTool,
  type Tool,
  type ToolCall,
  type ToolDefinition,
  type ToolFunction,
  type ToolResultOf,
} from "./agents/tool.ts";
export { type Authenticate, allowAnonymous, tokenTable } from "./auth.ts";
export type { Amounts } from "./authority/money.ts";
export type { OutstandingCredential } from "./authority/outstanding.ts";
export type { PriceTable, Usage } from "./authority/price.ts";
export type { CredentialOrder, IssuedCredential, Provisioner } from "./authority/provisioner.ts";
export type { CredentialOperations } from "./credential-operations.ts";
export type { Profile } from "./dialect/profile.ts";
export type { JobFilter, JobInfo, JobOperations } from "./job-operations.ts";
export { BackpressureError } from "./jobs/backpressure-error.ts";
export type { Trace } from "./jobs/trace.ts";
export type { Limits } from "./limits.ts";
export type {
  Figures,
  JobAttempt,
  JobObserver,
  JobOutcome,
  Observer,
  Operation,
  OperationObserver,
  OperationOutcome,
} from "./observer.ts";
export type { Peer } from "./peer.ts";
export type { ObservedJob, Policy } from "./policy.ts";
export { createRuntime, type Runtime } from "./runtime.ts";
export type { RuntimeOptions } from "./runtime-options.ts";
export type { SessionInfo, SessionOperations } from "./session-operations.ts";
export type { CloseOptions } from "./shutdown.ts";
export { type MemoryStoreOptions, memoryStore } from "./store/memory-store.ts";
