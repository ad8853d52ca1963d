import { relative } from "node:path";
import type { CommandContext } from "../context.ts";
import { paintFor } from "../terminal.ts";
import type { AgentModules } from "./agent-modules.ts";
import { FileWatch } from "./file-watch.ts";
import type { FreshImports } from "./module-import.ts";
import { offer } from "./offered-agents.ts";
import type { Serving } from "./serving.ts";

/**
 * Makes a runtime offer the current agents of the modules whenever one of their files changes. New jobs run the new code, running
 * ones continue with theirs.
 */
export class LiveReload implements AsyncDisposable {
  readonly #modules: AgentModules;
  readonly #fresh: FreshImports;
  readonly #serving: Serving;
  readonly #context: CommandContext;
  readonly #watch: FileWatch;
  /** The last message about what cannot be watched. */
  #unwatched = "";
  /** Runs one reload at a time. */
  #turn: Promise<void> = Promise.resolve();
  /** Stops the last reload, which a module may block for ever. */
  #stop = new AbortController();

  constructor(
    modules: AgentModules,
    fresh: FreshImports,
    serving: Serving,
    context: CommandContext,
  ) {
    this.#modules = modules;
    this.#fresh = fresh;
    this.#serving = serving;
    this.#context = context;
    this.#watch = new FileWatch(context.clock, () => this.#begin());
    this.#look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch[Symbol.dispose]();
    this.#stop.abort();
    await this.#turn;
  }

  /** Replaces a reload that is not done yet, because the new one includes everything that has changed since. */
  #begin(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#turn = this.#turn.then(async () => {
      try {
        if (!signal.aborted) await this.#reload(signal);
      } catch (error) {
        if (error !== signal.reason) throw error;
      }
    });
  }

  /** A server does not end because something cannot be watched: the user is told, again whenever that changes. */
  #look(): void {
    const { stderr, env, cwd } = this.#context;
    const { directories = [], why } = this.#watch.watch(this.#fresh.files) ?? {};
    const [first, ...others] = directories.map((directory) => relative(cwd, directory) || ".");
    const more = others.length === 0 ? "" : ` and ${others.length} more`;
    const line = first === undefined ? "" : `${first}${more}: ${why}`;
    if (line !== "" && line !== this.#unwatched) {
      stderr.write(`${paintFor(stderr, env).red("not watched:")} ${line}\n`);
    }
    this.#unwatched = line;
  }

  async #reload(signal: AbortSignal): Promise<void> {
    const { stdout, stderr, env } = this.#context;
    const before = this.#modules.agents;
    const faults = await this.#modules.reload(signal);
    const { added, removed } = offer(this.#serving.runtime.agents, this.#modules.agents, before);
    // A broken module has not reported all of its imports, but the file to mend is among those that it did report.
    this.#look();
    for (const fault of faults) {
      stderr.write(`${paintFor(stderr, env).red("not reloaded:")} ${fault}\n`);
    }
    if (faults.length > 0) return;
    const running = await this.#serving.runningJobs();
    const { tools, models } = this.#modules;
    const fixed = Object.keys({ ...tools, ...models }).length > 0;
    const words = [
      ...added.map((reference) => `new ${reference}`),
      ...removed.map((reference) => `gone ${reference}`),
      ...(fixed ? ["tools and models as they were at the start"] : []),
      ...(running === 0 ? [] : [`${running} running on the old code`]),
    ];
    stdout.write(
      `${paintFor(stdout, env).green("reloaded")}${words.length === 0 ? "" : `: ${words.join(", ")}`}\n`,
    );
  }
}
