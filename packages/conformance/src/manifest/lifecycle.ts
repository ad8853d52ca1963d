import type { RequirementRow } from "./requirement-row.ts";

export const lifecycle = [
  {
    id: "R-7.3-1",
    section: "7.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A job MUST only make the transitions of the table, and its state names MUST be exactly these six.",
  },
  {
    id: "R-7.3-2",
    section: "7.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A terminal state MUST be final, and of several competing endings (return, failure, cancel, timeout, lease expiry) the first one recorded wins.",
  },
  {
    id: "R-7.3-3",
    section: "7.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Each session stream MUST contain exactly one terminal envelope of a live job it follows, as the job's last envelope, and late emissions of the agent are discarded.",
  },
  {
    id: "R-7.3-4",
    section: "7.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      'Lease expiry and budget exhaustion that end a job MUST produce final_status: "error".',
  },
  {
    id: "R-7.3-5",
    section: "7.3",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "A runtime SHOULD announce the start of the agent with a status event of phase running.",
  },
  {
    id: "R-7.3-6",
    section: "7.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A job that is not finished max_runtime_sec seconds after acceptance MUST be aborted and ended with TIMEOUT and timed_out at that moment.",
  },
  {
    id: "R-7.3-7",
    section: "7.3",
    strength: "MUST",
    side: "runtime",
    behaviour: "Deadlines further away than 2^31 milliseconds MUST work.",
  },
  {
    id: "R-7.3-8",
    section: "7.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "An unexpected exception in an agent MUST end the job with INTERNAL_ERROR and a generic message unless the operator enabled error details.",
  },
  {
    id: "R-7.3-9",
    section: "7.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A protocol error that an agent raises deliberately MUST be passed on with its code, message, retryable flag and details.",
  },
  {
    id: "R-7.3-10",
    section: "7.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "After a restart, a runtime with durable job records MUST end every unfinished job it cannot continue with INTERNAL_ERROR, error and retryable: true. A job whose cancel was acknowledged ends as R-7.4-2 says instead.",
  },
  {
    id: "R-7.3-11",
    section: "7.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Finished jobs MUST remain visible to listing and subscription, with history and terminal envelope, for the retention time.",
  },
  {
    id: "R-7.4-1",
    section: "7.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A cancel for an unfinished job MUST be acknowledged by job.cancelled without event_seq, and this acknowledgement precedes the terminal envelope. The intent to cancel MUST be durable, as the store understands the word, before it is acknowledged.",
  },
  {
    id: "R-7.4-2",
    section: "7.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "An acknowledged cancel MUST lead to job.error with CANCELLED, cancelled and a non-empty message, whatever the agent returns or throws afterwards. This holds after a restart too, without running the agent again, and a deadline or an expiry that passes during the grace period only ends the grace period.",
  },
  {
    id: "R-7.4-3",
    section: "7.4",
    strength: "MUST",
    side: "runtime",
    behaviour: "The agent MUST be signalled at once so that it can stop cooperatively and tidy up.",
  },
  {
    id: "R-7.4-4",
    section: "7.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "If the agent has not stopped after the grace period (30 s), the runtime MUST emit the terminal envelope without it and refuse all later operations and emissions of that agent.",
  },
  {
    id: "R-7.4-5",
    section: "7.4",
    strength: "MUST",
    side: "runtime",
    behaviour: "A repeated cancel MUST be acknowledged again without extending the grace period.",
  },
  {
    id: "R-7.4-6",
    section: "7.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A cancel for a finished job MUST be acknowledged with current_status and change nothing.",
  },
  {
    id: "R-7.4-7",
    section: "7.4",
    strength: "MUST",
    side: "runtime",
    ours: true,
    behaviour:
      "Cancel authority MUST belong to the owning session alone, so that another session which may observe the job gets PERMISSION_DENIED and anyone else JOB_NOT_FOUND. When the owning session no longer exists, every session of the submitting principal may cancel.",
  },
  {
    id: "R-7.4-8",
    section: "7.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A cancel that names no job, or two different ones, MUST be rejected with INVALID_REQUEST.",
  },
] as const satisfies readonly RequirementRow[];
