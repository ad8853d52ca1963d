import { Command, InvalidArgumentError } from "commander";
import type { CommandContext } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { usage } from "../failure.ts";
import { ownName } from "../own-name.ts";
import { portNumber } from "../port.ts";
import { type Access, accessOf, keepToken } from "../serving/access.ts";
import { AgentModules, type LoadedAgent } from "../serving/agent-modules.ts";
import { FloatingRejections } from "../serving/floating-rejections.ts";
import { LiveReload } from "../serving/live-reload.ts";
import { FreshImports } from "../serving/module-import.ts";
import { runtimeLog } from "../serving/runtime-log.ts";
import { FINISH_SEC, type ServeOptions, Serving } from "../serving/serving.ts";
import { shellVariables } from "../shell-variables.ts";
import { paintFor, widthOf } from "../terminal.ts";

interface Options extends ServeOptions {
  readonly tokenFile?: string;
  readonly watch?: true;
}

export function serveCommand(context: CommandContext): Command {
  return new Command("serve")
    .description(
      "Serves the agents that modules export, TypeScript included. Without --token-file there is one token: the value of ARCP_TOKEN, or a generated one. Ctrl-C gives jobs a few seconds to finish; a second one stops immediately.",
    )
    .argument("<modules...>", "files that export agents, such as agents.ts")
    .option("--port <port>", "the port to listen on; 0 for a free one", portNumber, 7777)
    .option("--host <host>", "the address to listen on", address, "127.0.0.1")
    .option(
      "--store <file>",
      "a file to keep jobs in, such as arcp.db; created if it does not exist",
    )
    .option("--token-file <file>", "who may connect: one `TOKEN PRINCIPAL` per line")
    .option("--origin <origin>", "a web site that may connect; can be repeated", origin)
    .option("--watch", "reload changed modules; running jobs continue with the old code")
    .action(async (modules: string[], options: Options) => serve(modules, options, context));
}

async function serve(names: string[], options: Options, context: CommandContext): Promise<void> {
  const access = await accessOf(options, context);
  using fresh = options.watch ? freshImports() : undefined;
  const log = runtimeLog(context);
  using floating = new FloatingRejections(log);
  const modules = await AgentModules.load(names, context, fresh);
  const { observer } = floating;
  const serving = await Serving.start(modules, access, { ...options, log, observer }, context);
  const [stop, hurry] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let interrupts = 0;
  using _taken = context.interrupts.take(() => {
    interrupts += 1;
    (interrupts === 1 ? stop : hurry).resolve();
  });
  const failed = serving.failed();
  failed.catch(() => {});
  try {
    await keepToken(access, context.cwd);
    const goingOn = options.store === undefined ? 0 : await serving.runningJobs();
    await using _reload = fresh && new LiveReload(modules, fresh, serving, context);
    announce(serving, modules.agents, access, { ...options, goingOn }, context);
    await Promise.race([failed, stop.promise]);
    tellStopping(serving, context);
  } finally {
    await Promise.race([serving.stop(), hurry.promise]);
  }
  if (interrupts > 1) {
    context.exit(exitCode.interrupted);
    return serving.abandon();
  }
  // The store may have failed only while it wrote the last records.
  await Promise.race([failed, Promise.resolve()]);
}

function freshImports(): FreshImports {
  if (FreshImports.possible) return new FreshImports();
  throw usage(`--watch needs Node 22.15 or later, this is ${process.versions.node}`);
}

function announce(
  { url }: Serving,
  agents: readonly LoadedAgent[],
  access: Access,
  { store, host, goingOn }: Options & { readonly goingOn: number },
  { stdout, stderr, env }: CommandContext,
): void {
  const paint = paintFor(stdout, env);
  const widest = Math.max(...agents.map(({ reference }) => reference.length));
  const lines = [
    `Serving ${agents.length} agent${agents.length === 1 ? "" : "s"} at ${paint.bold(url)}`,
    "",
    ...agents.map(({ reference, module }) => `  ${reference.padEnd(widest)}  ${paint.dim(module)}`),
    "",
    store === undefined
      ? "Jobs are kept in memory: use --store arcp.db to keep them across restarts."
      : `Jobs are kept in ${store}${goingOn === 0 ? "" : `: ${goingOn} of them ${goingOn === 1 ? "continues" : "continue"}`}.`,
    howToConnect(access, env),
    "",
    ...settings(urlHere(url), access, widthOf(stdout), env).map((line) => `  ${line}`),
    `  ${ownName(env)} agents`,
  ];
  stdout.write(`${lines.join("\n")}\n`);
  if (!/^(localhost|127\.|\[?::1)/.test(host)) {
    stderr.write(
      `arcp: anyone on the network to ${host} can read the tokens: put a TLS proxy in front\n`,
    );
  }
}

/** The address on this machine of a server that listens on all interfaces. */
function urlHere(url: string): string {
  return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}

/** On one line, to be copied as a whole; on a terminal too narrow for it, a line for each variable. */
function settings(
  url: string,
  access: Access,
  columns: number,
  env: CommandContext["env"],
): string[] {
  const variables = {
    ARCP_URL: url,
    ...(access.kind === "made-up" && { ARCP_TOKEN: access.token }),
  };
  const line = shellVariables(variables, env);
  if (line.length + 2 <= columns) return [line];
  return Object.entries(variables).map(([name, value]) => shellVariables({ [name]: value }, env));
}

function howToConnect(access: Access, env: CommandContext["env"]): string {
  const place = ownName(env) === "arcp" ? "" : ", in this directory";
  switch (access.kind) {
    case "file":
      return `In another terminal${place}, with a token of ${access.name} in ARCP_TOKEN:`;
    case "environment":
      return `In another terminal${place}, with the same ARCP_TOKEN:`;
    case "made-up":
      return `In another terminal${place}:`;
  }
}

/** Says how long running jobs have to finish. */
function tellStopping({ runtime }: Serving, { stderr }: CommandContext): void {
  const { pending, running } = runtime.jobs.count();
  const jobs = pending + running;
  if (jobs === 0) return;
  const who = jobs === 1 ? "1 running job has" : `${jobs} running jobs have`;
  stderr.write(`stopping: ${who} ${FINISH_SEC} s to finish; press Ctrl-C again to stop now\n`);
}

/** To Node, an empty address means all interfaces. Whoever wants that has to say `0.0.0.0` or `::`. */
function address(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("it has to be an address of this machine, such as 127.0.0.1.");
}

function origin(text: string, before: readonly string[] = []): readonly string[] {
  if (URL.parse(text)?.origin === text) return [...before, text];
  throw new InvalidArgumentError("it has to be like https://app.example, without a path.");
}
