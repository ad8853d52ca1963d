import type { SessionId } from "@arcp/core";
import { Journal } from "../session/journal.ts";
import type { Services } from "./services.ts";

/** What the numbers of a session mean, and how far they go. */
export interface Numbering {
  readonly journal: Journal;
  /** The highest number that was issued. */
  readonly issued: number;
}

/** The numbering of a session, also of a forgotten one (R-6.3-18). */
export async function numberingOf(
  { sessions, store }: Pick<Services, "sessions" | "store">,
  session: SessionId,
): Promise<Numbering> {
  const stream = sessions.get(session)?.stream;
  if (stream !== undefined) return stream;
  const runs = await store.sessions.runs(session);
  // The last run of a forgotten session says how far its numbers went.
  return { journal: new Journal(runs), issued: runs.at(-1)?.to ?? 0 };
}
