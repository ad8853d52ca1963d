import type { RequirementRow } from "./requirement-row.ts";

export const trace = [
  {
    id: "R-11-1",
    section: "11",
    strength: "MUST",
    side: "peer",
    behaviour:
      "trace_id MUST be sent as the 32 lower-case hexadecimal digits of a W3C trace id, which is what every SDK expects.",
  },
  {
    id: "R-11-2",
    section: "11",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A received trace_id MUST be accepted as a bare trace id or as a complete traceparent, from which trace id, parent id and flags are taken, and an unusable value is ignored rather than refused.",
  },
  {
    id: "R-11-3",
    section: "11",
    strength: "SHOULD",
    side: "peer",
    behaviour:
      'The complete context SHOULD travel in extensions["x-vendor.opentelemetry.tracecontext"] as {traceparent, tracestate?} and be read there or at the same key under payload.extensions (Java).',
  },
  {
    id: "R-11-4",
    section: "11",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST mint a trace id for a job submitted without one, and repeat the job's trace id on all its envelopes, its acceptance, listings and subscriptions.",
  },
  {
    id: "R-11-5",
    section: "11",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The context MUST be handed on to delegated jobs, which keep the trace id, and to tools and services the runtime calls.",
  },
  {
    id: "R-11-6",
    section: "11",
    strength: "SHOULD",
    side: "peer",
    behaviour:
      "Spans SHOULD carry arcp.session_id, arcp.job_id, arcp.agent, arcp.lease.capabilities, arcp.lease.expires_at and arcp.budget.remaining (JSON text per currency).",
  },
] as const satisfies readonly RequirementRow[];
