import { systemClock, type Transport } from "@arcp/core";
import { pino } from "pino";
import { AgentRegistry } from "./agents/agent-registry.ts";
import { readTools } from "./agents/tool.ts";
import { Archive, hasJobs } from "./archive.ts";
import { Outstanding } from "./authority/outstanding.ts";
import { checkWorkspace } from "./authority/path.ts";
import { compilePrices } from "./authority/price.ts";
import { provisionersOf } from "./authority/provisioner.ts";
import { Vault } from "./authority/vault.ts";
import { Connections } from "./connections.ts";
import { CredentialOperations } from "./credential-operations.ts";
import { FailedLogins } from "./failed-logins.ts";
import { figuresOf } from "./figures.ts";
import { IdleWatch } from "./idle-watch.ts";
import { JobOperations } from "./job-operations.ts";
import { ownedChildrenOf } from "./jobs/children.ts";
import { Committer } from "./jobs/committer.ts";
import { Credentials } from "./jobs/credentials.ts";
import { KeyedSubmits } from "./jobs/idempotency.ts";
import { introductionOf } from "./jobs/introduction.ts";
import { LostJobs } from "./jobs/lost-jobs.ts";
import { PostponedWork } from "./jobs/postponed-work.ts";
import { Quota } from "./jobs/quota.ts";
import { JobTable } from "./jobs/table.ts";
import { type EffectiveLimits, readLimits } from "./limits.ts";
import { Observation } from "./observation.ts";
import { Orphans } from "./orphans.ts";
import type { Peer } from "./peer.ts";
import { policyOf } from "./policy.ts";
import { checkRuntimeOptions, type RuntimeOptions } from "./runtime-options.ts";
import { Sessions } from "./session/sessions.ts";
import { SessionOperations } from "./session-operations.ts";
import { type CloseOptions, checkCloseOptions, PATIENCE, Shutdown } from "./shutdown.ts";
import { isClosed } from "./store/closed.ts";
import type { Store } from "./store/index.ts";
import { memoryStore } from "./store/memory-store.ts";
import { readable } from "./store/readable-logs.ts";
import { StoreLoss } from "./store-loss.ts";
import { Takeover } from "./takeover.ts";
import type { Services } from "./verbs/services.ts";
import { welcomeTo } from "./welcome.ts";

/** Hosts agents and executes jobs for whoever connects. */
export interface Runtime {
  /** The agents on offer; more can be registered at any time. */
  readonly agents: AgentRegistry;
  /**
   * Serves ARCP over a transport until it ends. A lost transport never ends a job (R-4-4). Does not need `this`:
   * `listen({ port: 7777 }, runtime.serve)`.
   * @param peer who is on the other end. Failed logins are counted by its address (R-6.1-6), credentials are shown to it if it is
   *   `secure` or `loopback` (R-9.8-1), and its `bearer` stands in for a token missing from its hello (R-6.1-1); without a peer
   *   none of this is done. Its `dialect` says how it is answered
   * @throws LocalError `MISUSE` for something that is not a transport, and for an unknown `dialect`
   */
  readonly serve: (transport: Transport, peer?: Peer) => void;
  /** All jobs, for the operator. */
  readonly jobs: JobOperations;
  /** All sessions, for the operator. */
  readonly sessions: SessionOperations;
  /** The credentials that may be alive at their upstreams, for the operator. */
  readonly credentials: CredentialOperations;
  /**
   * Resolves with the reason when the runtime can no longer serve anybody: its store has failed for good, or it could
   * not take over what the previous process left. Its jobs are stopped, and its clients are disconnected, to come back
   * later. Close it and start another one, or let the process end. Never rejects.
   */
  readonly failed: Promise<Error>;
  /**
   * Accepts no new jobs, gives running ones time to finish, cancels the rest, tells all clients and closes their connections, and
   * closes the store. On a durable store, a job whose agent may be restarted is not cancelled but left to the next process. A
   * second call no longer waits for agents.
   * @throws LocalError `MISUSE` for an unknown option, or an invalid time; then nothing is closed
   */
  close(options?: CloseOptions): Promise<void>;
  /** As `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * @throws LocalError `MISUSE` without a way to authenticate (R-6.1-4); for an option, a limit or a part of the policy that is
 *   unknown or of the wrong type; for two agents with the same name and version; for a limit that is not positive, an invalid
 *   price, or a workspace that is not absolute; and for provisioners with a store that does not outlive the process (R-9.8-1)
 */
export function createRuntime(options: RuntimeOptions): Runtime {
  checkRuntimeOptions(options);
  const { store = memoryStore(), limits = {}, workspace } = options;
  checkWorkspace(workspace);
  return new HostedRuntime(options, store, readLimits(limits, store.durable));
}

class HostedRuntime implements Runtime {
  readonly agents: AgentRegistry;
  readonly jobs: JobOperations;
  readonly sessions: SessionOperations;
  readonly credentials: CredentialOperations;
  readonly #outstanding: Outstanding;
  readonly #services: Services;
  readonly #shutdown: Shutdown;
  /** Accepts connections even while the runtime closes, so that clients can watch their jobs finish. */
  readonly #connections: Connections;
  readonly #idleWatch: IdleWatch;
  readonly #archive: Archive;
  readonly #postponed: PostponedWork;
  readonly #observation: Observation | undefined;
  readonly #storeLoss: StoreLoss;
  readonly #ready: Promise<void>;
  #closed: Promise<void> | undefined;

