import { Command } from "commander";
import {
  type ConnectionFlags,
  connectionFlags,
  connectionSettings,
} from "../connection-settings.ts";
import type { CommandContext } from "../context.ts";
import { table } from "../listing/table.ts";
import { openClient } from "../open-client.ts";
import { paintFor, widthOf } from "../terminal.ts";
import { json as jsonLine, printable } from "../view/printable.ts";

interface Options extends ConnectionFlags {
  readonly json?: true;
}

export function agentsCommand(context: CommandContext): Command {
  const command = new Command("agents")
    .description(
      "Lists the agents on offer: their names, the version that a bare name means, and all versions.",
    )
    .option("--json", "one line of JSON per agent");
  return connectionFlags(command).action((options: Options) => agents(options, context));
}

async function agents({ json, ...flags }: Options, context: CommandContext): Promise<void> {
  const { stdout, stderr, env } = context;
  await using client = await openClient(connectionSettings(flags, context), context);
  const offered = client.agents();
  if (json) {
    for (const { name, versions, default: bare } of offered) {
      stdout.write(`${jsonLine({ name, default: bare, versions })}\n`);
    }
    return;
  }
  if (offered.length === 0)
    return void stderr.write("arcp: there are no agents you may submit to\n");
  const rows = offered.map(({ name, versions, default: bare }) =>
    [name, bare ?? "-", versions.join(", ") || "-"].map(printable),
  );
  const lines = table(
    ["AGENT", "DEFAULT", "VERSIONS"],
    rows,
    widthOf(stdout),
    paintFor(stdout, env),
  );
  stdout.write(`${lines.join("\n")}\n`);
}
