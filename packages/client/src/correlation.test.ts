import { type ClientMessageType, decode, type Envelope, type JobId } from "@arcp/core";
import { expect, test } from "vitest";
import { type Asked, answered, blamed, isRefusedKey, meaning } from "./correlation.ts";

const trace = (n: number) => n.toString(16).padStart(32, "a");

function asked(id: string, type: ClientMessageType, rest: Partial<Asked> = {}): Asked {
  return { id, type, jobId: undefined, traceId: undefined, isRepeatable: false, ...rest };
}
const submit = asked("req_1", "job.submit", { traceId: trace(1) });
const second = asked("req_2", "job.submit", { traceId: trace(2) });
const keyed = asked("req_5", "job.submit", { isRepeatable: true });
const cancel = asked("req_3", "job.cancel", { jobId: "j3" as JobId });
const subscribe = asked("req_4", "job.subscribe", { jobId: "j4" as JobId });
const list = asked("req_6", "session.list_jobs");
const ping = asked("req_7", "session.ping");
const all = [list, submit, second, cancel, subscribe];
const context = { former: new Set(["req_0", trace(0)]), jobs: new Set(["known"]) };

function message(type: string, payload: object, header: object = {}): Envelope {
  const decoded = decode(JSON.stringify({ id: "m", type, ...header, payload }));
  if (decoded.kind !== "ok") throw new Error(JSON.stringify(decoded));
  return decoded.message;
}
const accepted = (payload: object = {}, header: object = {}) =>
  message("job.accepted", { job_id: "j", agent: "a", ...payload }, header);
const sessionError = (code: string, payload: object = {}, header: object = {}) =>
  message("session.error", { code, ...payload }, header) as Envelope<"session.error">;
const jobError = (code: string, header: object = {}, payload: object = {}) =>
  message(
    "job.error",
    { final_status: "error", code, ...payload },
    header,
  ) as Envelope<"job.error">;

test.each<[string, Envelope, Asked | undefined]>([
  ["the id of a request", accepted({}, { id: "req_2", trace_id: trace(1) }), second],
  ["a submit's trace", accepted({}, { trace_id: trace(2) }), second],
  [
    "a trace in the form of a header",
    accepted({}, { trace_id: `00-${trace(2)}-${"b".repeat(16)}-01` }),
    second,
  ],
  ["a trace in the payload", accepted({ trace_id: trace(2) }), second],
  ["a trace that nobody has", accepted({}, { trace_id: trace(9) }), submit],
  ["the trace of a submit that waits no longer", accepted({}, { trace_id: trace(0) }), undefined],
  ["nothing", accepted(), submit],
  ["a parent", accepted({ parent_job_id: "p" }), undefined],
  ["a job that there was before", accepted({ job_id: "known" }), undefined],
  ["the job of a cancel", message("job.cancelled", { job_id: "j3" }), cancel],
  ["the same in the envelope", message("job.cancelled", {}, { job_id: "j3" }), cancel],
  ["no job, with one cancel", message("job.cancelled", {}), cancel],
  ["another job", message("job.cancelled", { job_id: "j4" }), undefined],
  [
    "the job of a subscribe",
    message("job.subscribed", { job_id: "j4", agent: "a", current_status: "running" }),
    subscribe,
  ],
  ["jobs", message("session.jobs", { jobs: [] }), list],
  ["an event", message("job.event", { kind: "log" }, { job_id: "j3" }), undefined],
])("R-5.4-6: a reply with %s", (_, reply, request) => {
  expect(answered(reply, all, context)).toBe(request);
});

test("R-5.4-6: an acknowledgement without a job is dropped if two requests could have it", () => {
  const other = asked("req_8", "job.cancel", { jobId: "j8" as JobId });
  expect(answered(message("job.cancelled", {}), [cancel, other], context)).toBeUndefined();
  const named = message("job.cancelled", {}, { job_id: "j8" });
  expect(answered(named, [cancel, other], context)).toBe(other);
});

test("R-5.4-6: of two requests about one job, an acknowledgement is the older one's", () => {
  const again = asked("req_9", "job.cancel", { jobId: cancel.jobId });
  const named = message("job.cancelled", { job_id: "j3" });
  expect(answered(named, [cancel, again], context)).toBe(cancel);
});

test("R-7.2-3: a submit with a key may lead to an existing job", () => {
  expect(answered(accepted({ job_id: "known" }), [keyed], context)).toBe(keyed);
});

