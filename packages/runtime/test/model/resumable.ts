import type { Session } from "../../src/session/session.ts";
import { Sessions, type SessionsOptions } from "../../src/session/sessions.ts";
import { logsOf, streamOf } from "./memory-stream.ts";
import type { Memory, ModelSession, World } from "./world.ts";

/** The runtime's own decision whether everything after `after` is still there. */
export function canResume(
  world: World,
  session: ModelSession,
  memory: Memory,
  after: number,
): Promise<boolean> {
  const turn = { spend: () => undefined };
  const sessions = new Sessions({
    logs: logsOf(world),
    limits: {},
    turn,
  } as unknown as SessionsOptions);
  return sessions.canResume({ stream: streamOf(session, memory) } as Session, after);
}