  constructor(options: RuntimeOptions, given: Store, limits: EffectiveLimits) {
    const { clock = systemClock, observer } = options;
    const logger =
      options.logger ??
      pino({ name: "arcp", level: "warn" }, pino.destination({ fd: 2, sync: true }));
    const store = readable(given, logger);
    this.#observation = observer && new Observation({ observer, clock, logger });
    const committer = new Committer(store.logs, clock, (job) => sessions.readOn(job));
    const vault = new Vault();
    const provisioners = provisionersOf(options.provisioners ?? {}, store.durable);
    const patience = limits.provisionerSec * 1000;
    this.#outstanding = new Outstanding({
      store: store.credentials,
      provisioners,
      clock,
      logger,
      patience,
      doubt: limits.credentialDoubtSec * 1000,
    });
    const credentials = new Credentials({
      outstanding: this.#outstanding,
      vault,
      provisioners,
      clock,
      logger,
      patience,
    });
    this.agents = new AgentRegistry(options.agents);
    const jobs = new JobTable({
      finished: (job) => this.#archive.keep(job),
      lost: (job) => lostJobs.add(job),
    });
    const quota = new Quota({ limits, isFull: (principal) => this.#archive.isFull(principal) });
    this.#postponed = new PostponedWork({ clock, logger, store, turn: committer.turn });
    const sessions = new Sessions({
      clock,
      store: store.sessions,
      logs: store.logs,
      logger,
      resumeWindow: limits.resumeWindowSec * 1000,
      backPressureThreshold: limits.backPressureThreshold,
      hasJobs: (session) => hasJobs(jobs, store, session),
      limits,
      isBusy: (session) => jobs.isOwner(session),
      turn: committer.turn,
      postpone: (session, work) => this.#postponed.add(session, work),
      abandoned: options.cancelOrphans
        ? (session, followed) => orphans.abandoned(session, followed)
        : undefined,
    });
    const orphans = new Orphans({ logger, jobs, sessions, turn: committer.turn });
    this.#archive = new Archive({
      clock,
      logger,
      store,
      jobs,
      sessions,
      turn: committer.turn,
      retention: limits.retentionSec * 1000,
      limits,
    });
    const lostJobs = new LostJobs({
      clock,
      logger,
      store,
      postponed: this.#postponed,
      jobs,
      followers: sessions,
    });
    const policy = policyOf(options.policy);
    const models = compilePrices(options.models ?? {});
    this.#services = {
      clock,
      committer,
      logger,
      store,
      sessions,
      agents: this.agents,
      limits,
      policy,
      tools: readTools(options.tools ?? {}),
      models,
      jobs,
      quota,
      keyed: new KeyedSubmits(),
      showsErrorDetails: options.showErrorDetails ?? false,
      cancelGrace: limits.cancelGraceSec * 1000,
      endsAtExpiry: options.endJobsAtExpiry ?? true,
      endsAtExhaustion: options.endJobsAtExhaustion ?? false,
      openModels: new Set(policy.modelsWithoutLease === "registered" ? models.keys() : []),
      observation: this.#observation,
      credentials,
      vault,
      workspace: options.workspace,
      closing: () => this.#closed !== undefined,
    };
    this.#observation?.start(() => figuresOf(jobs, sessions, committer));
    this.sessions = new SessionOperations(sessions);
    this.#shutdown = new Shutdown({
      clock,
      logger,
      jobs,
      quota,
      turn: committer.turn,
      durable: store.durable,
    });
    // Revocations come first: no job's end may be announced before the revocation of its credentials has begun (R-9.8-7).
    const takeover = new Takeover({
      services: this.#services,
      archive: this.#archive,
      postponed: this.#postponed,
    });
    this.#ready = this.#outstanding.recover().then(() => takeover.run());
    this.credentials = new CredentialOperations(this.#outstanding, credentials, jobs);
    this.jobs = new JobOperations(store.jobs, jobs, committer.turn, this.#ready);
    this.#storeLoss = new StoreLoss({
      logger,
      jobs,
      connections: () => this.#connections,
      stop: () => this.#stop(),
    });
    void store.failed.then((error) =>
      this.#storeLoss.happened(error, "the store has failed for good; the runtime serves nobody"),
    );
    const ready = this.#ready.catch((error: unknown) => {
      // `close` waits for recovery for a limited time only, and may have closed the store under it.
      if (this.#closed !== undefined && isClosed(error)) return;
      this.#storeLoss.happened(
        error,
        "the store could not be taken over; the runtime serves nobody",
      );
    });
    this.#idleWatch = new IdleWatch(clock, limits.idleSec * 1000);
    this.#connections = new Connections({
      services: this.#services,
      sessions,
      provisions: provisioners.size > 0,
      resumesByTokenAlone: options.resumeByTokenAlone ?? false,
      authenticate: options.auth,
      logins: new FailedLogins(clock, limits.failedLoginsPerMinute),
      projector: {
        logs: store.logs,
        turn: committer.turn,
        introduction: (job) => introductionOf(job, this.#services),
        children: (parent, session) => ownedChildrenOf(parent, session, store.jobs),
      },
      welcome: (session) => welcomeTo(session, this.#services, options),
      heartbeatInterval: limits.heartbeatIntervalSec * 1000,
      idleWatch: this.#idleWatch,
      ready,
      refusal: () => this.#storeLoss.refusal,
    });
  }

  get failed(): Promise<Error> {
    return this.#storeLoss.reason;
  }

  readonly serve = (transport: Transport, peer?: Peer): void =>
    this.#connections.serve(transport, peer);

  close(options: CloseOptions = {}): Promise<void> {
    try {
      checkCloseOptions(options);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#closed !== undefined) this.#shutdown.hurry();
    this.#closed ??= this.#close(options);
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(options: CloseOptions): Promise<void> {
    const { sessions, store } = this.#services;
    await this.#shutdown.within(PATIENCE, this.#ready);
    await this.#shutdown.endJobs(options);
    await this.#shutdown.within(PATIENCE, Promise.all([...sessions].map((one) => one.idle())));
    await this.#shutdown.within(PATIENCE, this.#connections.close());
    await this.#shutdown.within(PATIENCE, this.#outstanding.settled());
    this.#stop();
    await this.#shutdown.within(PATIENCE, this.#archive.settled());
    await this.#shutdown.within(PATIENCE, store.close());
    this.#observation?.close();
  }

  /** Stops all timers. */
  #stop(): void {
    this.#outstanding.close();
    this.#postponed.close();
    this.#archive.close();
    this.#idleWatch.close();
    this.#services.sessions.close();
  }
}
