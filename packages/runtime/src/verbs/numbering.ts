import type { SessionId } from "@arcp/core";
import { Journal } from "../session/journal.ts";
import { unlessDamaged } from "../store/damage.ts";
import type { Services } from "./services.ts";

/** The journal that explains the numbers of a session, even of a forgotten one (R-6.3-18). */
export async function numberingOf(
  { sessions, store }: Pick<Services, "sessions" | "store">,
  session: SessionId,
): Promise<Journal> {
  const known = sessions.numbering(session);
  if (known !== undefined) return known;
  // Without readable runs, the numbers have no meaning.
  const runs = (await unlessDamaged(store.sessions.runs(session))) ?? [];
  const journal = new Journal(runs);
  // The last run of a forgotten session tells how far its numbers went.
  journal.issue(runs.at(-1)?.to ?? 0);
  return journal;
}
