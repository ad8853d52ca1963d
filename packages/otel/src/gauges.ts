import type { Figures } from "@arcp/runtime";
import type { BatchObservableResult, Meter } from "@opentelemetry/api";

/** The figures of a runtime that has closed, except what it wrote. */
const NOTHING: Omit<Figures, "eventsWritten"> = {
  jobs: { pending: 0, running: 0 },
  sessions: { connected: 0, parked: 0 },
  laggingSessions: 0,
  greatestLag: 0,
  eventsWaiting: 0,
};

/**
 * Measures the current figures: `figures` is read whenever somebody collects.
 * @returns a function that lets go of `figures`. No callback is removed, because an SDK would keep reporting the values that it
 *   read last
 */
export function gaugesOf(meter: Meter, figures: () => Figures): () => void {
  let read = figures;
  const jobs = meter.createObservableUpDownCounter("arcp.job.count", {
    description: "Jobs that are not finished, by state",
    unit: "{job}",
  });
  const sessions = meter.createObservableUpDownCounter("arcp.session.count", {
    description: "Sessions, by whether a client is connected",
    unit: "{session}",
  });
  const lagging = meter.createObservableUpDownCounter("arcp.session.lagging", {
    description: "Sessions that were told of back-pressure and still lag behind",
    unit: "{session}",
  });
  const lag = meter.createObservableGauge("arcp.session.lag", {
    description: "Unacknowledged events of the session that lags most",
    unit: "{event}",
  });
  const written = meter.createObservableCounter("arcp.event.written", {
    description: "Events of jobs that became durable",
    unit: "{event}",
  });
  const waiting = meter.createObservableUpDownCounter("arcp.event.waiting", {
    description: "Events of jobs that wait to become durable",
    unit: "{event}",
  });
  const instruments = [jobs, sessions, lagging, lag, written, waiting];
  const observe = (result: BatchObservableResult): void => {
    const now = read();
    result.observe(jobs, now.jobs.pending, { "arcp.job.status": "pending" });
    result.observe(jobs, now.jobs.running, { "arcp.job.status": "running" });
    result.observe(sessions, now.sessions.connected, { "arcp.session.state": "connected" });
    result.observe(sessions, now.sessions.parked, { "arcp.session.state": "parked" });
    result.observe(lagging, now.laggingSessions);
    result.observe(lag, now.greatestLag);
    result.observe(written, now.eventsWritten);
    result.observe(waiting, now.eventsWaiting);
  };
  meter.addBatchObservableCallback(observe, instruments);
  return () => {
    const last = { ...NOTHING, eventsWritten: figures().eventsWritten };
    read = () => last;
  };
}
