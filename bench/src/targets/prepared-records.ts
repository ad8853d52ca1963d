import { lastSeq, newJob, recordOf } from "./raw-session.ts";

/**
 * The records of all jobs to come, each serialised once: everything of a frame but what a session puts in front. By job,
 * in the order of `job_seq`.
 */
export function prepareRecords(jobs: readonly number[]): readonly (readonly string[])[] {
  const ts = new Date().toISOString();
  return jobs.map((events, index) => {
    const job = newJob(index, events);
    const length = lastSeq(job);
    return Array.from({ length }, (_, i) => JSON.stringify(recordOf(job, i + 1, ts)).slice(1));
  });
}

/** What a session puts in front of a record, up to the number. */
export function prefixOf(session: string): string {
  return `{"arcp":"1.1","session_id":"${session}","event_seq":`;
}
