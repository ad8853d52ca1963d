import { ArcpError, type EventSchemas, LocalError } from "@arcp/core";
import { clip } from "../authority/clip.ts";
import { shownUrl } from "../authority/url-access.ts";
import type { JobObservation, OperationObservation } from "../observation.ts";
import type { Operation, OperationOutcome } from "../observer.ts";
import type { AgentContext } from "./context.ts";
import type { Delegate } from "./delegate.ts";
import type { Job } from "./job.ts";
import { JobAgentContext, spreadable } from "./job-agent-context.ts";
import type { ModelPermit } from "./model-permit.ts";
import { paced } from "./paced.ts";
import type { Toolbox } from "./toolbox.ts";

/** The context of a job that is observed: what the agent does by it is told. */
export function observedContext(
  job: Job,
  toolbox: Toolbox,
  events: EventSchemas | undefined,
  observed: JobObservation,
): AgentContext {
  return spreadable(new ObservedAgentContext(job, toolbox, events, observed));
}

type Begun = OperationObservation | undefined;

class ObservedAgentContext extends JobAgentContext {
  readonly #job: Job;
  readonly #toolbox: Toolbox;
  readonly #observed: JobObservation;

  constructor(
    job: Job,
    toolbox: Toolbox,
    events: EventSchemas | undefined,
    observed: JobObservation,
  ) {
    super(job, toolbox, events);
    this.#job = job;
    this.#toolbox = toolbox;
    this.#observed = observed;
  }

  override get tools(): AgentContext["tools"] {
    const { tools } = this.#toolbox;
    return {
      call: (name, args) =>
        this.#run("tool.call", name, (begun) => tools.call(name, args, begun?.trace)),
    };
  }

  override get fs(): AgentContext["fs"] {
    const { files } = this.#toolbox;
    return {
      readFile: (path) => this.#run("fs.read", path, () => files.readFile(path)),
      readText: (path) => this.#run("fs.read", path, () => files.readText(path)),
      writeFile: (path, data, options) =>
        this.#run("fs.write", path, () => files.writeFile(path, data, options)),
      list: (path) => this.#run("fs.list", path, () => files.list(path)),
      stat: (path) => this.#run("fs.stat", path, () => files.stat(path)),
    };
  }

  override get fetch(): AgentContext["fetch"] {
    return (input, given) => {
      const request = input instanceof Request ? input : undefined;
      const url = request?.url ?? (input instanceof URL ? input.href : input);
      const begun = this.#begin("net.fetch", shownUrl(textOf(url)), {
        method: textOf(given?.method ?? request?.method ?? "GET"),
      });
      const { fetcher } = this.#toolbox;
      const answered = ({ status }: Response): OperationOutcome => ({ httpStatus: status });
      return this.#end(begun, () => fetcher.fetch(input, given, begun?.trace), answered);
    };
  }

  override get model(): AgentContext["model"] {
    const permit = super.model;
    return (id, options): ModelPermit => {
      const { call } = this.#unlessRefused("model.use", id, () => permit(id, options));
      return {
        id,
        call: (ask, usageOf) => this.#run("model.use", id, () => call(ask, usageOf)),
      };
    };
  }

  override get spend(): AgentContext["spend"] {
    const { reserve } = super.spend;
    return {
      reserve: (amounts, options) => {
        const currencies = Object.keys(amounts ?? {}).join(", ");
        return this.#unlessRefused("spend.reserve", currencies, () => reserve(amounts, options));
      },
    };
  }

  override get delegate(): Delegate {
    const delegate = super.delegate;
    return (agent, input, options) => {
      const name = typeof agent === "string" ? agent : agent?.name;
      return this.#run("agent.delegate", name, () => delegate(agent, input, options));
    };
  }

  override get authorize(): AgentContext["authorize"] {
    const authorize = super.authorize;
    return (capability, target) => {
      this.#unlessRefused(capability, target, () => authorize(capability, target));
      this.#begin(capability, target)?.ended({});
    };
  }

  #run<T>(name: string, target: unknown, act: (begun: Begun) => Promise<T>): Promise<T> {
    const begun = this.#begin(name, target);
    return this.#end(begun, () => act(begun));
  }

  #begin(name: string, target: unknown, { method }: { readonly method?: string } = {}): Begun {
    const { budget, authority } = this.#job;
    const operation: Operation = {
      name: this.#shown(name),
      target: this.#shown(target),
      method: method && this.#shown(method),
      remaining:
        authority.lease.budget.size > 0 ? Object.fromEntries(budget.remaining()) : undefined,
    };
    return this.#observed.operation(operation);
  }

  /** All of these texts are the agent's own. */
  #shown(value: unknown): string {
    // In this order: a part of a secret would not be found.
    return clip(this.#job.secrets.clean(textOf(value)));
  }

  #end<T>(
    begun: Begun,
    act: () => Promise<T>,
    outcome: (value: T) => OperationOutcome = () => ({}),
  ): Promise<T> {
    if (begun === undefined) return paced(this.#job, act());
    const failed = (error: unknown): void => begun.ended(this.#outcomeOf(error));
    try {
      const acting = begun.within(act);
      acting.then((value) => begun.ended(outcome(value)), failed);
      return paced(this.#job, acting);
    } catch (error) {
      failed(error);
      throw error;
    }
  }

  /** What takes no time is told of where it is refused. */
  #unlessRefused<T>(name: string, target: unknown, ask: () => T): T {
    try {
      return ask();
    } catch (error) {
      this.#begin(name, target)?.ended(this.#outcomeOf(error));
      throw error;
    }
  }

  #outcomeOf(error: unknown): OperationOutcome {
    const known = error instanceof ArcpError || error instanceof LocalError;
    const code = known ? error.code : undefined;
    return { error: this.#job.secrets.cleanError(error), code };
  }
}

/** What is no text is refused by whoever is asked for it, and in his words (O1). */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
