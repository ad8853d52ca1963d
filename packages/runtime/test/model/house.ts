import { type JobId, ManualClock, type SessionId } from "@arcp/core";
import type { Logger } from "pino";
import type { OpenVault } from "../../src/authority/vault.ts";
import { Connection, type ConnectionContext } from "../../src/connection.ts";
import { FailedLogins } from "../../src/failed-logins.ts";
import { IdleWatch } from "../../src/idle-watch.ts";
import { readLimits } from "../../src/limits.ts";
import { defaultPolicy } from "../../src/policy.ts";
import type { KeptJobs } from "../../src/session/restoration.ts";
import { Sessions } from "../../src/session/sessions.ts";
import { DEFAULT_TURN_LIMITS, Turn } from "../../src/turn.ts";
import type { Services } from "../../src/verbs/services.ts";
import { GatedLogs, type HandLogs } from "./hand-logs.ts";
import type { HandSessions } from "./hand-sessions.ts";
import type { Wire } from "./wire.ts";

const silent = () => {};
const logger = { info: silent, warn: silent, error: silent, debug: silent } as unknown as Logger;
const A_DAY = 86_400_000;

/** The runtime's own sessions and connections in one process, with jobs that are controlled by hand. */
export class House {
  readonly sessions: Sessions;
  readonly #context: Omit<ConnectionContext, "projector">;
  readonly #turn: Turn;
  readonly #logs: HandLogs;

  /** @param owner the session that submitted a job */
  constructor(
    store: HandSessions,
    logs: HandLogs,
    vault: OpenVault,
    owner: (job: JobId) => SessionId | undefined,
  ) {
    const clock = new ManualClock();
    const limits = readLimits({}, true);
    this.#logs = logs;
    this.#turn = new Turn(clock, DEFAULT_TURN_LIMITS, silent);
    this.sessions = new Sessions({
      clock,
      store: store.store(),
      logs: logs.free(),
      logger,
      resumeWindow: A_DAY,
      backPressureThreshold: 1_000_000,
      hasJobs: async () => true,
      limits,
      isBusy: () => false,
      turn: this.#turn,
      postpone: silent,
    });
    const life = { settled: silent };
    const live = { principal: "p", agent: "led", lease: {}, lineage: [], life, family: {} };
    // As its log says (J2).
    const ends = (id: JobId) => {
      const { head } = logs.page(id, 0, { records: 0, characters: 0 });
      return { lastSeq: head, liveAfter: head };
    };
    const services = {
      clock,
      logger,
      limits,
      policy: defaultPolicy,
      sessions: this.sessions,
      vault: { openTo: () => vault },
      committer: { turn: this.#turn },
      jobs: {
        get: (id: JobId) => ({ ...live, id, session: owner(id), ...ends(id) }),
        has: () => false,
        isLeaving: () => false,
        expect: () => () => {},
      },
      store: { jobs: { get: async () => undefined }, logs: logs.free() },
    } as unknown as Services;
    this.#context = {
      services,
      sessions: this.sessions,
      provisions: true,
      resumesByTokenAlone: false,
      authenticate: async () => "p",
      logins: new FailedLogins(clock, 1000),
      welcome: () => ({}),
      heartbeatInterval: A_DAY,
      idleWatch: new IdleWatch(clock, A_DAY),
      ready: Promise.resolve(),
      refusal: () => undefined,
    };
  }

  async restore(jobs: KeptJobs): Promise<void> {
    await this.sessions.restore(jobs);
  }

  /** @returns the logs as this connection sees them */
  serve({ transport }: Wire): GatedLogs {
    const logs = new GatedLogs(this.#logs);
    const nobody = { introduction: async () => undefined, children: async () => [] };
    const projector = { logs, turn: this.#turn, ...nobody };
    const remote = { source: undefined, confidential: true, dialect: "draft" } as const;
    void new Connection(transport, { ...this.#context, projector }, remote).run();
    return logs;
  }
}
