import { once } from "node:events";
import { Command } from "commander";
import { connectionSettings } from "../connection-settings.ts";
import type { CommandContext } from "../context.ts";
import { listenFailure, portNumber } from "../port.ts";
import { shellVariables } from "../shell-variables.ts";
import { shownUrl } from "../shown-url.ts";
import { sightJson, sightText } from "../tap/sight-line.ts";
import { openTap, type Sight } from "../tap/tap.ts";
import { paintFor, widthOf } from "../terminal.ts";

interface Options {
  readonly port: number;
  readonly url?: string;
  readonly profile?: string;
  readonly json?: true;
}

export function tapCommand(context: CommandContext): Command {
  return new Command("tap")
    .description(
      "Listens, forwards frames between clients and a runtime unchanged, and shows them. What is shown contains no tokens and no credential values.",
    )
    .option("--port <port>", "the port for clients; 0 for a free one", portNumber, 7778)
    .option("--url <url>", "the runtime's address (ARCP_URL)")
    .option("--profile <name>", "a profile, for its url (ARCP_PROFILE)")
    .option("--json", "one line of JSON per event, with the whole frame")
    .action(async (options: Options) => tap(options, context));
}

async function tap({ port, json, ...flags }: Options, context: CommandContext): Promise<void> {
  const { url } = connectionSettings(flags, context);
  const { stdout, stderr, env, clock, signal } = context;
  const paint = paintFor(stdout, env);
  const see = async (sight: Sight): Promise<void> => {
    const text = json ? sightJson(sight) : sightText(sight, widthOf(stdout), paint);
    if (stdout.write(`${text}\n`)) return;
    await once(stdout, "drain", { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  };
  await using server = await openTap({ port, url, clock, see }).catch((error: unknown) => {
    throw listenFailure(error, port) ?? error;
  });
  const variable = shellVariables({ ARCP_URL: server.url }, env);
  stderr.write(`Between clients and ${shownUrl(url)}. In another terminal:\n\n  ${variable}\n\n`);
  if (!signal.aborted) await once(signal, "abort");
  signal.throwIfAborted();
}
