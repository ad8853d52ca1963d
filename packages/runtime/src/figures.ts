import type { Committer } from "./jobs/committer.ts";
import type { JobTable } from "./jobs/table.ts";
import type { Figures } from "./observer.ts";
import type { Sessions } from "./session/sessions.ts";

export function figuresOf(jobs: JobTable, sessions: Sessions, { written }: Committer): Figures {
  const live = [...jobs].filter((job) => job.live);
  const running = live.filter(({ status }) => status === "running").length;
  const all = [...sessions];
  const connected = all.filter((session) => session.connected).length;
  const lags = all.map(({ stream }) => ({ issued: stream.issued, lag: stream.lag }));
  return {
    jobs: { pending: live.length - running, running },
    sessions: { connected, parked: all.length - connected },
    laggingSessions: lags.filter(({ lag }) => lag?.isWarned).length,
    greatestLag: lags.reduce(
      (most, { issued, lag }) => Math.max(most, lag ? issued - lag.acked : 0),
      0,
    ),
    eventsWritten: written,
    eventsWaiting: live.reduce((sum, { waiting }) => sum + waiting, 0),
  };
}
