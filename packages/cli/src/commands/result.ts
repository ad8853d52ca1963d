import { once } from "node:events";
import { LocalError } from "@arcp/core";
import { Command } from "commander";
import { type ConnectionFlags, connectionFlags } from "../connection-settings.ts";
import type { CommandContext } from "../context.ts";
import { openClient } from "../open-client.ts";
import { settingsOf } from "../state/own-job.ts";
import { Submission } from "../state/submission.ts";
import type { Sink } from "../surroundings.ts";
import { codeOf } from "../view/outcome-lines.ts";
import { printable, writtenOut } from "../view/printable.ts";

/** Writes the result of a job. */
export function resultCommand(context: CommandContext): Command {
  const command = new Command("result")
    .description(
      "Writes the result of a job to standard output, waiting for it if necessary: a streamed result byte by byte, a text as it is, and anything else as JSON.\n" +
        "Exit codes: 0 the result is complete, 1 the job failed, 5 it was cancelled, 6 it timed out, 2 there is no such job, 4 there is no runtime.",
    )
    .argument("<job>", "the job's id");
  return connectionFlags(command).action((id: string, options: ConnectionFlags) =>
    result(id, options, context),
  );
}

async function result(
  id: string,
  options: ConnectionFlags,
  context: CommandContext,
): Promise<void> {
  const [submission] = await Submission.of(id, context);
  await using client = await openClient(settingsOf(submission, options, context), context);
  const job = await client.subscribe(id, { history: true });
  const { stdout, stderr } = context;
  try {
    const decoder = new TextDecoder();
    for await (const chunk of job.stream()) {
      const text = () => writtenOut(decoder.decode(chunk, { stream: true }));
      await write(stdout, stdout.isTTY ? text() : chunk);
    }
    return;
  } catch (error) {
    const outcome = await job.outcome(context.signal);
    if (outcome.status !== "success") {
      const { code, message } = outcome.error;
      stderr.write(`arcp: ${id} has no result: ${printable(message)} (${printable(code)})\n`);
      return context.exit(codeOf(outcome));
    }
    const isInline = error instanceof LocalError && error.code === "MISUSE";
    if (!isInline || outcome.stream !== undefined) throw error;
    await write(stdout, inline(outcome.result, stdout));
  }
}

function inline(result: unknown, { isTTY = false }: Sink): string {
  if (typeof result === "string") return isTTY ? `${writtenOut(result)}\n` : result;
  return `${JSON.stringify(result ?? null, null, 2)}\n`;
}

/** Resolves once the sink has room for more. */
async function write(sink: Sink, chunk: string | Uint8Array): Promise<void> {
  if (!sink.write(chunk)) await once(sink, "drain");
}
