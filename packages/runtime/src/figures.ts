import type { Committer } from "./jobs/committer.ts";
import type { JobTable } from "./jobs/table.ts";
import type { Figures } from "./observer.ts";
import type { Sessions } from "./session/sessions.ts";

export function figuresOf(jobs: JobTable, sessions: Sessions, { written }: Committer): Figures {
  const live = [...jobs].filter((job) => job.live);
  const streams = [...sessions].map(({ stream }) => stream);
  return {
    jobs: jobs.count(),
    sessions: sessions.count(),
    laggingSessions: streams.filter(({ lag }) => lag?.isWarned).length,
    greatestLag: streams.reduce(
      (most, { issued, lag }) => Math.max(most, lag ? issued - lag.acked : 0),
      0,
    ),
    eventsWritten: written,
    eventsWaiting: live.reduce((sum, { waiting }) => sum + waiting, 0),
  };
}
