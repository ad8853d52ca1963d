import { jobMutations } from "./job-mutations.ts";
import type { Mutation } from "./mutation.ts";
import { sessionMutations } from "./session-mutations.ts";

/** Mistakes that somebody could make, each of which breaks one requirement that the kit has to miss. */
export const mutations: readonly Mutation[] = [
  {
    name: "repeats the last event that the client has seen",
    breaks: "R-6.3-8",
    file: "binding.ts",
    from: "session.connect(link, after, {",
    to: "session.connect(link, Math.max(0, after - 1), {",
  },
  {
    name: "refuses the resume of a client that has missed nothing",
    breaks: "R-6.3-9",
    file: "handshake.ts",
    from: "if (!(await sessions.canResume(session, after))) return undefined;",
    to: "if (after >= session.stream.issued) return undefined;",
  },
  {
    name: "gives the resume token out again that it was shown",
    breaks: "R-6.2-10",
    file: "binding.ts",
    from: "resume_token: token };",
    to: 'resume_token: "rt_0123456789abcdef0123456789abcdef" };',
  },
  {
    name: "lets any session of the principal cancel",
    breaks: "R-7.4-7",
    file: "verbs/cancel.ts",
    from: "if (job.session === session.id) return true;",
    to: "if (job.principal === session.principal) return true;",
  },
  {
    name: "lets everybody observe every job",
    breaks: "R-7.6-1",
    file: "verbs/target.ts",
    from: "if (submitter === principal) return true;",
    to: "if (submitter !== undefined) return true;",
  },
  {
    name: "takes the order of keys for a difference between two submits",
    breaks: "R-7.2-2",
    file: "jobs/idempotency.ts",
    from: ".sort(([a], [b]) => (a < b ? -1 : 1))",
    to: "",
  },
  {
    name: "ends a connection after session.close without an answer",
    breaks: "R-6.7-1",
    file: "verbs/close.ts",
    from: 'depart({ type: "session.closed", payload: { request_id: request.id, reason } });',
    to: "void [request, reason]; depart();",
  },
  {
    name: "lets nobody but the principal's own counters pay for a delegated job",
    breaks: "R-9.6-8",
    file: "authority/budget.ts",
    from: "for (const budget of this.#lineage()) if (!budget.#closed) budget.#deduct(currency, amount);",
    to: "this.#deduct(currency, amount);",
  },
  {
    name: "sends events that the session did not agree on",
    breaks: "R-6.2-5",
    file: "session/view.ts",
    from: "if (feature !== undefined && !features.has(feature)) return false;",
    to: "void [feature, features];",
  },
  {
    name: "goes on with a subscription after job.unsubscribe",
    breaks: "R-7.6-8",
    file: "verbs/unsubscribe.ts",
    from: "session.stream.attachments.detach(job);",
    to: "void job;",
  },
  ...sessionMutations,
  ...jobMutations,
];
