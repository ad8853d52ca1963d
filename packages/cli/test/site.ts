import { ArcpError, type Transport } from "@arcp/core";
import { createRuntime, defineAgent, type RuntimeOptions, tokenTable } from "@arcp/runtime";
import { listen } from "@arcp/transport-ws";
import { type Played, type PlayedOptions, Playing, scratch } from "./played.ts";

/** Logs numbers, up to the one that it is told, and returns the last one once it is told to end. */
class Counting {
  starts = 0;
  #until = 0;
  #isOver = false;
  #told = Promise.withResolvers<void>();

  readonly agent = defineAgent({
    name: "counting",
    run: async (ctx) => {
      this.starts++;
      const aborted = new Promise<never>((_, reject) => {
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason), { once: true });
      });
      aborted.catch(() => {});
      for (let n = 1; ; n++) {
        while (n > this.#until) {
          if (this.#isOver) return n - 1;
          await Promise.race([this.#told.promise, aborted]);
        }
        await ctx.log.info(`number ${n}`);
      }
    },
  });

  upTo(n: number): void {
    this.#until = n;
    this.#told.resolve();
    this.#told = Promise.withResolvers();
  }

  end(): void {
    this.#isOver = true;
    this.upTo(this.#until);
  }
}

const echo = defineAgent({ name: "echo", version: "1.0.0", run: (_ctx, input) => input });
const lease = defineAgent({ name: "lease", run: (ctx) => ctx.lease });
const broken = defineAgent({
  name: "broken",
  run: () => {
    throw new ArcpError("INVALID_REQUEST", "there is no such table");
  },
});
const deaf = defineAgent({ name: "deaf", run: () => new Promise(() => {}) });
const streaming = defineAgent({
  name: "streaming",
  run: async (ctx, input) => {
    for (let n = 0; n < 3; n++) {
      await ctx.result.write(input === "bytes" ? new Uint8Array([n, 255, 10]) : `part ${n}\n`);
    }
  },
});
/** Says one of everything. */
const talking = defineAgent({
  name: "talking",
  version: "2.0.0",
  run: async (ctx) => {
    await ctx.status("reading", "all of it");
    await ctx.log.warn("two\nlines \u001b[2J\u0007", { file: "a.ts" });
    await ctx.thought("why not");
    await ctx.tools.call("search", { query: "owls" });
    await ctx.tools.call("mail", {}).catch(() => {});
    await ctx.progress({ current: 1, total: 4, units: "files", message: "a.ts" });
    await ctx.metric({ name: "cost.model", value: 0.25, unit: "USD" });
    await ctx.artifact({
      uri: "file:///report.pdf",
      content_type: "application/pdf",
      byte_size: 2_048,
    });
    await ctx.emit("x-vendor.acme.mood", { mood: "fine" });
    const child = await ctx.delegate("echo", { input: 1, delegateId: "first" });
    await child.result();
    return { done: true };
  },
});

/** A runtime at an address, and a user at home with the command. */
export class Site implements AsyncDisposable {
  readonly counting = new Counting();
  readonly runtime;
  readonly #dispose = new AsyncDisposableStack();
  readonly #transports = new Set<Transport>();
  #url = "";
  #home = "";

  private constructor(options: Partial<RuntimeOptions>) {
    this.runtime = createRuntime({
      agents: [this.counting.agent, echo, lease, broken, deaf, streaming, talking],
      auth: tokenTable({ secret: "alice", other: "bob" }),
      tools: { search: () => ["a hit"], mail: () => null },
      ...options,
    });
  }

  static async open(options: Partial<RuntimeOptions> = {}): Promise<Site> {
    const site = new Site(options);
    site.#home = site.#dispose.use(await scratch()).path;
    site.#dispose.defer(() => site.runtime.close());
    const server = await listen({ port: 0 }, (transport, peer) => {
      site.#transports.add(transport);
      site.runtime.serve(transport, peer);
    });
    site.#dispose.defer(() => server.close());
    site.#url = server.url;
    return site;
  }

  /** Closes all connections that there are. */
  drop(): void {
    for (const transport of this.#transports) transport.close("going-away");
    this.#transports.clear();
  }

  get url(): string {
    return this.#url;
  }

  get home(): string {
    return this.#home;
  }

  get env(): Record<string, string> {
    const [XDG_STATE_HOME, XDG_CONFIG_HOME] = [`${this.#home}/state`, `${this.#home}/config`];
    return {
      XDG_STATE_HOME,
      XDG_CONFIG_HOME,
      ARCP_URL: this.#url,
      ARCP_TOKEN: "secret",
      NO_COLOR: "1",
    };
  }

  play(args: readonly string[], options: PlayedOptions = {}): Playing {
    return new Playing(args, { cwd: this.#home, ...options, env: { ...this.env, ...options.env } });
  }

  arcp(...args: readonly string[]): Promise<Played> {
    return this.play(args).done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#dispose.disposeAsync();
  }
}