test.each<[string, Envelope<"job.error">, readonly Asked[], ReturnType<typeof meaning>]>([
  ["a request's id", jobError("INTERNAL_ERROR", { id: "req_6" }), all, list],
  ["request_id", jobError("INTERNAL_ERROR", {}, { request_id: "req_3" }), all, cancel],
  ["a former request_id", jobError("INTERNAL_ERROR", {}, { request_id: "req_0" }), all, "belated"],
  ["a former id", jobError("INTERNAL_ERROR", { id: "req_0" }), all, "belated"],
  [
    "a fresh job and a trace",
    jobError("TIMEOUT", { job_id: "f", trace_id: trace(2) }),
    all,
    second,
  ],
  ["a former trace", jobError("TIMEOUT", { job_id: "f", trace_id: trace(0) }), all, "belated"],
  ["a fresh job", jobError("INTERNAL_ERROR", { job_id: "f" }), all, submit],
  ["a fresh job, while no submit waits", jobError("TIMEOUT", { job_id: "f" }), [list], "belated"],
  ["no job", jobError("INVALID_REQUEST"), all, submit],
  ["a job that there was before", jobError("INTERNAL_ERROR", { job_id: "known" }), all, "end"],
  ["a target, unnumbered", jobError("JOB_NOT_FOUND", { job_id: "j4" }), all, subscribe],
  ["a target, numbered", jobError("JOB_NOT_FOUND", { job_id: "j4", event_seq: 1 }), all, "end"],
  ["a target, but no code for it", jobError("BUDGET_EXHAUSTED", { job_id: "j3" }), all, "end"],
  [
    "a target that was cancelled",
    jobError("CANCELLED", { job_id: "j3" }, { final_status: "cancelled" }),
    all,
    "end",
  ],
  ["DUPLICATE_KEY on a known job", jobError("DUPLICATE_KEY", { job_id: "known" }), all, submit],
  ["DUPLICATE_KEY on a target", jobError("DUPLICATE_KEY", { job_id: "j3" }), all, submit],
  ["DUPLICATE_KEY for nobody", jobError("DUPLICATE_KEY", { job_id: "known" }), [], "belated"],
])("R-D-8: a job.error with %s", (_, error, waiting, found) => {
  expect(meaning(error, waiting, context)).toBe(found);
});

test("R-7.3-9, R-D-8: an agent may end its job with DUPLICATE_KEY, as a record of the job's own log", () => {
  const header = { job_id: "known", event_seq: 3 };
  expect(isRefusedKey(jobError("DUPLICATE_KEY", header))).toBe(true);
  expect(isRefusedKey(jobError("DUPLICATE_KEY", { ...header, job_seq: 3 }))).toBe(false);
  expect(isRefusedKey(jobError("INTERNAL_ERROR", header))).toBe(false);
});

test.each<[string, Envelope<"session.error">, readonly Asked[], Asked | undefined]>([
  ["an id", sessionError("TIMEOUT", {}, { id: "req_3" }), all, cancel],
  ["a former id", sessionError("INVALID_REQUEST", {}, { id: "req_0" }), all, undefined],
  ["a target", sessionError("INVALID_REQUEST", { job_id: "j4" }), all, subscribe],
  ["a target in the envelope", sessionError("INTERNAL_ERROR", {}, { job_id: "j3" }), all, cancel],
  ["another job", sessionError("JOB_NOT_FOUND", { job_id: "x" }), all, undefined],
  ["a trace", sessionError("INTERNAL_ERROR", {}, { trace_id: trace(2) }), all, second],
  ["a former trace", sessionError("INTERNAL_ERROR", {}, { trace_id: trace(0) }), all, undefined],
  ["nothing, and only one waits", sessionError("JOB_NOT_FOUND"), [list], list],
  ["nothing, and one waits beside a ping", sessionError("ACME"), [ping, list], list],
  ["JOB_NOT_FOUND", sessionError("JOB_NOT_FOUND"), all, cancel],
  ["PERMISSION_DENIED", sessionError("PERMISSION_DENIED"), all, submit],
  ["AGENT_NOT_AVAILABLE", sessionError("AGENT_NOT_AVAILABLE"), all, submit],
  ["DUPLICATE_KEY", sessionError("DUPLICATE_KEY"), [cancel, list], undefined],
  ["INVALID_REQUEST", sessionError("INVALID_REQUEST"), all, list],
  ["a code that nobody knows", sessionError("ACME"), all, list],
  ["CANCELLED", sessionError("CANCELLED"), all, undefined],
  ["UNAUTHENTICATED", sessionError("UNAUTHENTICATED"), [list], undefined],
  ["HEARTBEAT_LOST", sessionError("HEARTBEAT_LOST"), [list], undefined],
  ["RESUME_WINDOW_EXPIRED", sessionError("RESUME_WINDOW_EXPIRED"), [list], undefined],
])("R-D-9: a session.error with %s", (_, error, waiting, request) => {
  expect(blamed(error, waiting, context)).toBe(request);
});
